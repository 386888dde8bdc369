"""サインインと招待と名簿の画面。"""

import re
from typing import Any

import httpx
import pytest

from backend.permissions import Actor, Role
from backend.settings import Settings
from backend.staff import changes, guard, invitations, signin
from backend.store import work
from backend.web.sessions import CONSOLE
from tests import cast
from tests.cast import PASSWORD, Cast
from tests.console_fixtures import Opening, app, console, people

__all__ = ["app", "console", "people"]
ORIGIN = {"origin": "http://127.0.0.1:8000"}
ABE = Actor(60, "abe", "阿部", Role.ADMINISTRATOR, "joho", "情報政策課")
STRONG = "坂道と夕焼けと三毛猫とコロッケ"


@pytest.fixture
def browser(app: Any, settings: Settings) -> httpx.AsyncClient:
    return cast.browser(app, settings)


async def enter(browser: httpx.AsyncClient, **more: str) -> httpx.Response:
    data = {"login": "tanaka", "password": PASSWORD, "next": "/console/messages", **more}
    return await browser.post("/console/sign-in", data=data, headers=ORIGIN)


async def test_signing_in_leads_to_where_one_was_going(people: Cast, browser: httpx.AsyncClient) -> None:
    answer = await enter(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/messages")
    assert (await browser.get("/console/messages")).status_code == 200


async def test_the_cookie_is_closed_to_scripts_and_other_sites(people: Cast, browser: httpx.AsyncClient) -> None:
    cookie = (await enter(browser)).headers["set-cookie"].lower()
    for rule in ("httponly", "samesite=lax", "path=/", f"max-age={guard.ABSOLUTE_HOURS * 3600}"):
        assert rule in cookie
    assert "domain" not in cookie


async def test_a_planted_token_is_thrown_away(people: Cast, app: Any, settings: Settings) -> None:
    planted = await cast.session(people.tanaka)
    async with cast.browser(app, settings, {CONSOLE: planted}) as browser:
        answer = await enter(browser)
        assert f"{CONSOLE}=" in answer.headers["set-cookie"]
        assert planted not in answer.headers["set-cookie"]
    assert await guard.by_token(planted) is None


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/console\\evil",
        "/consoleevil",
        "/liff",
        "javascript:alert(1)",
        "/console/\r\nset-cookie: x=1",
        "",
        "/console@evil.example",
        "http:/console",
    ],
)
async def test_the_way_back_stays_inside_the_console(people: Cast, browser: httpx.AsyncClient, target: str) -> None:
    assert (await enter(browser, next=target)).headers["location"] == "/console"


async def test_a_wrong_password_keeps_the_name_and_not_the_password(people: Cast, browser: httpx.AsyncClient) -> None:
    answer = await enter(browser, password="ちがうパスワード")
    assert answer.status_code == 422
    assert 'value="tanaka"' in answer.text
    assert "ちがうパスワード" not in answer.text
    assert "利用者名かパスワードが違います" in answer.text


async def test_too_many_misses_are_told_with_what_to_do(people: Cast, browser: httpx.AsyncClient) -> None:
    for _ in range(signin.LIMIT_LOGIN_AND_SOURCE):
        await work.run(signin.begin, "tanaka", "127.0.0.1")
    answer = await enter(browser)
    assert answer.status_code == 429
    assert "15分ほど待って" in answer.text


@pytest.mark.parametrize("missing", ["login", "password"])
async def test_an_empty_field_is_told(people: Cast, browser: httpx.AsyncClient, missing: str) -> None:
    answer = await enter(browser, **{missing: ""})
    assert (answer.status_code, "両方を入れてください" in answer.text) == (422, True)


