"""止める、取りやめる、追い越す、訂正する(CHECKS D4, D11, D12, C4)。"""

import asyncio
import time

import pytest

from backend.account import state as account
from backend.delivery import batches, decisions, freeze, outbox
from backend.delivery.outbox import Everyone, RecipientsOf
from backend.errors import Forbidden, Refused
from backend.permissions import Actor, Role
from backend.store import clock, work
from backend.ward.kinds import Kind
from tests.delivery.conftest import (
    APPROVER,
    CHIEF,
    SECOND,
    approved,
    body_text,
    package,
    sending,
    texts,
    total,
    until,
)


async def test_a_stop_takes_effect_within_a_second_and_the_account_is_exact(crowd, noon, gateway, keys, simulator):
    await crowd(20_000)
    simulator.limits(latency_seconds=0.02)
    async with sending(gateway, keys, per_second=20):
        delivery = await approved(package(noon))
        await until(delivery, lambda s: s.accepted >= 3_000)
        await work.run(decisions.stop, APPROVER, delivery)
        stopped = time.time()
        done = await until(delivery)
        await asyncio.sleep(0.5)
    assert done.state.value == "stopped"
    assert done.accepted == len(simulator.received())
    assert total(done) == done.frozen == 20_000
    last = max(_seconds(call["at"]) for call in simulator.calls("multicast"))
    print(f"最後の呼び出しは停止の{last - stopped:.3f}秒後")
    assert last - stopped < 1.0


def _seconds(moment):
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()


async def test_a_correction_reaches_exactly_those_who_got_the_mistake(crowd, noon, gateway, keys, simulator):
    await crowd(6_000)
    async with sending(gateway, keys, per_second=10):
        wrong = package(noon)
        delivery = await approved(wrong)
        await until(delivery, lambda s: s.accepted >= 1_500)
        await work.run(decisions.stop, APPROVER, delivery)
        right = package(noon, address=RecipientsOf(delivery), priority=outbox.URGENT)
        done = await until(await approved(right))
    mistaken = {got["user"] for got in simulator.received() if got["messages"][0]["text"] == body_text(wrong)}
    corrected = {got["user"] for got in simulator.received() if got["messages"][0]["text"] == body_text(right)}
    assert 0 < len(mistaken) < 6_000
    assert corrected == mistaken
    assert done.accepted == len(mistaken)


async def test_a_correction_to_everyone_is_again_to_everyone(noon, gateway, keys, simulator):
    simulator.generate(3)
    async with sending(gateway, keys):
        delivery = await approved(package(noon, address=Everyone()))
        await until(delivery)
        held = await until(
            await approved(package(noon, address=RecipientsOf(delivery))), lambda s: s.state.value == "held"
        )
    assert held.reason.value == "unreadable"
    assert len(simulator.received()) == 3


async def test_a_correction_waits_until_every_answer_of_the_mistake_is_in(crowd, noon):
    await crowd(30)
    wrong = await approved(package(noon))
    await work.run(freeze.freeze, wrong, 1)
    right = await approved(package(noon, address=RecipientsOf(wrong)))
    assert not await work.run(freeze.freeze, right, 1)
    assert (await work.sql("select state from delivery where id = $1", right))[0]["state"] == "scheduled"


async def test_the_next_batch_is_always_taken_from_the_urgent_delivery(crowd, noon):
    await crowd(30)
    bulk = await approved(package(noon))
    urgent = await approved(package(noon, kind=Kind.I, priority=outbox.URGENT))
    for delivery in (bulk, urgent):
        await work.run(freeze.freeze, delivery, 1)
    await work.sql("update delivery set state = 'sending'")
    assert await batches.waiting(1, False) == urgent
    assert await batches.waiting(1, True) == urgent


async def test_an_urgent_broadcast_overtakes_a_running_bulk(crowd, noon, gateway, keys, simulator):
    await crowd(8_000)
    simulator.limits(latency_seconds=0.02)
    waited = []
    async with sending(gateway, keys, per_second=4):
        bulk = await approved(package(noon))
        await until(bulk, lambda s: s.accepted > 0)
        for _ in range(4):
            asked = time.monotonic()
            urgent = await approved(package(noon, kind=Kind.I, priority=outbox.URGENT, address=Everyone()))
            await until(urgent, lambda s: s.first_accepted_at is not None)
            waited.append(time.monotonic() - asked)
        running = await until(bulk, lambda s: True)
        assert running.state.value == "sending"
        done = await until(bulk)
    print("緊急の待ち:", [f"{w:.2f}" for w in waited])
    assert max(waited) < 1.0
    assert done.accepted == 8_000


async def test_an_urgent_segment_overtakes_the_waiting_batches_of_a_bulk(crowd, noon, gateway, keys, simulator):
    await crowd(8_000)
    async with sending(gateway, keys, per_second=10):
        bulk = await approved(package(noon))
        await until(bulk, lambda s: s.accepted > 0)
        urgent = await approved(package(noon, kind=Kind.I, priority=outbox.URGENT))
        await until(urgent)
        assert (await until(bulk, lambda s: True)).accepted < 3_000


async def test_a_claim_takes_no_more_than_it_was_asked_to(crowd, noon):
    await crowd(20_000)
    delivery = await approved(package(noon))
    await work.run(freeze.freeze, delivery, 1)
    await work.sql("update delivery set state = 'sending'")
    await work.sql("update delivery_sender set epoch = 1")
    for first in (1, 8, 15):
        claimed = await work.run(batches.claim, 1, delivery, 7)
        assert [batch.position for batch in claimed] == list(range(first, first + 7))


