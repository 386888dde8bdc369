"""続ける: 一つの「続ける」も一つの変更も、その目的だけのこと。ほかの目的の文にも期限にも触れない(P3、RULES 38)。"""

from datetime import date
from typing import Any

import asyncpg
import pytest

from backend.consent.notices import Purpose
from backend.residents import erasure, preferences, renewal
from backend.residents.address import AddressKeys
from backend.store import clock, work
from tests.consent.desk import publish
from tests.residents.conftest import Page
from tests.residents.people import SAKURA, renewed, today

BOTH = Purpose.AREA | Purpose.TOPICS


@pytest.fixture
async def saved(page: Page, simulator: Any) -> Page:
    """地域と関心に、第1版の文で同意した人。"""
    simulator.add_friends(SAKURA)
    await page.sign_in(SAKURA)
    assert (await both(page)).status_code == 200
    return page


async def both(page: Page, version: int = 1, **changed: Any) -> Any:
    return await page.save(purposes=["area", "topics"], topics=["bosai"], notice_version=version, **changed)


async def grants(keys: AddressKeys) -> dict[str, tuple[int, Any]]:
    found = await preferences.held(keys, SAKURA)
    return {one.purpose.code: (one.notice_version, one.until) for one in found.grants.values()} if found else {}


async def written(owner: asyncpg.Connection) -> list[tuple[int, str, int]]:
    """最初の保存より後の件。"""
    rows = await owner.fetch("select purpose, action, notice_version from consent_event order by id offset 2")
    return [tuple(row) for row in rows]


async def test_one_press_continues_one_purpose_and_leaves_the_others_alone(saved, keys, owner):
    number = await publish(BOTH, effective_in=30)
    before = await grants(keys)
    answer = (await saved.renew("area", notice_version=number)).json()
    assert [one["purpose"] for one in answer["receipt"]["processing"]] == ["area"]
    assert await written(owner) == [(1, "granted", number)]
    after = await grants(keys)
    assert after["area"][0] == number
    assert after["area"][1] > before["area"][1]
    assert after["topics"] == before["topics"]


async def test_changing_one_answer_agrees_to_nothing_else(saved, keys, owner):
    number = await publish(BOTH, effective_in=30)
    before = await grants(keys)
    answer = (await both(saved, number, area=13)).json()
    assert [one["purpose"] for one in answer["receipt"]["processing"]] == ["area"]
    assert await written(owner) == [(1, "granted", number)]
    assert (await grants(keys))["topics"] == before["topics"]


async def test_adding_one_purpose_does_not_move_the_end_of_the_others(saved, keys, owner):
    before = await grants(keys)
    await clock.advance(600)
    await saved.save(purposes=["area", "topics", "age"], topics=["bosai"], age_band=30)
    assert await written(owner) == [(2, "granted", 1)]
    assert {code: (await grants(keys))[code] for code in before} == before


async def test_leaving_one_out_is_only_a_withdrawal(saved, owner):
    answer = (await saved.save(purposes=["topics"], topics=["bosai"])).json()
    assert await written(owner) == [(1, "withdrawn", 1)]
    assert [one["purpose"] for one in answer["receipt"]["processing"]] == ["topics"]


async def test_the_same_answers_in_another_order_are_no_change(saved, owner):
    await both(saved, children=[])
    await saved.save(purposes=["area", "topics"], topics=["event", "bosai"])
    seen = await written(owner)
    await saved.save(purposes=["topics", "area"], topics=["bosai", "event"])
    assert await written(owner) == seen == [(8, "granted", 1)]


async def test_an_answer_sent_with_the_press_is_not_read(saved, owner):
    before = await owner.fetchrow("select area, topics, purposes from resident")
    assert (await saved.renew("area", area=13, purposes=["age"], age_band=30)).status_code == 200
    assert await owner.fetchrow("select area, topics, purposes from resident") == before


async def test_what_was_not_agreed_to_cannot_be_continued(saved, owner):
    assert (await saved.renew("age")).status_code == 404
    assert (await saved.renew("nothing")).status_code == 404
    assert await written(owner) == []


