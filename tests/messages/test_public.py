"""だれでも見る確認ページ: LINEが受け付けたものだけが、本物として出る(POL 5(6))。"""

import re
from typing import Any

import httpx
import pytest

from backend.links import editing, repoint
from backend.links.register import Wanted
from backend.settings import Settings
from backend.store import clock, work
from tests import cast
from tests.cast import Cast
from tests.console_fixtures import app, people
from tests.messages import requests

__all__ = ["app", "people"]


@pytest.fixture
def anyone(app: Any, settings: Settings) -> httpx.AsyncClient:
    return cast.browser(app, settings)


async def sent(people: Cast, **changes: Any) -> str:
    """LINEが受け付けた一つのお知らせ。番号を返す。"""
    request_id = await requests.submitted(people.tanaka, **changes)
    await requests.approve(people.sato, request_id)
    rows = await work.sql(
        "update delivery set first_accepted_at = ward_now(), state = 'sent', finished_at = ward_now() "
        "where source = $1 returning public_number",
        f"message:{request_id}",
    )
    return rows[0]["public_number"]


async def test_a_sent_notice_is_shown_with_its_words(people: Cast, anyone: httpx.AsyncClient) -> None:
    number = await sent(people)
    page = (await anyone.get(f"/verify/{number}")).text
    for words in (number, "区民まつりのお知らせ", "教育の森公園", "子育て支援課", "友だち全員"):
        assert words in page


async def test_what_is_only_approved_is_not_shown(people: Cast, anyone: httpx.AsyncClient) -> None:
    request_id = await requests.submitted(people.tanaka, title="まだ秘密の題")
    await requests.approve(people.sato, request_id)
    answer = await anyone.get("/verify/B-2611-0001")
    assert answer.status_code == 404
    assert "まだ秘密の題" not in answer.text
    assert "まだ秘密の題" not in (await anyone.get("/verify")).text


async def test_a_submitted_number_is_not_shown(people: Cast, anyone: httpx.AsyncClient) -> None:
    await requests.submitted(people.tanaka)
    assert (await anyone.get("/verify/B-2611-0001")).status_code == 404


@pytest.mark.parametrize(
    "typed",
    [
        "B-2611-0001",
        "b-2611-0001",
        " B-2611-0001 ",
        "Ｂ－２６１１－０００１",
        "B26110001",
        "確認番号 B-2611-0001",
        "B‐2611‐0001",
    ],
)
async def test_a_number_is_understood_as_people_type_it(people: Cast, anyone: httpx.AsyncClient, typed: str) -> None:
    await sent(people)
    answer = await anyone.get("/verify", params={"number": typed})
    assert answer.headers["location"] == "/verify/B-2611-0001"


@pytest.mark.parametrize(
    "typed", ["abc", "B-2611", "../../console", "<script>alert(1)</script>", "B-2611-0001' or 1=1", "０" * 500]
)
async def test_a_number_that_is_none_is_answered_kindly(people: Cast, anyone: httpx.AsyncClient, typed: str) -> None:
    answer = await anyone.get("/verify", params={"number": typed})
    assert answer.headers["location"] == "/verify/unknown"
    page = await anyone.get("/verify/unknown")
    assert page.status_code == 404
    assert "番号を読み取れませんでした" in page.text


async def test_a_typed_tag_is_not_repeated(people: Cast, anyone: httpx.AsyncClient) -> None:
    answer = await anyone.get("/verify/<script>alert(1)<%2Fscript>")
    assert "<script>alert" not in answer.text


async def test_the_list_holds_ninety_days(people: Cast, anyone: httpx.AsyncClient) -> None:
    await sent(people, title="古い題")
    await clock.advance(91 * 86400)
    page = (await anyone.get("/verify")).text
    assert "古い題" not in page
    assert "番号のないお知らせが届いたら" in page
    assert (await anyone.get("/verify/B-2611-0001")).status_code == 200


