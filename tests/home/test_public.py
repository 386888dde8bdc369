"""公開ページ: 本物と分かること、区の決まり、何をいつまで預かるか、試験の結果を偽らないこと。"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from backend.account import warning
from backend.app import create_app
from backend.database import embedded
from backend.line.gateway import Gateway
from backend.permissions import Actor, Role
from backend.settings import Settings

PAGES = ("/", "/privacy", "/policy", "/accessibility", "/verify", "/liff")


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(settings: Settings, database: embedded.Server) -> AsyncIterator[httpx.AsyncClient]:
    """だれでもない人。"""
    app = create_app(settings, Gateway("http://127.0.0.1:9", "1", "0" * 32))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=settings.public_url) as client:
        yield client


@pytest.mark.parametrize("path", PAGES)
async def test_a_public_page_opens_for_anyone(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 200
    assert "@bunkyocity" in answer.text


async def test_the_first_page_says_what_is_genuine(visitor: httpx.AsyncClient) -> None:
    words = (await visitor.get("/")).text
    assert "アカウントのIDは「@bunkyocity」だけです。" in words
    assert "https://www.city.bunkyo.lg.jp/" in words
    assert "火事・救急は119、事件・事故は110" in words


async def test_privacy_names_the_hosts_the_phone_talks_to(visitor: httpx.AsyncClient) -> None:
    words = (await visitor.get("/privacy")).text
    assert [host for host in ("api.line.me", "access.line.me", "liff.line.me") if host not in words] == []


async def test_privacy_states_the_horizon_of_backups_heap_and_wal(visitor: httpx.AsyncClient) -> None:
    words = (await visitor.get("/privacy")).text
    assert "最長35日で消えます。" in words
    assert "ヒープ" in words
    assert "WAL" in words


async def test_privacy_shows_every_purpose_in_the_words_of_the_notice(visitor: httpx.AsyncClient) -> None:
    from backend.consent import notices

    notice = await notices.current("ja")
    words = (await visitor.get("/privacy")).text
    assert [text.text for text in notice.texts.values() if text.text not in words] == []


async def test_policy_links_to_the_ward_and_lists_its_versions(visitor: httpx.AsyncClient) -> None:
    words = (await visitor.get("/policy")).text
    assert "2022年3月28日" in words
    assert "2020年3月31日" in words


@pytest.mark.parametrize(
    "path",
    [
        *PAGES,
        "/liff/settings",
        "/menu",
        "/policy/consent",
        "/policy/consent/1",
        "/verify/B-0000-0000",
        "/nothing",
        "/policy/consent/99",
        "/liff/x",
    ],
)
async def test_an_impersonation_warning_stands_on_every_page_until_it_is_taken_down(
    visitor: httpx.AsyncClient, path: str
) -> None:
    officer = Actor(staff_id=1, login="sato", name="佐藤", role=Role.PR, section_code="koho", section_name="広報課")
    assert "偽のアカウントに注意" not in (await visitor.get(path)).text
    await warning.show(officer, "「文京区役所」と名のる偽物が見つかりました。")
    assert "「文京区役所」と名のる偽物が見つかりました。" in (await visitor.get(path)).text
    await warning.hide(officer)
    assert "偽のアカウントに注意" not in (await visitor.get(path)).text
