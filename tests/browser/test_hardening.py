"""ブラウザの守り(CHECKS S4): よそのサイトからの書き込み、枠、行き先の乗っ取り。Chromiumと、動いている画面のサーバーで。"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import pytest
from litestar import Litestar

from backend.settings import Settings
from backend.store import work
from tests import cast, pages
from tests.browser import console_day
from tests.browser.phone import WARD, Phone
from tests.cast import PASSWORD
from tests.console_fixtures import app

__all__ = ["app"]
EVIL = "https://evil.example.com"
FOREIGN: list[dict[str, str]] = [
    {"origin": EVIL},
    {"origin": "null"},
    {"origin": WARD + ".evil.example.com"},
    {"origin": WARD, "sec-fetch-site": "cross-site"},
    {"origin": WARD, "sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site"},
    {},
]
ELSEWHERE = [
    "https://evil.example.com/", "//evil.example.com/", "///evil.example.com", "/\\evil.example.com", "\\\\evil.example.com",
    "/\t/evil.example.com", "/console/../../evil.example.com", "/console@evil.example.com", "/console\\@evil.example.com",
    "https:evil.example.com", "javascript:window.hit=1", "data:text/html,<script>window.hit=1</script>", "%2F%2Fevil.example.com",
    "/%0d%0aLocation:%20https://evil.example.com", "/console.evil.example.com",
]  # fmt: skip


def writes(app: Litestar) -> list[tuple[str, str]]:
    """住民の書き込みのすべて: (方法, 差し込みを埋めた道)。"""
    return sorted(
        (method, route.path.replace("{purpose:str}", "area").replace("{position:int}", "0"))
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in getattr(handler, "http_methods", ())
        if route.path.startswith("/liff") and method not in ("GET", "HEAD", "OPTIONS")
    )


async def held(owner: asyncpg.Connection) -> list[Any]:
    """預かっているものと台帳のすべて。"""
    tables = ("resident", "resident_child", "consent_event", "counter_code")
    known = {
        row["tablename"] for row in await owner.fetch("select tablename from pg_tables where schemaname = 'public'")
    }
    return [await owner.fetch(f'select * from "{table}" order by 1') for table in tables if table in known]


# ── よそのサイトからの書き込み ──


async def test_no_write_is_taken_from_another_site(
    app: Any, sakura: Phone, http: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await sakura.consent_to_area()
    http.headers["cookie"] = await sakura.cookie()
    before, tried = await held(owner), 0
    for method, path in writes(app):
        for headers in FOREIGN:
            answer = await http.request(method, path, headers=headers, json={"purposes": ["area"], "area": 1})
            assert answer.status_code == 403, (method, path, headers, answer.text)
            tried += 1
    assert await held(owner) == before
    own = await http.delete("/liff/api/me", headers={"origin": WARD, "x-ward": "1"})
    assert own.status_code == 200, "同じ札で、自分のページからなら消せる"
    print(f"S4: よそからの書き込み {len(writes(app))}の扉 × {len(FOREIGN)}通り = {tried}、受け付けた数 0")


async def test_a_page_of_another_site_open_in_the_same_browser_changes_nothing(
    app: Any, sakura: Phone, owner: asyncpg.Connection
) -> None:
    await sakura.consent_to_area()
    before = await held(owner)
    calls = [[method, f"{WARD}{path}"] for method, path in writes(app)]
    page = await evil_page(sakura, "<form method=post target=_self enctype=text/plain></form>")
    await page.evaluate(
        "async calls => { for (const [method, url] of calls) for (const mode of ['cors', 'no-cors'])"
        " await fetch(url, {method: mode === 'cors' ? method : 'POST', mode, credentials: 'include', body: '{}'}).catch(() => 0); }",
        calls,
    )
    for method, url in calls:
        if method != "POST":
            continue
        async with page.expect_navigation():
            await page.evaluate("url => { const form = document.forms[0]; form.action = url; form.submit(); }", url)
        assert "もの" not in await page.title()
        await page.goto(f"{EVIL}/")
    assert await held(owner) == before


async def test_no_page_is_framed_by_another_site(app: Any, sakura: Phone, http: httpx.AsyncClient) -> None:
    paths = [
        "/",
        "/verify",
        "/privacy",
        "/menu",
        "/liff",
        "/liff/settings",
        "/liff/erase",
        "/console",
        "/console/sign-in",
        "/nothing-here",
    ]
    page = await evil_page(sakura, "".join(f'<iframe src="{WARD}{path}"></iframe>' for path in paths))
    for path, frame in zip(paths, await page.query_selector_all("iframe"), strict=True):
        inside = await frame.content_frame()
        assert inside
        assert (await inside.evaluate("location.href")).startswith("chrome-error:"), path
    open_to_all = [path for path in pages.of_public(app) if "{" not in path]
    for path in [*open_to_all, "/liff", "/console", "/console/sign-in", "/liff/api/me"]:
        policy = (await http.get(path)).headers["content-security-policy"]
        allowed = policy.split("frame-ancestors ")[1].split(";")[0].split()
        assert allowed == ["'none'"] or all(urlsplit(one).hostname in ("127.0.0.1", "localhost") for one in allowed), (
            path
        )
    print(f"S4: 枠 {len(paths)}ページ、入った数 0")


# ── 行き先の乗っ取り ──


def redirecting(app: Litestar) -> set[str]:
    return {
        route.path
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if "GET" in getattr(handler, "http_methods", ()) and "Redirect" in str(handler.parsed_return_field.annotation)
    }


async def test_no_address_sends_a_visitor_elsewhere(
    app: Any, http: httpx.AsyncClient, database: Any, ward_settings: Settings
) -> None:
    people, _ = await console_day.begin(ward_settings)
    await console_day.enrolled(people.suzuki, ward_settings)
    code = (await work.sql("select code from link where url like 'https:%' limit 1"))[0]["code"]
    target = (await work.sql("select url from link where code = $1", code))[0]["url"]
    signed_in = {"cookie": f"__Host-ward-console={await cast.session(people.sato)}"}
    doors = {
        "/verify": ["/verify?number={}"],
        "/go/{code:str}": ["/go/{}", f"/go/{code}?from={{}}", f"/go/{code}?url={{}}"],
        "/console/sign-in": ["/console/sign-in?next={}"],
        "/console/sign-in/code": ["/console/sign-in/code?next={}"],
        "/console/review/{request_id:int}": ["/console/review/1?next={}", "/console/review/999?next={}"],
    }
    assert set(doors) == redirecting(app), "案内する扉を足したら、ここに一行を足す"
    tried = 0
    for door in (one for ways in doors.values() for one in ways):
        for payload in ELSEWHERE:
            answer = await http.get(door.format(quote(payload, safe="")), headers=signed_in)
            assert stays(answer) or answer.headers["location"] == target, (door, payload, dict(answer.headers))
            tried += 1
    for payload in ELSEWHERE:
        for login in ("sato", "suzuki"):
            form = {"login": login, "password": PASSWORD, "next": payload}
            answer = await http.post("/console/sign-in", data=form, headers={"origin": WARD})
            assert answer.status_code == 303, answer.text
            assert stays(answer), (login, payload, answer.headers["location"])
            tried += 1
    print(f"S4: 行き先の乗っ取り {tried}通り、出た数 0")


def stays(answer: httpx.Response) -> bool:
    place = urlsplit(answer.headers.get("location", "/"))
    return not place.scheme and not place.netloc and "\\" not in place.path and not place.path.startswith("//")


@pytest.mark.parametrize(
    "payload", ["//evil.example.com/", "https://evil.example.com/", "/../../evil.example.com", "\\evil.example.com"]
)
async def test_the_settings_page_never_leads_elsewhere(sakura: Phone, payload: str) -> None:
    """LIFFのSDKは `liff.state` の道へ移る。よそへは移らない。"""
    await sakura.open(f"/liff?liff.state={quote(payload, safe='')}&liff.referrer={quote(payload, safe='')}")
    await sakura.page.wait_for_function("!location.search.includes('liff.state') || document.body.dataset.now")
    assert urlsplit(sakura.page.url).hostname == "ward.example.jp"
    assert "evil.example.com" not in sakura.hosts()


async def evil_page(phone: Phone, body: str) -> Any:
    """同じブラウザで開いた、よそのサイトのページ。"""
    html = f"<!doctype html><meta charset=utf-8><title>よそ</title>{body}"
    await phone.context.route(f"{EVIL}/**", lambda route: route.fulfill(content_type="text/html", body=html))
    page = await phone.context.new_page()
    page.on("console", lambda message: phone.said.append(f"{message.type}: {message.text}"))
    await page.goto(f"{EVIL}/", wait_until="load")
    return page
