"""承認: 書いた人ではない人が、見た内容そのものを、一度だけ(CHECKS G1, G2, POL 5(4)イ)。"""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from backend.errors import Forbidden, Refused
from backend.messages import desk, review, workflow
from backend.messages.manuscript import Timing, fingerprint
from backend.messages.states import State
from backend.residents.address import AddressKeys
from backend.store import clock, work
from backend.store.clock import JST
from backend.ward.kinds import Kind
from tests import cast
from tests.cast import Cast
from tests.console_fixtures import people
from tests.messages import requests

__all__ = ["people"]
TOMORROW = datetime(2026, 11, 25, 18, 0, tzinfo=JST)
MORNING = datetime(2026, 11, 25, 10, 0, tzinfo=JST)


# 書いた人は承認できない


async def test_the_author_cannot_approve(people: Cast) -> None:
    request_id = await requests.submitted(people.sato)
    with pytest.raises(Forbidden):
        await requests.approve(people.sato, request_id)
    assert await requests.deliveries() == []


async def test_the_last_editor_cannot_approve(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    await requests.edit(people.sato, request_id, title="区民まつりを開きます")
    with pytest.raises(Forbidden):
        await requests.approve(people.sato, request_id)
    assert await requests.approve(people.nakamura, request_id)


async def test_the_author_stays_the_author_after_another_edits(people: Cast) -> None:
    request_id = await requests.submitted(people.nakamura)
    await requests.edit(people.sato, request_id, title="区民まつりを開きます")
    for own in (people.nakamura, people.sato):
        with pytest.raises(Forbidden):
            await requests.approve(own, request_id)


async def test_no_section_and_no_administrator_approves(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    for actor in (people.tanaka, people.suzuki, people.watanabe, people.takahashi, people.ogawa, people.yoshida):
        with pytest.raises(Refused):
            await requests.approve(actor, request_id, seen)
    assert await requests.deliveries() == []


# 承認は見た内容に結び付く


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "12月5日(土) 10時から15時まで、教育の森公園で区民まつりを開きます。\n雨でも行います。"},
        {"title": "区民まつりを開きます"},
        {"contact": "区民課 03-5803-1112"},
        {"body_en": "The ward festival is on December 5."},
        {"kind": Kind.KA},
        {"send_at": MORNING, "expires_at": MORNING + timedelta(hours=2)},
        {"send_at": MORNING, "expires_at": MORNING + timedelta(hours=3)},
        {"timing": Timing.ON_APPROVAL, "send_at": None, "expires_at": TOMORROW},
        {"silent": True},
        {"source_note": "11月21日 課長決裁"},
        requests.TO_HERE,
    ],
    ids=lambda changes: "+".join(changes),
)
async def test_a_change_after_opening_voids_the_approval(
    people: Cast, keys: AddressKeys, changes: dict[str, Any]
) -> None:
    await requests.neighbours(keys, 20)
    request_id = await requests.submitted(people.tanaka)
    opened = (await desk.find(people.sato, request_id)).fingerprint
    await requests.edit(people.nakamura, request_id, **changes)
    with pytest.raises(Refused, match="内容が変わりました"):
        await requests.approve(people.sato, request_id, opened)
    assert await requests.deliveries() == []
    assert await requests.approve(people.sato, request_id)


def test_one_letter_changes_the_fingerprint() -> None:
    now = datetime(2026, 11, 24, 10, 0, tzinfo=JST)
    one = cast.manuscript(now)
    other = cast.manuscript(now, body=one.body.replace("10時", "11時"))
    assert fingerprint(one, "B-2611-0001") != fingerprint(other, "B-2611-0001")
    assert fingerprint(one, "B-2611-0001") != fingerprint(one, "B-2611-0002")


async def test_a_link_that_leads_elsewhere_voids_the_approval(people: Cast, owner: asyncpg.Connection) -> None:
    body = "12月5日(土) 10時から区民まつりを開きます。\nhttps://www.city.bunkyo.lg.jp/go/bus"
    request_id = await requests.submitted(people.tanaka, body=body)
    opened = await desk.find(people.sato, request_id)
    assert [code for code, _ in opened.targets] == ["bus"]
    await owner.execute("update link set url = url || '?elsewhere' where code = 'bus'")
    with pytest.raises(Refused, match="内容が変わりました"):
        await requests.approve(people.sato, request_id, opened.fingerprint)


async def test_an_approval_of_changed_bytes_is_no_approval(people: Cast, owner: asyncpg.Connection) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    await owner.execute("update delivery_request set body = body || '。'")
    with pytest.raises(Refused):
        await requests.approve(people.sato, request_id, seen)


@pytest.mark.parametrize("seen", ["", "0" * 64, "zz"])
async def test_a_made_up_fingerprint_approves_nothing(people: Cast, seen: str) -> None:
    request_id = await requests.submitted(people.tanaka)
    with pytest.raises(Refused):
        await work.run(review.approve, people.sato, request_id, seen, minimum=20)


# 二度押しと二つの画面


