"""だれでも見る確認ページ: LINEが受け付けたものだけが、本物として出る(POL 5(6))。"""

import re
from typing import Any

import httpx
import pytest

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
