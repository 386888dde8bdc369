"""殺されても: どの節目で kill -9 されても、だれにも二度送らず、一人も欠けない(CHECKS D1, D8)。"""

import asyncio
import contextlib
import os
import signal
import time

from backend.store import work
from tests.delivery.conftest import Victims, approved, package, sending, texts, until

POINTS = ("claiming", "claimed", "calling", "answered", "settling", "settled")
CERTAIN = {(point, 1) for point in POINTS[:-1]} | {(point, nth) for point in ("calling", "answered") for nth in (5, 10)}
"""必ず通る節目。決着はまとめて書かれるので、二度目の取り分けや決着は来ないことがある。"""
PEOPLE = 4_600  # 10の送信単位


async def test_a_sender_killed_at_any_point_leaves_nobody_out_and_nobody_twice(
    crowd, noon, gateway, keys, simulator, victims: Victims
):
    users = await crowd(PEOPLE)
    covered = []
    for point in POINTS:
        for nth in (1, 2) if point in ("claiming", "claimed", "settling", "settled") else (1, 5, 10):
            simulator.clear_ledger()
            pid = victims.spawn(point, nth)
            made = package(noon)
            delivery = await approved(made)
            died = await _died(victims, pid, delivery)
            async with sending(gateway, keys):
                done = await until(delivery)
            assert (done.state.value, done.accepted, done.frozen) == ("sent", PEOPLE, PEOPLE), (point, nth)
            assert simulator.summary()["twice"] == 0, (point, nth)
            assert simulator.summary()["people"] == PEOPLE, (point, nth)
            keys_of = {call["retry_key"] for call in simulator.calls("multicast")}
            assert len(keys_of) == 10, "同じ送信単位に、違う鍵が使われた"
            if not died:
                with contextlib.suppress(ProcessLookupError):  # 送り終えてから節目に来ることもある
                    os.kill(pid, signal.SIGKILL)
                await victims.dead(pid)
            covered.append((point, nth, died))
    print("節目:", covered)
    assert {(point, nth) for point, nth, died in covered if died} >= CERTAIN
    assert len(users) == PEOPLE


async def _died(victims: Victims, pid: int, delivery: int) -> bool:
    """殺されるか、その前に送り終えるかを待つ。"""
    for _ in range(400):
        rows = await work.sql("select finished_at from delivery where id = $1", delivery)
        from tests.delivery.conftest import alive

        if not alive(pid):
            return True
        if rows[0]["finished_at"]:
            return False
        await asyncio.sleep(0.02)
    raise AssertionError("送り手が動かなかった")


async def test_a_standby_takes_over_within_a_second_of_a_kill(crowd, noon, gateway, keys, simulator, victims: Victims):
    await crowd(600)
    first = victims.spawn()
    await until(await approved(package(noon)))
    async with sending(gateway, keys):
        await asyncio.sleep(0.5)
        simulator.clear_ledger()
        os.kill(first, signal.SIGKILL)
        killed = time.monotonic()
        made = package(noon)
        await until(await approved(made), lambda s: s.accepted > 0 or s.state.finished, seconds=5)
        took = time.monotonic() - killed
    print(f"引き継ぎ {took:.2f}秒")
    assert took < 2.0
    assert simulator.summary()["twice"] == 0


async def test_a_stopped_sender_that_wakes_up_sends_nothing_new_and_writes_nothing(
    crowd, noon, gateway, keys, simulator, victims: Victims
):
    users = await crowd(5_000)
    zombie = victims.spawn(per_second=3)  # 止める前に送り終えないように
    made = package(noon)
    delivery = await approved(made)
    await until(delivery, lambda s: s.accepted > 0)
    os.kill(zombie, signal.SIGSTOP)
    epoch = (await work.sql("select epoch from delivery_sender"))[0]["epoch"]
    async with sending(gateway, keys):
        done = await until(delivery, seconds=25)
        assert (await work.sql("select epoch from delivery_sender"))[0]["epoch"] > epoch
        os.kill(zombie, signal.SIGCONT)
        await asyncio.sleep(1.0)
        assert done.accepted == len(users)
        stale = await work.sql(
            "select count(*) as n from delivery_batch where claimed_by = $1 and settled_at > $2",
            epoch,
            done.finished_at,
        )
        assert stale[0]["n"] == 0
    assert simulator.summary()["twice"] == 0
    assert simulator.summary()["people"] == len(users)
    assert texts(simulator, users[0]) == [json_text(made)]


def json_text(made):
    from tests.delivery.conftest import body_text

    return body_text(made)
