"""番人: 宣言のない扉、よそのサイト、札の合わないフォーム、書いたものを失わないこと(CHECKS S2, S4)。"""

from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, Router, get, post
from litestar.template import TemplateConfig

from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.web import errors, render, security
from backend.web.security import needs
from backend.web.sessions import CONSOLE, cookie, cookie_name, csrf_token
from tests import cast
from tests.cast import SECTIONS, STAFF, Cast, Console
from tests.console_fixtures import Opening, app, console, people

__all__ = ["app", "console", "people"]
TANAKA = Actor(1, *STAFF[0], SECTIONS["kosodate"])
TOKEN = "t" * 43
ORIGIN = "http://127.0.0.1:8000"


@get("/console/undeclared")
async def undeclared() -> str:
    return "中身"


@get("/console/mine", **needs(Permission.DRAFT))
async def mine() -> str:
    return "中身"


@get("/console/others", **needs(Permission.REVIEW))
async def others() -> str:
    return "中身"


@post("/console/write", status_code=200, **needs(Permission.DRAFT))
async def write(request: Request[Any, Any, Any]) -> str:
    return f"書いた:{(await request.form()).get('title')}"


@get("/elsewhere", **needs(Permission.DRAFT))
async def elsewhere() -> str:
    return "中身"


@get("/deep")
async def deep() -> str:
    return "中身"


async def find_actor(connection: Any) -> Actor | None:
    return TANAKA if connection.cookies.get(CONSOLE) == TOKEN else None


def templates(settings: Settings) -> Any:
    return TemplateConfig(instance=render.engine(settings=settings, mode=settings.mode, csrf_field=str))


@pytest.fixture
def house(settings: Settings) -> httpx.AsyncClient:
    small = Litestar(
        [undeclared, mine, others, write, elsewhere, Router("/console/nested", route_handlers=[deep])],
        guards=[security.console_guard(settings, find_actor)],
        before_send=[security.security_headers(settings)],
        exception_handlers=errors.handlers(),
        template_config=templates(settings),
        openapi_config=None,
        logging_config=None,
    )
    return cast.browser(small, settings, {CONSOLE: TOKEN})


async def send(house: httpx.AsyncClient, **more: Any) -> httpx.Response:
    data = {"title": "打った題", "csrf": csrf_token(TOKEN), **more.pop("data", {})}
    headers = {"origin": ORIGIN, **more.pop("headers", {})}
    return await house.post("/console/write", data=data, headers=headers, **more)


async def test_a_declared_door_opens_for_whoever_may(house: httpx.AsyncClient) -> None:
    assert (await house.get("/console/mine")).text == "中身"


async def test_an_undeclared_door_is_closed_to_everyone(house: httpx.AsyncClient) -> None:
    answer = await house.get("/console/undeclared")
    assert (answer.status_code, "中身" in answer.text) == (403, False)


async def test_an_undeclared_door_inside_a_router_is_closed_too(house: httpx.AsyncClient) -> None:
    assert (await house.get("/console/nested/deep")).status_code == 403


async def test_a_door_of_another_role_is_closed(house: httpx.AsyncClient) -> None:
    assert (await house.get("/console/others")).status_code == 403


async def test_a_declared_door_is_guarded_wherever_it_stands(house: httpx.AsyncClient) -> None:
    house.cookies.clear()
    assert (await house.get("/elsewhere")).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "/console/undeclared",
        "//console/undeclared",
        "/console//undeclared",
        "/console/undeclared/",
        "///console/undeclared",
    ],
)
async def test_no_spelling_of_the_address_slips_past(house: httpx.AsyncClient, path: str) -> None:
    """綴りを直してしまうブラウザを通さず、ASGIの入口へじかに。"""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 1),
        "headers": [(b"host", b"127.0.0.1:8000"), (b"cookie", f"{CONSOLE}={TOKEN}".encode())],
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send_back(message: Any) -> None:
        sent.append(message)

    transport: Any = house._transport
    await transport.app(scope, receive, send_back)
    assert sent[0]["status"] in (403, 404)
    assert "中身".encode() not in b"".join(message.get("body", b"") for message in sent)


async def test_without_a_session_a_page_leads_to_sign_in_and_back(house: httpx.AsyncClient) -> None:
    house.cookies.clear()
    answer = await house.get("/console/mine?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in?next=/console/mine%3Fx%3D1")


async def test_the_right_token_and_origin_write(house: httpx.AsyncClient) -> None:
    assert (await send(house)).text == "書いた:打った題"


