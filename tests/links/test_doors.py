"""リンクの扉。"""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from backend.links import editing, register, repoint, taps
from backend.settings import Settings
from backend.store import work
from tests import cast
from tests.cast import Cast, Console

NEW = "https://www.city.bunkyo.lg.jp/b009/p009999.html"
FIELDS = {"label": "区民まつり", "purpose": "お知らせ", "owner_section": "koho", "url": NEW}
EVAC = {
    "label": "災害時の避難",
    "purpose": "",
    "owner_section": "koho",
    "url": NEW,
    "reason": "ページが移った",
    "version": "1",
}


async def _whole(owner: asyncpg.Connection) -> dict[str, str]:
    """すべての表の中身。"""
    tables = await owner.fetch("select tablename from pg_tables where schemaname = 'public' order by tablename")
    return {
        row["tablename"]: str(await owner.fetch(f'select * from "{row["tablename"]}" t order by t::text'))
        for row in tables
    }


@pytest_asyncio.fixture(loop_scope="session")
async def people(database: object) -> Cast:
    return await cast.staff()


@pytest.fixture
def app(settings: Settings) -> Any:
    return cast.make_app(settings)


@pytest_asyncio.fixture(loop_scope="session")
async def sato(app: Any, settings: Settings, people: Cast) -> AsyncIterator[Console]:
    console = await cast.signed_in(app, settings, people.sato)
    yield console
    await console.close()


@pytest_asyncio.fixture(loop_scope="session")
async def public(app: Any, settings: Settings, people: Cast) -> AsyncIterator[httpx.AsyncClient]:
    async with cast.browser(app, settings) as browser:
        yield browser


async def test_a_tap_goes_to_the_current_target(public: httpx.AsyncClient) -> None:
    answer = await public.get("/go/bosai_evac")
    assert (answer.status_code, answer.headers["location"]) == (
        302,
        "https://www.city.bunkyo.lg.jp/b009/p000034.html",
    )


async def test_the_old_target_is_remembered_nowhere(public: httpx.AsyncClient) -> None:
    assert (await public.get("/go/bosai_evac")).headers["cache-control"] == "no-store"


async def test_a_tap_sets_no_cookie_and_tells_the_target_nothing(public: httpx.AsyncClient) -> None:
    answer = await public.get("/go/bosai_evac")
    assert ("set-cookie" in answer.headers, answer.headers["referrer-policy"]) == (False, "no-referrer")


async def test_a_tap_is_counted_with_its_place(public: httpx.AsyncClient) -> None:
    for _ in range(20):
        await public.get("/go/bosai_evac?from=menu-bosai-1&openExternalBrowser=1")
    assert await taps.places("bosai_evac") == [("menu-bosai-1", 20)]


async def test_a_tap_leaves_nothing_of_the_person_anywhere(
    public: httpx.AsyncClient, owner: asyncpg.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """だれの電話からでも、増えるのは一日の数だけ。どの表にも、記録にも、押した人につながる値はない。"""
    person = {
        "user-agent": "Aardvark-Phone/7",
        "x-forwarded-for": "198.51.100.77",
        "forwarded": "for=198.51.100.77",
        "cookie": "line_friend=U0123456789abcdef",
        "referer": "https://line.me/aardvark",
        "accept-language": "xx-aardvark",
    }
    caplog.set_level("DEBUG")
    before = await _whole(owner)
    await public.get("/go/bosai_evac?from=menu-bosai-1&userId=U0123456789abcdef", headers=person)
    after = await _whole(owner)
    assert [table for table in after if after[table] != before[table]] == ["link_tap"]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("backend")]
    left = f"{after['link_tap']} {ours}".lower()
    assert not [value for value in ("aardvark", "198.51.100", "u0123456789") if value in left]


async def test_two_people_who_tap_are_one_number(public: httpx.AsyncClient) -> None:
    for phone in ("a", "b"):
        await public.get("/go/bosai_evac", headers={"user-agent": phone, "x-forwarded-for": f"198.51.100.{ord(phone)}"})
    rows = await work.sql("select code, source, sum(taps)::int as taps from link_tap group by code, source")
    assert rows == [{"code": "bosai_evac", "source": "", "taps": 2}]


async def test_a_browser_that_only_prefetches_is_not_counted(public: httpx.AsyncClient) -> None:
    await public.get("/go/bosai_evac", headers={"sec-purpose": "prefetch;prerender"})
    assert await taps.places("bosai_evac") == []