async def test_another_site_cannot_sign_someone_in(people: Cast, browser: httpx.AsyncClient) -> None:
    data = {"login": "tanaka", "password": PASSWORD}
    answer = await browser.post("/console/sign-in", data=data, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert CONSOLE not in browser.cookies


async def test_the_sign_in_page_shows_no_rooms_and_no_names(people: Cast, browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/console/sign-in")).text
    assert "田中" not in page
    assert "/console/messages" not in page


async def test_a_claimed_source_counts_only_from_a_trusted_relay(people: Cast, browser: httpx.AsyncClient) -> None:
    for _ in range(signin.LIMIT_LOGIN_AND_SOURCE):
        await work.run(signin.begin, "tanaka", "127.0.0.1")
    data = {"login": "tanaka", "password": PASSWORD}
    answer = await browser.post("/console/sign-in", data=data, headers={**ORIGIN, "x-forwarded-for": "198.51.100.9"})
    assert answer.status_code == 429


async def test_signing_out_ends_the_session_and_the_cookie(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    answer = await tanaka.post("/console/sign-out")
    assert answer.headers["location"] == "/console/sign-in"
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert await guard.by_token(tanaka.token) is None


async def test_a_role_taken_away_closes_the_room_at_the_next_click(console: Opening, people: Cast) -> None:
    sato = await console(people.sato)
    assert (await sato.get("/console/review")).status_code == 200
    await work.sql("update staff_member set role = 'section_staff' where login = 'sato'")
    assert (await sato.get("/console/review")).status_code == 403


async def invited() -> str:
    return await work.run(invitations.add, "shinjin", "新人", Role.SECTION_STAFF, "kosodate", "子育て支援課")


async def redeem(browser: httpx.AsyncClient, token: str, password: str, again: str | None = None) -> httpx.Response:
    data = {"password": password, "again": password if again is None else again}
    return await browser.post(f"/console/invitation/{token}", data=data, headers=ORIGIN)


async def test_an_invitation_becomes_a_password_and_a_session(people: Cast, browser: httpx.AsyncClient) -> None:
    token = await invited()
    assert "新人さん" in (await browser.get(f"/console/invitation/{token}")).text
    answer = await redeem(browser, token, STRONG)
    assert answer.headers["location"] == "/console/sign-in?redeemed=shinjin"
    assert (await enter(browser, login="shinjin", password=STRONG)).status_code == 303


@pytest.mark.parametrize(
    ("password", "again"),
    [("短い", None), ("password1234", None), (STRONG, STRONG + "x"), ("shinjin-no-pasuwaado", None)],
)
async def test_a_refused_password_leaves_the_invitation_usable(
    people: Cast, browser: httpx.AsyncClient, password: str, again: str | None
) -> None:
    token = await invited()
    answer = await redeem(browser, token, password, again)
    assert answer.status_code == 422
    assert password not in answer.text
    assert (await redeem(browser, token, STRONG)).status_code == 303


async def test_spaces_around_a_password_belong_to_it(people: Cast, browser: httpx.AsyncClient) -> None:
    await redeem(browser, await invited(), f" {STRONG} ")
    assert (await enter(browser, login="shinjin", password=STRONG)).status_code == 422
    assert (await enter(browser, login="shinjin", password=f" {STRONG} ")).status_code == 303


async def test_a_used_invitation_leads_on(people: Cast, browser: httpx.AsyncClient) -> None:
    token = await invited()
    await redeem(browser, token, STRONG)
    answer = await browser.get(f"/console/invitation/{token}")
    assert answer.status_code == 404
    assert "新しい招待を頼んでください" in answer.text


async def test_stopping_someone_is_on_the_list_and_works(console: Opening, people: Cast) -> None:
    takahashi = await console(people.takahashi)
    token = await cast.session(people.tanaka)
    page = (await takahashi.get("/console/staff")).text
    assert f"/console/staff/{people.tanaka.staff_id}/deactivate" in page
    assert f"/console/staff/{people.takahashi.staff_id}/deactivate" not in page
    await takahashi.post(f"/console/staff/{people.tanaka.staff_id}/deactivate")
    assert await guard.by_token(token) is None
    assert "停止中" in (await takahashi.get("/console/staff")).text


async def test_the_rooms_shown_are_the_rooms_one_may_enter(console: Opening, people: Cast) -> None:
    for actor in people.actors:
        browser = await console(actor)
        page = (await browser.get("/console")).text
        nav = page[page.index('<nav class="rooms"') : page.index("</nav>")]
        for path in re.findall(r'href="([^"]+)"', nav):
            assert (await browser.get(path)).status_code == 200, (actor.login, path)


async def test_two_administrators_invite_from_the_console(
    console: Opening, people: Cast, browser: httpx.AsyncClient
) -> None:
    await cast.enrol(ABE)
    takahashi, abe = await console(people.takahashi), await console(ABE)
    assert "職員を招待する" in (await takahashi.get("/console/staff")).text
    assert (await takahashi.get("/console/staff/new")).status_code == 200
    form = {"login": "shinjin", "name": "新人", "role": "section_staff", "section": "kosodate", "starts_on": ""}
    assert (await takahashi.post("/console/staff/new", form)).headers["location"] == "/console/staff"
    change = (await changes.waiting())[0].id
    listed = (await takahashi.get("/console/staff")).text
    assert "もう一人の管理者の承認を待っています" in listed
    assert f"/console/staff/changes/{change}/confirm" not in listed
    assert (await takahashi.post(f"/console/staff/changes/{change}/confirm")).status_code == 403
    assert f"/console/staff/changes/{change}/confirm" in (await abe.get("/console/staff")).text
    answer = await abe.post(f"/console/staff/changes/{change}/confirm")
    path = re.search(r"/console/invitation/[\w-]+", answer.text)
    assert (answer.status_code, path is not None) == (200, True)
    assert path
    assert "新人さん" in (await browser.get(path.group())).text
    assert path.group() not in (await abe.get("/console/staff")).text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"login": "tanaka"}, "もう使われています"),
        ({"login": "大"}, "半角"),
        ({"role": "king"}, "役割が選ばれていません"),
        ({"starts_on": "2020-01-01"}, "過ぎています"),
        ({"starts_on": "いつか"}, "日付を読み取れません"),
        ({"new_code": "Bad Code"}, "符号"),
    ],
)
async def test_a_wrong_invitation_keeps_what_was_written(
    console: Opening, people: Cast, wrong: dict[str, str], words: str
) -> None:
    takahashi = await console(people.takahashi)
    form = {"login": "shinjin", "name": "新人<b>", "role": "pr", "section": "koho", **wrong}
    answer = await takahashi.post("/console/staff/new", form)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert "新人&lt;b&gt;" in answer.text
    assert await changes.waiting() == []


