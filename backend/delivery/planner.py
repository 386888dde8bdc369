"""段取り: 時刻の来た予約を確定し、送り始め、期限の切れたものと止められたものを終える。"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.audit import trail
from backend.delivery import accounts, brakes, facts, freeze, quota
from backend.delivery.brakes import Expired, Held, Wait
from backend.delivery.states import Reason
from backend.line.gateway import Gateway
from backend.store import work
from backend.ward.kinds import Kind


@dataclass(frozen=True)
class Survey:
    """いまの見渡し。`due` は確定・開始を待つ配信と緊急か(緊急が先)、`sending` は送ってよい配信、`next_at` は次の予約の時刻。"""

    now: datetime
    due: list[tuple[int, bool]]
    urgent: bool
    sending: set[int]
    next_at: datetime | None


async def survey() -> Survey:
    """動いている配信を見直し、止めるものを止めてから、残りを返す。一つの取引で動かす。"""
    rows = await work.sql(_OPEN)
    sending: set[int] = set()
    for row in rows:
        if row["state"] == "sending" and await _goes_on(row) and not await accounts.complete(row["id"]):
            sending.add(row["id"])
        elif row["state"] == "held" and row["expires_at"] <= row["now"]:
            await freeze.finish(row["id"], "expired")
    due = [row for row in rows if row["state"] in ("scheduled", "frozen") and row["not_before"] <= row["now"]]
    ahead = await work.sql(
        "select ward_now() as now, min(not_before) as next_at from delivery "
        "where finished_at is null and state in ('scheduled', 'frozen') and not_before > ward_now()"
    )
    urgent = any(row["priority"] == 0 for row in rows if row["id"] in sending)
    waiting = [(row["id"], row["priority"] == 0) for row in due]
    return Survey(ahead[0]["now"], waiting, urgent, sending, ahead[0]["next_at"])


async def close(in_flight: set[int]) -> None:
    """終わった配信のうち、呼び出しの残っていないものを締める。"""
    for delivery_id in await accounts.unclosed():
        if delivery_id not in in_flight:
            await work.run(accounts.close, delivery_id)


async def start(delivery_id: int, gateway: Gateway, turn: asyncio.Lock) -> bool:
    """確定した配信を送り始める。月の上限に足りないか、緊急の分に食い込むなら見合わせ。送り始めたら真。

    LINEに尋ねるので、取引の外で呼ぶ。上限を数えてから始めるまでは `turn` で一つずつ: 同時に承認された二つが、同じ残りを
    当てにしない(CHECKS D10)。緊急は数えず、待たない。
    """
    rows = await work.sql("select * from delivery where id = $1 and state = 'frozen'", delivery_id)
    if not rows:
        return False
    if Kind(rows[0]["kind"]) is Kind.I:
        return await work.run(_begin, delivery_id, None)
    async with turn:
        return await work.run(_begin, delivery_id, await quota.lacking(delivery_id, gateway))


async def _begin(delivery_id: int, lacking: Reason | None) -> bool:
    rows = await work.sql(
        "select *, ward_now() as now from delivery where id = $1 and state = 'frozen' for update", delivery_id
    )
    if not rows:
        return False
    if lacking:
        await freeze.hold(delivery_id, lacking)
        return False
    if not await _goes_on(rows[0]):
        return False
    await work.sql("update delivery set state = 'sending' where id = $1", delivery_id)
    await trail.record(None, "delivery.start", f"delivery:{delivery_id}", frozen=rows[0]["frozen"])
    return True


async def _goes_on(row: dict[str, Any]) -> bool:
    match brakes.proceed(await facts.of(row)):
        case Expired():
            await freeze.finish(row["id"], "expired")
        case Held(reason=reason):
            await freeze.hold(row["id"], reason)
        case Wait(until=until):
            await work.sql("update delivery set state = 'frozen', not_before = $2 where id = $1", row["id"], until)
        case _:
            return True
    return False


_OPEN = """
select *, ward_now() as now from delivery
where finished_at is null and (state in ('frozen', 'sending')
  or (state = 'scheduled' and not_before <= ward_now()) or (state = 'held' and expires_at <= ward_now()))
order by priority, not_before, id
"""
