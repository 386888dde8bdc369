"""ブレーキが決めるための事実を、データベースから集める。"""

from typing import Any

from backend.account import state
from backend.delivery import brakes
from backend.delivery.brakes import Facts
from backend.delivery.states import Reason
from backend.residents import incident
from backend.store import work
from backend.ward.kinds import Kind


async def of(row: dict[str, Any]) -> Facts:
    """配信の行(`ward_now()` を `now` として含む)の、いまの事実。"""
    account = await state.current()
    feed = brakes.feed_of(row["source"])
    return Facts(
        now=row["now"],
        kind=Kind(row["kind"]),
        source=row["source"],
        to_everyone=row["address"] == "everyone",
        own_hour=row["own_hour"],
        expires_at=row["expires_at"],
        source_at=row["source_at"],
        started_at=row["frozen_at"],
        released=Reason(row["released"]) if row["released"] else None,
        mode=account.mode,
        stopped=account.stopped,
        personal_closed=await incident.closed(),
        brake=await _brake(feed) if feed else None,
        recent=await _recent(feed, row) if feed else 1,
    )


async def _brake(feed: str) -> Reason | None:
    rows = await work.sql("select reason from delivery_brake where feed = $1 and closed_at is null", feed)
    return Reason(rows[0]["reason"]) if rows else None


async def _recent(feed: str, row: dict[str, Any]) -> int:
    """この1時間の回数(これを含む)。一つの承認の同じ時刻のものは、まとめて一回(一晩のごみの知らせ)。"""
    rows = await work.sql(
        "select count(*) as occasions from (select distinct approval_id, send_at from delivery "
        "where split_part(source, ':', 1) = $1 and frozen_at > ward_now() - interval '1 hour' "
        "and (approval_id, send_at) <> ($2, $3)) x",
        feed,
        row["approval_id"],
        row["send_at"],
    )
    return int(rows[0]["occasions"]) + 1
