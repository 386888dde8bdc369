"""災害時と停止の案内: 公開と住民のすべてのページの頭に、五つの言語で立ち、通常に戻れば消える(issue 4の5、RULES 13・49)。"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from backend.account import state, warning
from backend.account.state import AccountMode, AccountState, Stop
from backend.consent import notices
from backend.database import embedded
from backend.home import standing
from backend.menus.roles import Role
from backend.permissions import Actor
from backend.permissions import Role as StaffRole
from backend.store import work
from backend.store.pool import DB, open_pool
from backend.texts.catalogue import Words
from backend.texts.languages import BY_CODE, LANGUAGES
from tests.console_fixtures import app
from tests.menus import making
from tests.menus.making import cell, tab, text

__all__ = ["app"]
PAGES = ("/", "/verify", "/policy", "/privacy", "/accessibility", "/menu", "/verify/B-0000-0000", "/nothing")
LIFF = ("/liff", "/liff/settings", "/liff/erase")
CHIEF = Actor(staff_id=1, login="ito", name="伊藤", role=StaffRole.PR_CHIEF, section_code="koho", section_name="広報課")
OTHER = Actor(staff_id=2, login="sato", name="佐藤", role=StaffRole.PR, section_code="koho", section_name="広報課")
_ASIDE = re.compile(r'<aside class="standing.*?</aside>', re.DOTALL)


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(app: Any, database: embedded.Server) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


async def banner(visitor: httpx.AsyncClient, path: str) -> str:
    found = _ASIDE.search((await visitor.get(path)).text)
    return found[0] if found else ""


async def emergency_menu(*cells: str) -> None:
    source = text(tab("saigai", *cells, grid=str(len(cells)), palette="kinkyu"), name="災害時")
    where = making.WHERE.__class__(
        making.WHERE.public_url,
        making.WHERE.liff_id,
        {
            code: (code, f"{making.WHERE.public_url}/go/{code}")
            for code in ("home", "bosai_evac", "hinan_now", "hazard_flood")
        },
    )
    version = await making.version(Role.EMERGENCY, source, where=where)
    await work.sql("insert into menu_current (role, version_id) values ('emergency', $1)", version.id)


SHIPPED = (
    cell("避難情報を見る", "{link: home}", "[避難情報]"),
    cell("避難所と避難場所を見る", "{link: bosai_evac}", "[避難の場所]"),
    cell("区役所に電話する", "{tel: 03-3812-7111}", "[電話する]"),
)


@pytest.mark.parametrize("path", [*PAGES, *LIFF])
async def test_in_a_disaster_every_page_says_so_until_two_people_return_to_normal(
    visitor: httpx.AsyncClient, path: str
) -> None:
    assert await banner(visitor, path) == ""
    await work.run(state.enter_disaster, CHIEF)
    shown = await banner(visitor, path)
    assert "いまは災害時です" in shown
    assert "LINEに書いた文字を、区は読めません。" in shown
    assert "火事・救急は119、事件・事故は110" in shown
    await work.run(state.propose_normal, CHIEF)
    await work.run(state.confirm_normal, OTHER)
    assert await banner(visitor, path) == ""


@pytest.mark.parametrize("path", [*PAGES, *LIFF])
async def test_while_stopped_every_page_says_what_does_not_arrive_and_where_to_look(
    visitor: httpx.AsyncClient, path: str
) -> None:
    await work.run(state.stop, CHIEF, everything=True)
    shown = await banner(visitor, path)
    assert "緊急のお知らせも、いまはLINEに届きません。" in shown
    assert 'href="https://www.city.bunkyo.lg.jp/' in shown
    await work.run(state.resume_urgent, CHIEF)
    shown = await banner(visitor, path)
    assert "いまLINEで送るのは、緊急のお知らせだけです。" in shown
    assert "届くはずのものも届かないことがあります。" in shown
    await work.run(state.propose_resume, CHIEF)
    await work.run(state.confirm_resume, OTHER)
    assert await banner(visitor, path) == ""


async def test_a_stop_in_a_disaster_is_said_together(visitor: httpx.AsyncClient) -> None:
    await work.run(state.enter_disaster, CHIEF)
    await work.run(state.stop, CHIEF, everything=True)
    shown = await banner(visitor, "/")
    assert "いまは災害時です" in shown
    assert "緊急のお知らせも、いまはLINEに届きません。" in shown
    assert "緊急のお知らせだけ" not in shown


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.code)
@pytest.mark.parametrize("path", ["/", "/verify", "/liff"])
async def test_the_banner_speaks_the_language_of_the_page(visitor: httpx.AsyncClient, path: str, language: Any) -> None:
    await emergency_menu(*SHIPPED)
    await work.run(state.enter_disaster, CHIEF)
    words = Words(BY_CODE[language.code])
    shown = await banner(visitor, f"{path}?lang={language.code}")
    for key in ("いまは災害時です", "避難の情報を見る", "避難所と避難場所を見る", "区役所に電話する"):
        assert words(key).__html__() in shown, key
    await work.run(state.stop, CHIEF, everything=True)
    assert words("緊急のお知らせも、いまはLINEに届きません。").__html__() in await banner(
        visitor, f"{path}?lang={language.code}"
    )


async def test_the_doors_are_those_of_the_disaster_menu(visitor: httpx.AsyncClient) -> None:
    await emergency_menu(*SHIPPED)
    await work.run(state.enter_disaster, CHIEF)
    shown = await banner(visitor, "/?lang=ja")
    assert re.findall(r'href="([^"]+)"', shown) == ["/go/home?lang=ja", "/go/bosai_evac?lang=ja", "tel:03-3812-7111"]
    assert "区役所に電話する 03-3812-7111</a>" in shown


async def test_a_new_disaster_menu_moves_the_doors(visitor: httpx.AsyncClient) -> None:
    await emergency_menu(
        cell("区の避難情報を見る", "{link: hinan_now}", "[避難情報]"), cell("電話する", "{tel: 03-5803-1111}", "[電話]")
    )
    await work.run(state.enter_disaster, CHIEF)
    shown = await banner(visitor, "/liff")
    assert re.findall(r'href="([^"]+)"', shown) == ["/go/hinan_now", "tel:03-5803-1111"]


async def test_without_a_disaster_menu_the_ward_site_is_the_door(visitor: httpx.AsyncClient) -> None:
    await work.run(state.enter_disaster, CHIEF)
    assert re.findall(r'href="([^"]+)"', await banner(visitor, "/")) == ["https://www.city.bunkyo.lg.jp/"]


async def test_it_stands_before_the_warning_of_impostors(visitor: httpx.AsyncClient) -> None:
    await work.run(state.enter_disaster, CHIEF)
    await work.run(warning.show, OTHER, "偽物が見つかりました。")
    for path in ("/", "/liff"):
        page = (await visitor.get(path)).text
        assert 0 < page.index('class="standing') < page.index('class="impostor"') < page.index("<main"), path


async def test_without_the_database_a_page_is_shown_without_it(
    visitor: httpx.AsyncClient, database: embedded.Server
) -> None:
    await work.run(state.enter_disaster, CHIEF)
    assert DB.pool
    await DB.pool.close()
    try:
        answers = [await visitor.get(path) for path in ("/", "/policy", "/accessibility")]
    finally:
        await open_pool(database.app_url, size=8)
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.text.count('class="standing') for answer in answers] == [0, 0, 0]


@pytest.mark.parametrize("mode", AccountMode)
@pytest.mark.parametrize("stopped", Stop)
def test_every_sentence_is_short(mode: AccountMode, stopped: Stop) -> None:
    title, *sentences = standing.words(AccountState(mode, stopped)) or [""]
    assert [one for one in (title, *sentences) if len(one) > 50 or one.count("。") > 1] == []
    assert bool(title) is (mode is AccountMode.DISASTER or stopped is not Stop.NONE)


@pytest.mark.parametrize("path", ["/", "/liff"])
async def test_no_page_promises_urgent_news_while_everything_is_stopped(visitor: httpx.AsyncClient, path: str) -> None:
    """告知文の中の同じ文は、同意の相手なので変わらない。"""
    promise = "何も登録しなくても、全員あての緊急のお知らせは届きます。"
    fixed = (await notices.current("ja")).common.count(promise) if path == "/liff" else 0
    await work.run(state.stop, CHIEF, everything=False)
    assert (await visitor.get(path)).text.count(promise) > fixed
    await work.run(state.stop, CHIEF, everything=True)
    assert (await visitor.get(path)).text.count(promise) == fixed
