"""C4: 20の送信単位の途中で500人が取りやめる。まだ出ていない分からは抜け、LINEの返事の分からない分は、LINEの数えたとおりに数える。"""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from typing import Any

from backend.line.gateway import Gateway
from backend.residents import preferences
from backend.residents.address import AddressKeys
from backend.store import work
from tests import cast
from tests.delivery.conftest import approved, lives_in_hongo, noon, package, plant, sending, total, until

__all__ = ["noon"]
UNIT, CHUNKS, LEAVING = 500, 20, 500
THROUGH = 8  # 取りやめの前にLINEが受け付ける送信単位


async def test_five_hundred_people_leave_in_the_middle_of_twenty_chunks(
    database: Any, noon: datetime, gateway: Gateway, keys: AddressKeys, simulator: Any
):
    seed = random.SystemRandom().randrange(2**32)
    people = [cast.user(n) for n in range(UNIT * CHUNKS)]
    leaving = random.Random(seed).sample(people, LEAVING)
    await plant(keys, {user: lives_in_hongo() for user in people})
    simulator.add_friends(*people)
    simulator.fault("multicast", "body_mismatch", times=THROUGH)  # 初めての鍵には何も起こさない故障
    simulator.fault("multicast", "500_after", times=1)  # LINEは受け付け、こちらには分からない
    simulator.fault("multicast", "429_rate", times=None)
    answered: set[int] = set()
    async with sending(gateway, keys, watch=lambda step, batch: step == "answered" and answered.add(batch.position)):
        delivery = await approved(package(noon))
        await until(delivery, lambda s: s.accepted >= THROUGH * UNIT, seconds=60)
        # 私たちの数えた8単位のほかに、LINEが受け付けて私たちに分からない1単位がある。着くまで、壁はまだ立っていない。
        await walled(simulator)
        had = {one["user"] for one in simulator.received()}
        left = await leave(keys, leaving[: LEAVING // 2])
        await turned_away(answered)
        simulator.clear_faults()
        left |= await leave(keys, leaving[LEAVING // 2 :])  # こちらは、送りながら
        done = await until(delivery, seconds=120)
    got = {one["user"]: datetime.fromisoformat(one["at"]) for one in simulator.received()}
    reached = set(leaving) & got.keys()
    before = {user for user in reached if got[user] <= left[user]}
    late = sorted((got[user] - left[user]).total_seconds() for user in reached - before)
    print(
        f"C4: 種 {seed}、送信単位 {CHUNKS}、途中で取りやめた {LEAVING}人、抜けた {done.excluded}人、先に届いていた {len(before)}人、"
        f"後に届いた {len(late)}人(呼び出しの最中。遅れ {[f'{one:.3f}秒' for one in late[-3:]]})"
    )
    # 壁が立っている間にやめた人には、その前にLINEが受け付けていなければ、一人も届かない。
    assert {user for user in leaving[: LEAVING // 2] if user in got} <= had
    assert (done.excluded, done.accepted) == (LEAVING - len(reached), len(got))
    assert total(done) == UNIT * CHUNKS
    assert simulator.summary()["twice"] == 0
    assert done.excluded > 0
    assert done.unknown == 0
    assert set(people) - set(leaving) <= got.keys()


async def walled(simulator: Any) -> None:
    """LINEが9単位を受け付けるまで待つ。次からの呼び出しは、どれも429になる。"""
    deadline = asyncio.get_running_loop().time() + 30
    while simulator.summary()["received"] < (THROUGH + 1) * UNIT:
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.03)


async def turned_away(answered: set[int]) -> None:
    """出かけている呼び出しが、みな断られて戻るまで待つ。

    最後の人がやめる数ミリ秒前に宛先を読んだ呼び出しが、壁がなくなった後にLINEに着くと、その人にも届く(呼び出しの最中)。
    それは後半で数える: 前半では、一人も許さない。
    """
    answered.clear()
    waiting = {row["position"] for row in await work.sql("select position from delivery_batch where state = 'ready'")}
    assert len(waiting) == CHUNKS - THROUGH
    deadline = asyncio.get_running_loop().time() + 60
    while not waiting <= answered:
        assert asyncio.get_running_loop().time() < deadline, waiting - answered
        await asyncio.sleep(0.03)


async def leave(keys: AddressKeys, users: list[str]) -> dict[str, datetime]:
    """一人ずつの取引でやめる。人 → やめ終えた時刻。"""
    left: dict[str, datetime] = {}

    async def one(user: str) -> None:
        await work.run(preferences.withdraw, keys, user)
        left[user] = datetime.now(UTC)

    for start in range(0, len(users), 4):
        await asyncio.gather(*map(one, users[start : start + 4]))
    return left
