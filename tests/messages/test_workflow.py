"""依頼の道を歩く: 書く、出す、戻す、取り下げる(POL 5(4)ア、5(5))。"""

import asyncio
from datetime import datetime

import asyncpg
import pytest

from backend.errors import Forbidden, NotFound, Refused
from backend.messages import desk
from backend.messages.manuscript import Audience
from backend.messages.states import ReturnReason, State
from backend.residents.address import AddressKeys
from backend.store import work
from backend.store.clock import JST
from backend.ward.kinds import Kind
from tests.cast import Cast
from tests.console_fixtures import people
from tests.messages import requests

__all__ = ["people"]
TOMORROW = datetime(2026, 11, 25, 18, 0, tzinfo=JST)
MORNING = datetime(2026, 11, 25, 10, 0, tzinfo=JST)


async def test_the_whole_way_ends_in_one_scheduled_delivery(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    await requests.approve(people.sato, request_id)
    (delivery,) = await requests.deliveries()
    assert (delivery["source"], delivery["state"]) == (f"message:{request_id}", "scheduled")
    assert await requests.state_of(people, request_id) is State.APPROVED


async def test_the_bytes_to_line_are_the_bytes_that_were_seen(people: Cast, owner: asyncpg.Connection) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = await desk.find(people.sato, request_id)
    await requests.approve(people.sato, request_id)
    body = (await owner.fetchval("select messages from delivery_body")).decode()
    assert seen.manuscript.body.replace("\n", "\\n") in body
    assert f"確認番号 {seen.public_number}" in body


# 提出


async def test_both_attestations_are_needed(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka)
    for sourced, settled in ((False, True), (True, False), (False, False)):
        with pytest.raises(Refused):
            await requests.submit(people.tanaka, request_id, sourced=sourced, settled=settled)
    assert await requests.state_of(people, request_id) is State.DRAFT


async def test_a_blocked_draft_cannot_be_submitted(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka, body="○○公園で区民まつりを開きます。")
    with pytest.raises(Refused):
        await requests.submit(people.tanaka, request_id)


async def test_empty_criteria_are_sent_to_nobody(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka, audience=Audience.CRITERIA, criteria=None)
    with pytest.raises(Refused):
        await requests.submit(people.tanaka, request_id)


async def test_numbers_follow_each_other_within_the_month(people: Cast) -> None:
    ids = [await requests.drafted(people.tanaka) for _ in range(3)]
    assert [await requests.submit(people.tanaka, one) for one in ids] == ["B-2611-0001", "B-2611-0002", "B-2611-0003"]


async def test_fifty_submissions_at_once_get_fifty_numbers(people: Cast) -> None:
    ids = [await requests.drafted(people.tanaka) for _ in range(50)]
    numbers = await asyncio.gather(*(requests.submit(people.tanaka, one) for one in ids))
    assert len(set(numbers)) == 50


async def test_a_returned_request_keeps_its_number(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    number = (await desk.find(people.tanaka, request_id)).public_number
    await requests.send_back(people, request_id)
    assert await requests.submit(people.tanaka, request_id) == number


async def test_a_submitted_request_is_not_edited_by_its_section(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    with pytest.raises(Refused):
        await requests.edit(people.tanaka, request_id, title="後から変えた")


async def test_pr_does_not_edit_a_sections_draft(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka)
    with pytest.raises(Forbidden):
        await requests.edit(people.sato, request_id, title="下書きを変えた")


async def test_pr_cannot_save_a_blocked_text(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    with pytest.raises(Refused):
        await requests.edit(people.sato, request_id, body="○○公園で開きます。")


# 最小人数(POL 5(5), RULES 15)


@pytest.mark.parametrize("kind", [Kind.A, Kind.U, Kind.KI])
async def test_nineteen_people_are_too_few(people: Cast, keys: AddressKeys, kind: Kind) -> None:
    await requests.neighbours(keys, 19)
    request_id = await requests.drafted(people.tanaka, kind=kind, **requests.TO_HERE)
    with pytest.raises(Refused, match="20人未満"):
        await requests.submit(people.tanaka, request_id)


async def test_twenty_people_are_enough(people: Cast, keys: AddressKeys) -> None:
    await requests.neighbours(keys, 20)
    request_id = await requests.submitted(people.tanaka, **requests.TO_HERE)
    assert await requests.approve(people.sato, request_id)


async def test_too_few_by_the_time_of_approval_is_refused(people: Cast, keys: AddressKeys) -> None:
    await requests.neighbours(keys, 20)
    request_id = await requests.submitted(people.tanaka, **requests.TO_HERE)
    await work.sql("delete from resident where id = (select id from resident limit 1)")
    with pytest.raises(Refused, match="20人未満"):
        await requests.approve(people.sato, request_id)


async def test_an_emergency_may_go_to_few(people: Cast, keys: AddressKeys) -> None:
    await requests.neighbours(keys, 3)
    request_id = await requests.submitted(people.tanaka, kind=Kind.I, **requests.TO_HERE)
    assert await requests.approve(people.sato, request_id)


async def test_everyone_has_no_minimum(people: Cast) -> None:
    assert await requests.approve(people.sato, await requests.submitted(people.tanaka))


# 差戻しと取下げ


async def test_a_return_carries_its_reason_to_the_section(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    await requests.send_back(people, request_id)
    found = await desk.find(people.tanaka, request_id)
    assert (found.state, found.return_reason, found.return_note) == (
        State.RETURNED,
        ReturnReason.UNCLEAR,
        "会場の地図を付けてください。",
    )


async def test_a_return_without_words_is_refused(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    with pytest.raises(Refused):
        await requests.send_back(people, request_id, note=" \n")


async def test_withdrawing_before_the_freeze_cancels_the_delivery(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    await requests.approve(people.sato, request_id)
    await requests.withdraw(people.tanaka, request_id)
    assert [delivery["state"] for delivery in await requests.deliveries()] == ["stopped"]
    assert await requests.state_of(people, request_id) is State.WITHDRAWN


async def test_withdrawing_after_the_freeze_is_refused_and_changes_nothing(
    people: Cast, owner: asyncpg.Connection
) -> None:
    request_id = await requests.submitted(people.tanaka)
    await requests.approve(people.sato, request_id)
    await owner.execute("update delivery set state = 'frozen', frozen_at = ward_now()")
    with pytest.raises(Refused, match="もう送り始めている"):
        await requests.withdraw(people.tanaka, request_id)
    assert await requests.state_of(people, request_id) is State.APPROVED


async def test_pr_may_withdraw_for_a_section(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    await requests.withdraw(people.sato, request_id)
    assert await requests.state_of(people, request_id) is State.WITHDRAWN


async def test_another_section_does_not_even_find_it(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    with pytest.raises(NotFound):
        await requests.withdraw(people.watanabe, request_id)


async def test_a_withdrawn_request_is_never_approved(people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    await requests.withdraw(people.tanaka, request_id)
    with pytest.raises(Refused):
        await requests.approve(people.sato, request_id, seen)


async def test_every_step_is_recorded_with_its_hand(people: Cast, owner: asyncpg.Connection) -> None:
    request_id = await requests.submitted(people.tanaka)
    await requests.send_back(people, request_id)
    await requests.submit(people.tanaka, request_id)
    await requests.approve(people.sato, request_id)
    rows = await owner.fetch(
        "select action, staff_name from audit_entry where subject = $1 order by id", f"message:{request_id}"
    )
    steps = [(row["action"].removeprefix("message."), row["staff_name"]) for row in rows]
    assert [step for step in steps if not step[0].startswith("approval.")] == [
        ("draft", "田中"),
        ("submit", "田中"),
        ("return", "佐藤"),
        ("submit", "田中"),
        ("approve", "佐藤"),
    ]


async def test_the_database_itself_refuses_an_unfinished_submission(people: Cast, owner: asyncpg.Connection) -> None:
    request_id = await requests.drafted(people.tanaka, audience=None)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("update delivery_request set state = 'submitted' where id = $1", request_id)


async def test_the_database_itself_refuses_criteria_that_become_everyone(
    people: Cast, keys: AddressKeys, owner: asyncpg.Connection
) -> None:
    request_id = await requests.drafted(people.tanaka, **requests.TO_HERE)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("update delivery_request set audience = 'everyone' where id = $1", request_id)


async def test_a_topic_that_vanished_leaves_nobody_and_not_everyone(
    people: Cast, keys: AddressKeys, owner: asyncpg.Connection
) -> None:
    await requests.neighbours(keys, 20)
    request_id = await requests.submitted(people.tanaka, **requests.TO_HERE)
    gone = '{"all":[{"any":[{"field":"topic","value":"vanished"}]}]}'
    await owner.execute("update delivery_request set criteria = $1::jsonb", gone)
    with pytest.raises(Refused):
        await requests.approve(people.sato, request_id)
    assert await requests.deliveries() == []
