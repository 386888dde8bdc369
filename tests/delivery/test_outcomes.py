"""LINEの返事から次の一手。"""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.delivery import outcomes
from backend.delivery.bucket import Bucket
from backend.delivery.outcomes import Again, Drop, OutOfQuota, Park, Refuse, SlowDown, next_step
from backend.errors import LineError, Outcome


def step(outcome, *, ambiguous=False, position=None, people=500, dropped=0, status=400):
    error = LineError(outcome, "x", status=status, position=position)
    return next_step(error, ambiguous=ambiguous, people=people, dropped=dropped)


@pytest.mark.parametrize(
    ("outcome", "ambiguous", "wanted"),
    [
        (Outcome.UNKNOWN, False, Again()),
        (Outcome.UNKNOWN, True, Again()),
        (Outcome.THROTTLED, False, SlowDown()),
        (Outcome.THROTTLED, True, SlowDown()),
        (Outcome.REFUSED, False, Refuse()),
        (Outcome.REFUSED, True, Park()),
        (Outcome.QUOTA, False, OutOfQuota()),
        (Outcome.QUOTA, True, Park()),
    ],
)
def test_each_answer_has_one_next_step(outcome, ambiguous, wanted):
    assert step(outcome, ambiguous=ambiguous) == wanted


def test_a_named_recipient_is_dropped():
    assert step(Outcome.REFUSED, position=3) == Drop(3)


@pytest.mark.parametrize(("position", "people", "dropped"), [(500, 500, 0), (-1, 500, 0), (0, 1, 0), (1, 500, 50)])
def test_a_name_that_cannot_be_dropped_refuses_the_batch(position, people, dropped):
    assert step(Outcome.REFUSED, position=position, people=people, dropped=dropped) == Refuse()


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_pause_grows_and_is_never_longer_than_a_minute(tries, chance):
    assert 0.25 <= outcomes.pause(tries, chance) <= 60


async def test_the_bucket_never_gives_more_than_its_rate():
    bucket = Bucket(100, capacity=5)
    given_out = 0

    async def taker():
        nonlocal given_out
        while True:
            await bucket.take(1)
            given_out += 1

    tasks = [asyncio.create_task(taker()) for _ in range(5)]
    started = asyncio.get_running_loop().time()
    await asyncio.sleep(0.4)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    took = asyncio.get_running_loop().time() - started
    assert given_out <= took * 100 + 5
    assert given_out >= 20


async def test_an_urgent_call_overtakes_the_queue():
    bucket, order = Bucket(50), []

    async def take(name, priority):
        await bucket.take(priority)
        order.append(name)

    async with asyncio.TaskGroup() as group:
        for name in "abc":
            group.create_task(take(name, 1))
        await asyncio.sleep(0)
        group.create_task(take("urgent", 0))
    assert order[0] == "urgent"
