"""月の上限: 足りない配信も、緊急(イ)の分に食い込む配信も、一つ目の呼び出しの前に止まる(CHECKS D10, RULES 53)。"""

import asyncio

import pytest

from backend.delivery import decisions, freeze, planner
from backend.delivery.outbox import URGENT, Everyone, Reason
from backend.store import work
from backend.ward.kinds import Kind
from tests.delivery.conftest import APPROVER, approved, package, sending, until

FRIENDS = 800
RESERVE = 2 * FRIENDS


def ended(found):
    return found.state.value in ("sent", "held")


async def test_of_two_sends_that_do_not_fit_together_the_second_is_refused_before_its_first_chunk(
    crowd, noon, gateway, keys, simulator
):
    """D10: 残り1万(緊急の分を除く)に8千を二つ。"""
    await crowd(8_000)
    simulator.account(quota=10_000 + 2 * 8_000)
    async with sending(gateway, keys):
        both = [await approved(package(noon)) for _ in range(2)]
        found = [await until(delivery, ended, seconds=60) for delivery in both]
    held = next(one for one in found if one.state.value == "held")
    assert sorted(one.state.value for one in found) == ["held", "sent"]
    assert (held.reason, held.accepted, len(simulator.received())) == (Reason.RESERVED, 0, 8_000)
    tried = await work.sql(
        "select count(*) as n from delivery_batch where delivery_id = $1 and first_tried_at is not null", held.id
    )
    assert tried[0]["n"] == 0


async def test_two_starts_at_the_same_moment_do_not_count_on_the_same_remainder(crowd, noon, gateway, simulator):
    await crowd(FRIENDS)
    simulator.account(quota=RESERVE + 1_000)
    simulator.limits(latency_seconds=0.2)
    both = [await approved(package(noon)) for _ in range(2)]
    for delivery in both:
        await work.run(freeze.freeze, delivery, 1)
    turn = asyncio.Lock()
    started = await asyncio.gather(*(planner.start(delivery, gateway, turn) for delivery in both))
    assert sorted(started) == [False, True]


@pytest.mark.parametrize(
    ("quota", "reason"),
    [(RESERVE + FRIENDS, None), (RESERVE + FRIENDS - 1, Reason.RESERVED), (FRIENDS - 1, Reason.QUOTA)],
)
@pytest.mark.parametrize("everyone", [False, True])
async def test_twice_the_friends_are_left_for_the_urgent(crowd, noon, gateway, simulator, quota, reason, everyone):
    await crowd(FRIENDS)
    simulator.account(quota=quota)
    delivery = await approved(package(noon, address=Everyone()) if everyone else package(noon))
    assert await started(delivery, gateway) is (reason is None)
    [row] = await work.sql("select reason from delivery where id = $1", delivery)
    assert row["reason"] == (reason.value if reason else "")


async def test_the_urgent_goes_out_of_the_reserve(crowd, noon, gateway, simulator):
    await crowd(FRIENDS)
    simulator.account(quota=FRIENDS)
    assert await started(await approved(package(noon, kind=Kind.I, priority=URGENT, address=Everyone())), gateway)


async def test_the_last_comparison_with_line_says_how_many_friends_there_are(crowd, noon, gateway, simulator):
    """登録していない友だちの分も残す。"""
    await crowd(FRIENDS)
    await work.sql("insert into follower_sweep (friends, residents, absent, erased) values (5000, $1, 0, 0)", FRIENDS)
    simulator.account(quota=10_000 + FRIENDS - 1)
    delivery = await approved(package(noon))
    assert not await started(delivery, gateway)
    simulator.account(quota=10_000 + FRIENDS)
    await work.run(decisions.release, APPROVER, delivery)
    assert await planner.start(delivery, gateway, asyncio.Lock())


async def test_an_account_without_a_quota_is_the_ordinary_one(crowd, noon, gateway, simulator):
    await crowd(FRIENDS)
    assert await started(await approved(package(noon)), gateway)


async def test_the_refusal_says_why_and_what_to_do(crowd, noon):
    assert "緊急(イ)" in Reason.RESERVED.label
    assert "送る" in Reason.RESERVED.next_step


async def started(delivery, gateway):
    assert await work.run(freeze.freeze, delivery, 1)
    return await planner.start(delivery, gateway, asyncio.Lock())