async def test_the_list_tells_no_criteria_and_no_people(people: Cast, anyone: httpx.AsyncClient) -> None:
    await sent(people)
    page = (await anyone.get("/verify")).text
    assert "区民まつりのお知らせ" in page
    assert not re.search(r"田中|佐藤|約\d", page)


OLD, NEW = "https://www.city.bunkyo.lg.jp/b009/p000034.html", "https://www.city.bunkyo.lg.jp/b009/p009999.html"
WITH_LINK = (
    "避難所の開け方が12月5日(土)から変わります。\nhttps://line.example.jp/go/bosai_evac\nくわしくは上のページへ。"
)


async def turn(people: Cast, version: int = 1, url: str = NEW) -> None:
    """佐藤が頼み、中村が承認して、避難のリンクの行き先が変わる。"""
    wanted = Wanted("災害時の避難", "", "koho", url)
    proposal = await work.run(repoint.propose, people.sato, "bosai_evac", version, wanted, "古いページが消えたため")
    await work.run(repoint.approve, people.nakamura, proposal)


async def test_a_turned_link_is_told_with_when_who_and_where(people: Cast, anyone: httpx.AsyncClient) -> None:
    number = await sent(people, body=WITH_LINK)
    await clock.advance(3600)
    await turn(people)
    page = (await anyone.get(f"/verify/{number}")).text
    told = page[page.index("リンクの行き先が変わりました") :]
    for words in ("災害時の避難", "2026年11月24日(火) 11:0", "広報課", "文京区のサイトのページ", OLD[8:], NEW[8:]):
        assert words in told
    assert told.index(OLD[8:]) < told.index(NEW[8:])


async def test_a_turned_link_names_no_officer_and_no_inner_reason(people: Cast, anyone: httpx.AsyncClient) -> None:
    number = await sent(people, body=WITH_LINK)
    await turn(people)
    page = (await anyone.get(f"/verify/{number}")).text
    assert "リンクの行き先が変わりました" in page
    assert not re.search("佐藤|中村|古いページが消えたため", page)


async def test_every_turn_is_told_in_order(people: Cast, anyone: httpx.AsyncClient) -> None:
    number = await sent(people, body=WITH_LINK)
    await turn(people)
    await turn(people, 2, "https://x.com/bunkyo_tokyo")
    page = (await anyone.get(f"/verify/{number}")).text
    assert page.count("変えた課") == 2
    assert "区の外のサイトのページ" in page


async def test_a_link_turned_before_the_approval_is_what_was_sent(people: Cast, anyone: httpx.AsyncClient) -> None:
    request_id = await requests.submitted(people.tanaka, body=WITH_LINK)
    await turn(people)
    await clock.advance(60)
    await requests.approve(people.sato, request_id)
    rows = await work.sql(
        "update delivery set first_accepted_at = ward_now(), state = 'sent', finished_at = ward_now() returning public_number"
    )
    assert "リンクの行き先" not in (await anyone.get(f"/verify/{rows[0]['public_number']}")).text


async def test_a_withdrawn_link_is_told(people: Cast, anyone: httpx.AsyncClient) -> None:
    number = await sent(people, body=WITH_LINK)
    await work.run(editing.retire, people.sato, "bosai_evac", 1, None, "終わった")
    assert "なくなりました。押しても、何も開きません。" in (await anyone.get(f"/verify/{number}")).text


async def test_another_messages_link_is_not_told_here(people: Cast, anyone: httpx.AsyncClient) -> None:
    number = await sent(people)
    await turn(people)
    assert "リンクの行き先" not in (await anyone.get(f"/verify/{number}")).text


@pytest.mark.parametrize("lang", ["en", "zh", "ko", "easy"])
async def test_a_turned_link_is_told_in_every_language(people: Cast, anyone: httpx.AsyncClient, lang: str) -> None:
    number = await sent(people, body=WITH_LINK)
    await turn(people)
    answer = await anyone.get(f"/verify/{number}", params={"lang": lang})
    assert (answer.status_code, "前の行き先" in answer.text) == (200, False)