async def test_the_token_may_come_in_a_header(house: httpx.AsyncClient) -> None:
    assert (await send(house, data={"csrf": ""}, headers={"x-csrf": csrf_token(TOKEN)})).text == "書いた:打った題"


@pytest.mark.parametrize("token", ["", "x", csrf_token("another"), csrf_token(TOKEN) + "x", TOKEN])
async def test_a_wrong_token_writes_nothing(house: httpx.AsyncClient, token: str) -> None:
    answer = await send(house, data={"csrf": token})
    assert answer.status_code == 403
    assert "書いた:" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"origin": ORIGIN, "sec-fetch-site": "cross-site"},
        {"origin": ORIGIN, "sec-fetch-site": "same-site"},
    ],
)
async def test_another_site_writes_nothing_even_with_the_token(
    house: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await send(house, headers=headers)
    assert answer.status_code == 403
    assert "打った題" not in answer.text


async def test_an_expired_token_gives_the_typed_words_back_to_send_again(house: httpx.AsyncClient) -> None:
    answer = await send(house, data={"csrf": "old"})
    assert 'name="title" value="打った題"' in answer.text
    assert f'name="csrf" value="{csrf_token(TOKEN)}"' in answer.text
    assert 'action="/console/write"' in answer.text


async def test_a_session_that_ended_keeps_the_typed_words(house: httpx.AsyncClient) -> None:
    house.cookies.clear()
    answer = await send(house)
    assert answer.status_code == 401
    assert 'name="title" value="打った題"' in answer.text
    assert csrf_token(TOKEN) not in answer.text


async def test_fields_of_unknown_origin_are_never_offered_again(house: httpx.AsyncClient) -> None:
    answer = await house.post("/console/write", data={"title": "仕込まれた題", "csrf": "old"})
    assert answer.status_code == 403
    assert "仕込まれた題" not in answer.text


async def test_a_password_is_never_offered_again(house: httpx.AsyncClient) -> None:
    answer = await send(house, data={"csrf": "old", "password": "himitsu-no-kotoba"})
    assert "himitsu" not in answer.text


async def test_a_typed_tag_comes_back_as_text(house: httpx.AsyncClient) -> None:
    answer = await send(house, data={"csrf": "old", "title": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.text


async def test_console_pages_carry_every_safety_header(house: httpx.AsyncClient) -> None:
    headers = (await house.get("/console/mine")).headers
    policy = headers["content-security-policy"]
    for rule in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "form-action 'self'",
        "base-uri 'none'",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


async def test_even_a_refusal_carries_the_safety_headers(house: httpx.AsyncClient) -> None:
    headers = (await house.get("/console/undeclared")).headers
    assert "default-src 'none'" in headers["content-security-policy"]


def test_over_https_the_cookie_is_host_only(settings: Settings) -> None:
    made = cookie(CONSOLE, "x", secure=True, max_age=1)
    assert (made.key, made.secure, made.httponly, made.path) == ("__Host-ward-console", True, True, "/")
    assert (made.samesite, made.domain) == ("lax", None)
    assert cookie_name(CONSOLE, secure=False) == "ward-console"


async def test_over_https_a_signed_in_browser_is_recognised(people: Cast, settings: Settings) -> None:
    secure = settings.model_copy(update={"public_url": "https://ward.example", "console_url": "https://ward.example"})
    secure.__dict__.pop("secure_cookies", None)
    token = await cast.session(people.tanaka)
    made = cast.make_app(secure)
    async with cast.browser(made, secure, {"__Host-ward-console": token}) as over_https:
        assert (await over_https.get("/console/messages/new")).status_code == 200
    async with cast.browser(made, secure, {"ward-console": token}) as plain:
        assert (await plain.get("/console/messages/new")).status_code == 303


async def test_an_unknown_page_is_a_japanese_404(console: Opening, people: Cast) -> None:
    tanaka: Console = await console(people.tanaka)
    answer = await tanaka.get("/no-such-page")
    assert answer.status_code == 404
    assert "お探しのページはありません。" in answer.text


async def test_a_bug_shows_a_number_and_no_insides(settings: Settings) -> None:
    @get("/broken")
    async def broken() -> str:
        raise RuntimeError("himitsu no naka mi")

    small = Litestar(
        [broken],
        exception_handlers=errors.handlers(),
        template_config=templates(settings),
        openapi_config=None,
        logging_config=None,
        pdb_on_exception=False,
    )
    async with cast.browser(small, settings) as browser:
        answer = await browser.get("/broken")
    assert answer.status_code == 500
    assert "番号" in answer.text
    assert "himitsu" not in answer.text
    assert "Traceback" not in answer.text