async def test_a_second_click_makes_no_second_delivery(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    await requests.approve(people.sato, request_id, seen)
    with pytest.raises(Refused):
        await requests.approve(people.sato, request_id, seen)
    assert len(await requests.deliveries()) == 1


async def test_two_hundred_approvals_at_once_make_one_delivery(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    hands = [people.sato, people.nakamura, people.ito, people.tanaka]
    answers = await asyncio.gather(
        *(requests.approve(hands[n % 4], request_id, seen) for n in range(200)), return_exceptions=True
    )
    assert len([answer for answer in answers if isinstance(answer, int)]) == 1
    assert all(isinstance(answer, int | Refused) for answer in answers)
    assert len(await requests.deliveries()) == 1
    rows = await work.sql("select count(*) as approvals from approval")
    assert rows[0]["approvals"] == 1


async def test_the_second_of_two_tabs_overwrites_nothing(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka)
    version = (await desk.find(people.tanaka, request_id)).version
    first, second = await requests.written(title="一つ目の画面"), await requests.written(title="二つ目の画面")
    await work.run(workflow.edit, people.tanaka, request_id, version, first)
    with pytest.raises(Refused, match="先に変えられて"):
        await work.run(workflow.edit, people.tanaka, request_id, version, second)
    assert (await desk.find(people.tanaka, request_id)).manuscript.title == "一つ目の画面"


async def test_an_edit_and_an_approval_at_once_never_send_the_edit(people: Cast) -> None:
    for _ in range(10):
        request_id = await requests.submitted(people.tanaka)
        seen = (await desk.find(people.sato, request_id)).fingerprint
        await asyncio.gather(
            requests.approve(people.sato, request_id, seen),
            requests.edit(people.nakamura, request_id, title="すりかえた件名"),
            return_exceptions=True,
        )
    rows = await work.sql("select title from delivery")
    assert "すりかえた件名" not in [row["title"] for row in rows]


# 広報課長だけが承認できるもの


async def test_kind_ki_needs_the_chief_of_pr(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka, kind=Kind.KI)
    with pytest.raises(Forbidden, match="広報課長だけ"):
        await requests.approve(people.sato, request_id)
    assert await requests.approve(people.ito, request_id)


async def test_everyone_outside_office_hours_needs_the_chief_of_pr(people: Cast) -> None:
    evening = {"send_at": TOMORROW, "expires_at": TOMORROW + timedelta(hours=1)}
    request_id = await requests.submitted(people.tanaka, **evening)
    with pytest.raises(Forbidden):
        await requests.approve(people.sato, request_id)
    assert await requests.approve(people.ito, request_id)


@pytest.mark.parametrize(("hour", "minute", "alone"), [(8, 29, True), (8, 30, False), (17, 14, False), (17, 15, True)])
async def test_office_hours_have_sharp_edges(people: Cast, hour: int, minute: int, alone: bool) -> None:
    moment = datetime(2026, 11, 25, hour, minute, tzinfo=JST)
    request_id = await requests.submitted(people.tanaka, send_at=moment, expires_at=moment + timedelta(hours=1))
    found = await desk.find(people.sato, request_id)
    assert review.chief_only(found, moment) is alone


async def test_criteria_outside_office_hours_do_not_need_the_chief(people: Cast, keys: AddressKeys) -> None:
    await requests.neighbours(keys, 20)
    evening = {"send_at": TOMORROW, "expires_at": TOMORROW + timedelta(hours=1)}
    request_id = await requests.submitted(people.tanaka, **requests.TO_HERE, **evening)
    assert await requests.approve(people.sato, request_id)


# 日時(RULES 22)


async def test_a_passed_wish_is_never_silently_now(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    await clock.advance(3 * 3600 + 60)
    with pytest.raises(Refused, match="希望の日時を過ぎました"):
        await requests.approve(people.sato, request_id)


async def test_a_passed_wish_goes_at_once_when_chosen(people: Cast, owner: asyncpg.Connection) -> None:
    request_id = await requests.submitted(people.tanaka)
    await clock.advance(3 * 3600 + 60)
    await requests.approve(people.sato, request_id, at_once=True)
    assert abs(await owner.fetchval("select send_at - ward_now() from delivery")) < timedelta(seconds=5)


async def test_after_the_window_nothing_is_approved(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    await clock.advance(6 * 3600)
    assert await requests.state_of(people, request_id) is State.EXPIRED
    with pytest.raises(Refused, match="時間切れ"):
        await requests.approve(people.sato, request_id, at_once=True)


async def test_an_expired_request_is_given_a_new_time_and_submitted_again(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    await clock.advance(6 * 3600)
    evening = {"send_at": TOMORROW.replace(hour=10), "expires_at": TOMORROW.replace(hour=11)}
    await requests.edit(people.tanaka, request_id, **evening)
    await requests.submit(people.tanaka, request_id)
    await clock.set_to(TOMORROW.replace(hour=9))
    assert await requests.approve(people.sato, request_id)


async def test_at_night_only_an_emergency_goes_on_approval(people: Cast, keys: AddressKeys) -> None:
    await requests.neighbours(keys, 20)
    soon = {"timing": Timing.ON_APPROVAL, "send_at": None, "expires_at": TOMORROW, **requests.TO_HERE}
    ordinary = await requests.submitted(people.tanaka, **soon)
    urgent = await requests.submitted(people.tanaka, kind=Kind.I, **soon)
    await clock.set_to(datetime(2026, 11, 24, 22, 0, tzinfo=JST))
    with pytest.raises(Refused, match="夜9時"):
        await requests.approve(people.ito, ordinary)
    assert await requests.approve(people.ito, urgent)


async def test_an_emergency_is_scheduled_before_the_rest(people: Cast, owner: asyncpg.Connection) -> None:
    await requests.approve(people.sato, await requests.submitted(people.tanaka))
    await requests.approve(people.sato, await requests.submitted(people.tanaka, kind=Kind.I))
    rows = await owner.fetch("select priority from delivery order by id")
    assert [row["priority"] for row in rows] == [1, 0]