async def test_a_key_older_than_twenty_hours_is_never_used_again(crowd, noon, gateway, keys, simulator):
    await crowd(300)
    simulator.fault("multicast", "500_before", times=1)
    async with sending(gateway, keys):
        delivery = await approved(package(noon, expires_at=noon.replace(day=27)))
        await until(delivery, lambda s: bool(simulator.calls("multicast")))
        await clock.advance(24 * 3600)
        simulator.clock(advance_seconds=24 * 3600)
        done = await until(delivery)
    assert (done.state.value, done.unknown, done.needs_person) == ("unknown", 300, True)
    assert len(simulator.calls("multicast")) == 1


@pytest.mark.parametrize(("sent", "state"), [(True, "sent"), (False, "partly_failed")])
async def test_a_person_decides_an_unknown_batch_and_nothing_is_sent(
    crowd, noon, gateway, keys, simulator, sent, state
):
    await crowd(300)
    simulator.fault("multicast", "500_after", times=1)
    simulator.fault("multicast", "403", times=None)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        await until(delivery)
        calls = len(simulator.calls("multicast"))
        await work.run(decisions.settle_unknown, APPROVER, delivery, sent=sent)
        done = await until(delivery)
        with pytest.raises(Refused):
            await work.run(decisions.resend_refused, APPROVER, delivery)
    assert (done.state.value, done.needs_person, total(done)) == (state, False, 300)
    assert len(simulator.calls("multicast")) == calls
    logged = await work.sql("select detail from audit_entry where action = 'delivery.settle_unknown'")
    assert len(logged) == 1


async def test_stopping_the_account_holds_the_rest_and_a_release_goes_on_from_there(
    crowd, noon, gateway, keys, simulator
):
    await crowd(3_000)
    async with sending(gateway, keys, per_second=8):
        delivery = await approved(package(noon))
        await until(delivery, lambda s: s.accepted > 0)
        await work.run(account.stop, APPROVER, everything=False)
        held = await until(delivery, lambda s: s.state.value == "held")
        assert held.reason.value == "account_stopped"
        with_stop = len(simulator.received())
        await work.run(account.propose_resume, APPROVER)
        await work.run(account.confirm_resume, SECOND)
        await asyncio.sleep(0.3)
        assert len(simulator.received()) - with_stop <= 500
        await work.run(decisions.release, APPROVER, delivery)
        done = await until(delivery)
    assert (done.state.value, done.accepted) == ("sent", 3_000)
    assert simulator.summary()["twice"] == 0


async def test_in_a_disaster_only_urgent_things_leave(crowd, noon, gateway, keys, simulator):
    await crowd(50)
    await work.run(account.enter_disaster, CHIEF)
    async with sending(gateway, keys):
        ordinary = await approved(package(noon))
        urgent = await approved(package(noon, kind=Kind.I, priority=outbox.URGENT))
        assert (await until(urgent)).accepted == 50
        assert (await until(ordinary, lambda s: s.state.value == "held")).reason.value == "disaster"
    assert len(simulator.received()) == 50


async def test_a_chief_stops_only_deliveries_of_the_own_section(noon):
    delivery = await approved(package(noon, send_at=noon.replace(hour=3), expires_at=noon.replace(hour=5)))
    other = Actor(7, "watanabe", "渡辺", Role.SECTION_CHIEF, "bosai", "防災課")
    with pytest.raises(Forbidden):
        await work.run(decisions.stop, other, delivery)


async def test_the_night_watch_stops_any_delivery(noon):
    delivery = await approved(package(noon))
    await work.run(decisions.stop, Actor(8, "yoshida", "吉田", Role.NIGHT_WATCH, "somu", "総務課"), delivery)
    rows = await work.sql("select state from delivery where id = $1", delivery)
    assert rows[0]["state"] == "stopped"


async def test_nobody_hears_of_a_delivery_withdrawn_before_it_was_frozen(crowd, noon, gateway, keys, simulator):
    await crowd(30)
    made = package(noon, send_at=noon.replace(hour=2), expires_at=noon.replace(hour=4))
    await approved(made)
    assert await work.run(outbox.cancel, APPROVER, made.source)
    await clock.advance(3700)
    async with sending(gateway, keys):
        await asyncio.sleep(0.5)
    assert simulator.received() == []


async def test_the_wrong_message_is_one_text(crowd, noon, gateway, keys, simulator):
    users = await crowd(3)
    made = package(noon)
    async with sending(gateway, keys):
        await until(await approved(made))
    assert texts(simulator, users[0]) == [body_text(made)]


async def test_an_address_that_cannot_be_opened_holds_that_delivery_and_nothing_else(
    crowd, noon, gateway, keys, simulator
):
    await crowd(30)
    await work.sql("update resident set cipher = overlay(cipher placing '\\x09'::bytea from 1)")
    async with sending(gateway, keys):
        broken = await approved(package(noon))
        held = await until(broken, lambda s: s.state.value == "held")
        urgent = await approved(package(noon, kind=Kind.I, priority=outbox.URGENT, address=Everyone()))
        await until(urgent, lambda s: s.state.value == "sent")
    assert held.reason.value == "broken"
    assert simulator.calls("multicast") == []