async def test_an_old_text_and_a_person_who_left_continue_nothing(saved, simulator, owner):
    await publish(Purpose.AREA, effective_in=30)
    assert (await saved.renew("area", notice_version=1)).json()["reason"] == "notice"
    simulator.put_people({"user": SAKURA, "name": "さくら", "friend": False})
    assert (await saved.renew("area", notice_version=2)).json()["reason"] == "friend"
    assert await written(owner) == []


async def test_up_to_fifteen_the_guardian_is_asked_about_the_new_text_too(page, simulator, owner):
    simulator.add_friends(SAKURA)
    await page.sign_in(SAKURA)
    await page.save(purposes=["area", "age"], age_band=15, guardian=True)
    answer = await page.renew("age")
    assert (answer.status_code, set(answer.json()["fields"])) == (422, {"guardian"})
    assert (await page.renew("area")).status_code == 200
    assert (await page.renew("age", guardian=True)).status_code == 200
    rows = await owner.fetch("select purpose, guardian from consent_event order by id offset 2")
    assert [tuple(row) for row in rows] == [(1, False), (2, True)]


async def test_someone_waits_until_every_changed_purpose_is_continued(saved, keys):
    """「まだ続けていない人」は、いまの文の内容に追いついていない目的が一つでもある人。"""
    await publish(Purpose.AREA, effective_in=30)
    await publish(BOTH, effective_in=30)

    async def waiting() -> list[int]:
        return [one.waiting for one in await renewal.progress()]

    assert await waiting() == [1, 1]
    await renewed(keys, SAKURA, Purpose.AREA)
    assert await waiting() == [1, 0] or await waiting() == [0, 1]
    await renewed(keys, SAKURA, Purpose.TOPICS)
    assert await waiting() == [0, 0]


async def test_stopping_the_one_that_waited_ends_the_waiting(saved, keys):
    await publish(BOTH, effective_in=30)
    await renewed(keys, SAKURA, Purpose.AREA)
    assert (await renewal.progress())[0].waiting == 1
    await saved.call("DELETE", "/liff/api/me/topics")
    assert (await renewal.progress())[0].waiting == 0


@pytest.fixture
async def grown(page: Page, simulator: Any, owner: asyncpg.Connection) -> str:
    """高校の年代を過ぎた子と、小さな子のいる人の、過ぎた子の月。"""
    simulator.add_friends(SAKURA)
    now = await today()
    await page.sign_in(SAKURA)
    children = [{"birth_month": f"{now.year - 1}-05"}, {"birth_month": f"{now.year - 2}-05"}]
    assert (await page.save(purposes=["area", "parenting"], children=children)).status_code == 200
    old = date(now.year - 21, 5, 1)
    await owner.execute("update resident_child set birth_month = $1 where position = 1", old)
    return f"{old:%Y-%m}"


async def test_a_grown_child_never_locks_the_other_answers(page, keys, owner, grown):
    children = (await page.call("GET", "/liff/api/me")).json()["held"]["children"]
    answer = await page.save(purposes=["area", "parenting"], area=13, children=children)
    assert answer.status_code == 200, answer.text
    assert await owner.fetchval("select area from resident") == 13
    assert (await page.renew("parenting")).status_code == 200
    # 新しく入れる月は、これまでどおり断る。
    wrong = await page.save(purposes=["area", "parenting"], children=[{"birth_month": "2001-01"}])
    assert set(wrong.json()["fields"]) == {"children"}


async def test_a_grown_child_ends_silently(page, keys, owner, grown):
    assert await erasure.sweep(keys) == 1
    assert await erasure.sweep(keys) == 0
    assert await owner.fetchval("select count(*) from resident_child") == 1
    assert await owner.fetchval("select count(*) from consent_event where action <> 'granted'") == 0
    await work.sql("update resident_child set birth_month = birth_month - interval '20 years'")
    assert await erasure.sweep(keys) == 1
    last = await owner.fetchrow("select purpose, action, channel from consent_event order by id desc limit 1")
    assert tuple(last) == (4, "lapsed", "sweep")