async def test_a_role_is_changed_from_the_console_by_two(console: Opening, people: Cast) -> None:
    await cast.enrol(ABE)
    takahashi, abe = await console(people.takahashi), await console(ABE)
    path = f"/console/staff/{people.tanaka.staff_id}"
    assert "所管課担当" in (await takahashi.get(f"{path}/change")).text
    same = await takahashi.post(f"{path}/assign", {"role": "section_staff", "section": "kosodate"})
    assert (same.status_code, "いまと同じ" in same.text) == (422, True)
    later = {"role": "section_chief", "section": "bosai", "starts_on": "2027-04-01"}
    assert (await takahashi.post(f"{path}/assign", later)).status_code == 303
    change = (await changes.waiting())[0].id
    assert (await abe.post(f"/console/staff/changes/{change}/confirm")).headers["location"] == "/console/staff"
    page = (await abe.get("/console/staff")).text
    assert "2027年4月1日(木)から" in page
    assert "承認済" in page
    assert (await takahashi.post(f"/console/staff/changes/{change}/withdraw")).status_code == 303
    assert await changes.waiting() == []


async def test_an_administrator_is_stopped_only_by_a_proposal(console: Opening, people: Cast) -> None:
    await cast.enrol(ABE)
    takahashi = await console(people.takahashi)
    refused = await takahashi.post(f"/console/staff/{ABE.staff_id}/deactivate")
    assert (refused.status_code, "一人では止められません" in refused.text) == (422, True)
    assert (await takahashi.post(f"/console/staff/{ABE.staff_id}/leave")).status_code == 303
    assert (await takahashi.post("/console/staff/9999/leave")).status_code == 404


async def test_a_section_where_nobody_can_send_an_emergency_is_told(console: Opening, people: Cast) -> None:
    takahashi = await console(people.takahashi)
    assert "緊急配信できる人が0人" not in (await takahashi.get("/console")).text
    await takahashi.post(f"/console/staff/{people.suzuki.staff_id}/deactivate")
    for path in ("/console", "/console/staff"):
        page = (await takahashi.get(path)).text
        assert "緊急配信できる人が0人" in page
        assert "子育て支援課" in page
