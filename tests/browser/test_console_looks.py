"""職員の画面の使いやすさ: どの画面も、明るい・暗い、幅1280・320、文字100%・200%で、違反0件(CHECKS 7 A1、S4のCSP)。"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from backend.database import embedded
from backend.home import accessibility
from backend.home.accessibility import CONSOLE
from backend.settings import Settings
from tests import cast, pages
from tests.browser import console_day, looking
from tests.browser.console_day import BEFORE_SIGN_IN, EMPTY, FORMS, FRAGMENTS, PAGES, REFUSED, Names
from tests.browser.looking import Findings, Look
from tests.browser.phone import WARD, Phone
from tests.cast import PASSWORD, Cast
from tests.console_fixtures import app

__all__ = ["app"]
LOOKS: tuple[Look, ...] = ((1280, 100, "light"), (1280, 200, "dark"), (320, 100, "dark"), (320, 200, "light"))
LEAST = 24  # WCAG 2.2 の AA
ROUTES = {route for doors in PAGES.values() for route, _ in doors} | {route for route, _ in BEFORE_SIGN_IN}
Day = tuple[Cast, Names]
Walk = Callable[..., Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def findings(schema: embedded.Server) -> AsyncIterator[Findings]:
    """画面ごとの結果。すべての画面を調べ終わったときだけ、公開ページの読む所に書く。"""
    found = Findings()
    yield found
    found.print(len(ROUTES))
    doors = {(CONSOLE, f"{login} {path}") for login, doors in PAGES.items() for _, path in doors}
    if doors <= set(found.states):
        owner = await asyncpg.connect(schema.owner_url)
        found.write(accessibility.FOLDER / "console.json", await owner.fetchval("select now()"))
        await owner.close()


@pytest_asyncio.fixture(loop_scope="session")
async def day(pick_up: Any, ward_settings: Settings) -> Day:
    return await console_day.begin(ward_settings)


@pytest.fixture
def walk(findings: Findings) -> Walk:
    """画面を一つずつ開き、悪いところとコンソールの言葉を集める。"""

    async def over(opened: Phone, who: str, doors: list[tuple[str, str, int]]) -> None:
        wrong: list[str] = []
        for name, path, status in doors:
            opened.said.clear()
            answer = await opened.page.goto(f"{WARD}{path}")
            assert answer
            wrong += [] if answer.status == status else [f"{path}: {answer.status}"]
            await opened.page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
            found = await findings.look(opened.page, CONSOLE, f"{who} {name}", LOOKS, LEAST)
            wrong += [f"{path}: {one}" for one in (*found, *said(opened, status))]
            await looking.picture(opened.page, f"console-{who}-{path.strip('/').replace('/', '-')}")
        assert not wrong, "\n".join(wrong)

    return over


def said(opened: Phone, status: int = 200) -> list[str]:
    """コンソールの言葉。断りの画面の番号は、ブラウザが自分で言う。"""
    return [one for one in opened.said if status == 200 or f"status of {status}" not in one]


async def at_desk(pick_up: Any, actor: Any) -> Phone:
    opened: Phone = await pick_up(agent=None, width=1280)
    cookie = {
        "name": "__Host-ward-console",
        "value": await cast.session(actor),
        "url": WARD,
        "secure": True,
        "httpOnly": True,
    }
    await opened.context.add_cookies([cookie])
    return opened


def test_every_page_of_the_console_is_looked_at(app: Any) -> None:
    """新しい画面が、調べられないまま増えない。"""
    assert ROUTES | set(FRAGMENTS) == {*pages.of_console(app)}


@pytest.mark.parametrize("login", PAGES)
async def test_every_console_page_is_whole(pick_up: Any, day: Day, walk: Walk, login: str) -> None:
    people, names = day
    opened = await at_desk(pick_up, getattr(people, login))
    doors = [(path, path.format_map(names), 200) for _, path in PAGES[login]]
    await walk(opened, login, doors)


async def test_every_refusal_is_whole(pick_up: Any, day: Day, walk: Walk) -> None:
    for login, path, status in REFUSED:
        opened = await at_desk(pick_up, getattr(day[0], login))
        await walk(opened, "断り", [(path, path, status)])


@pytest.mark.parametrize("login", EMPTY)
async def test_a_morning_with_nothing_yet_is_whole(pick_up: Any, walk: Walk, login: str) -> None:
    people = await cast.staff()
    opened = await at_desk(pick_up, getattr(people, login))
    await walk(opened, "何もない朝", [(path, path, 200) for path in EMPTY[login]])


async def test_a_form_sent_empty_is_answered_by_a_whole_page(pick_up: Any, day: Day, findings: Findings) -> None:
    """足りない欄の知らせ。ブラウザの確かめを通さずに送る。"""
    people, names = day
    wrong: list[str] = []
    for login, path in FORMS:
        opened = await at_desk(pick_up, getattr(people, login))
        await opened.page.goto(f"{WARD}{path.format_map(names)}")
        async with opened.page.expect_navigation() as gone:
            await opened.page.evaluate("document.querySelector('main form[method=post]').submit()")
        answer = await gone.value
        assert answer
        assert answer.status == 422, (path, answer.status)
        found = await findings.look(opened.page, CONSOLE, f"足りない欄 {path}", LOOKS, LEAST)
        wrong += [f"{path}: {one}" for one in (*found, *said(opened, 422))]
    assert not wrong, "\n".join(wrong)


async def test_the_pages_before_sign_in_are_whole(
    pick_up: Any, day: Day, walk: Walk, findings: Findings, ward_settings: Settings
) -> None:
    people, names = day
    opened: Phone = await pick_up(agent=None, width=1280)
    doors = [(path, path.format_map(names), 404 if path.endswith("/old") else 200) for _, path in BEFORE_SIGN_IN[:-1]]
    await walk(opened, "戸口", doors)
    await opened.page.goto(f"{WARD}/console/sign-in")
    await console_day.enrolled(people.suzuki, ward_settings)
    for password in ("違うパスワード違うパスワード", PASSWORD):
        await opened.page.fill("#login", "suzuki")
        await opened.page.fill("#password", password)
        async with opened.page.expect_navigation():
            await opened.page.click("text=サインインする")
        assert (
            await findings.look(opened.page, CONSOLE, f"戸口 {opened.page.url.removeprefix(WARD)}", LOOKS, LEAST) == []
        )
    assert opened.page.url.startswith(f"{WARD}/console/sign-in/code")


async def test_a_closed_personal_setting_and_a_new_factor_are_whole(
    pick_up: Any, day: Day, walk: Walk, findings: Findings
) -> None:
    people, _ = day
    await console_day.closed(people.ogawa)
    opened = await at_desk(pick_up, people.ogawa)
    await walk(opened, "漏えい対応", [("閉じたところ", "/console/rights/incident", 200), ("ホーム", "/console", 200)])
    await opened.page.goto(f"{WARD}/console/factor")
    await opened.page.click("text=認証アプリを登録する")
    await opened.page.wait_for_selector("#qr svg")
    opened.said.clear()
    assert await findings.look(opened.page, CONSOLE, "認証アプリを登録する", LOOKS, LEAST) == []
    assert opened.said == []