@pytest.mark.parametrize("code", ["no-such-link", "A", "%2e%2e", "a%00b", "あ", "a" * 300])
async def test_an_unknown_name_gets_a_page_that_helps(public: httpx.AsyncClient, code: str) -> None:
    answer = await public.get(f"/go/{code}")
    assert answer.status_code == 404
    assert "文京区ホームページ" in answer.text


async def test_a_retired_link_leads_to_its_replacement(public: httpx.AsyncClient, people: Cast) -> None:
    await work.run(editing.retire, people.sato, "koe", 1, "home", "まとめた")
    assert (await public.get("/go/koe")).headers["location"] == "https://www.city.bunkyo.lg.jp/"


async def test_a_retired_link_without_one_is_gone(public: httpx.AsyncClient, people: Cast) -> None:
    await work.run(editing.retire, people.sato, "koe", 1, None, "終わった")
    assert (await public.get("/go/koe")).status_code == 404


async def test_a_telephone_is_offered_on_a_page(public: httpx.AsyncClient, people: Cast) -> None:
    await work.sql("update link set url = 'tel:03-5803-1111' where code = 'koe'")
    answer = await public.get("/go/koe")
    assert answer.status_code == 200
    assert 'href="tel:03-5803-1111"' in answer.text


async def test_the_list_says_first_what_must_be_done(sato: Console) -> None:
    await work.sql(
        "update link_check set dead_since = ward_now(), reason = 'ページがありません。' where code = 'bosai_evac'"
    )
    answer = await sato.get("/console/links")
    assert answer.status_code == 200
    assert answer.text.index("開けないリンク") < answer.text.index("すべてのリンク")


async def test_a_link_is_registered_from_the_console(sato: Console) -> None:
    answer = await sato.post("/console/links/new", {**FIELDS, "code": "matsuri"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/links/matsuri")
    assert "区民まつり" in (await sato.get("/console/links/matsuri")).text


async def test_a_refusal_keeps_what_was_typed(sato: Console) -> None:
    answer = await sato.post("/console/links/new", {**FIELDS, "code": "matsuri", "url": "http://example.com/"})
    assert answer.status_code == 422
    assert 'value="http://example.com/"' in answer.text


async def test_editing_a_used_target_makes_a_proposal(sato: Console) -> None:
    await work.run(register.note_uses, "message:1", ["bosai_evac"])
    await sato.post("/console/links/bosai_evac/edit", EVAC)
    (waiting,) = await repoint.waiting("bosai_evac")
    assert (waiting.url, (await register.find("bosai_evac")).url == NEW) == (NEW, False)


async def test_a_second_person_approves_on_the_page(
    sato: Console, app: Any, settings: Settings, people: Cast, public: httpx.AsyncClient
) -> None:
    await work.run(register.note_uses, "message:1", ["bosai_evac"])
    await sato.post("/console/links/bosai_evac/edit", EVAC)
    assert "自分の提案は承認できません" in (await sato.get("/console/links/bosai_evac")).text
    (waiting,) = await repoint.waiting("bosai_evac")
    ito = await cast.signed_in(app, settings, people.ito)
    assert "この行き先に変える" in (await ito.get("/console/links/bosai_evac")).text
    await ito.post(f"/console/links/proposals/{waiting.id}/approve")
    await ito.close()
    assert (await public.get("/go/bosai_evac")).headers["location"] == NEW


async def test_every_links_page_is_whole(sato: Console) -> None:
    for path in ("", "/new", "/bosai_evac", "/bosai_evac/edit"):
        assert (await sato.get(f"/console/links{path}")).status_code == 200


async def test_the_taps_can_be_taken_out_as_csv(sato: Console) -> None:
    answer = await sato.get("/console/links/bosai_evac/taps.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.count("\r\n") == 367


@pytest.mark.parametrize("login", ["yoshida", "ogawa"])
async def test_who_may_not_read_links_is_refused(app: Any, settings: Settings, people: Cast, login: str) -> None:
    console = await cast.signed_in(app, settings, getattr(people, login))
    answer = await console.get("/console/links")
    await console.close()
    assert answer.status_code == 403


async def test_a_link_names_what_uses_it(sato: Console) -> None:
    await work.run(register.note_uses, "message:1", ["bosai_evac"])
    await work.run(register.note_uses, "menu:7", ["bosai_evac"])
    text = (await sato.get("/console/links/bosai_evac")).text
    assert '<a href="/console/messages/1">依頼 1</a>、<a href="/console/menus/7">メニュー 7</a>' in text
