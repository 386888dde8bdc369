"""配信のようす: 予約から完了までの、正確な数と時刻。"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.delivery.states import Reason, State
from backend.permissions import Actor, Permission, Role
from backend.segments import audience
from backend.store import work
from backend.ward.kinds import Kind

ASKING_SECONDS = 10
"""これより長く返事を待っていたら、画面に出す(RULES 10)。"""


@dataclass(frozen=True)
class Status:
    """一つの配信。`frozen` は確定した人数(全員あてと確定の前はNone)。

    frozen = accepted + refused + excluded + unknown + unsent(CHECKS I2)。全員あてではどれも0のまま。
    `counted` は、出ていた呼び出しの返事が出そろい、数がもう動かないこと。
    """

    id: int
    source: str
    title: str
    owner_section: str
    public_number: str
    kind: Kind
    state: State
    reason: Reason | None
    everyone: bool
    silent: bool
    send_at: datetime
    expires_at: datetime
    not_before: datetime
    authorised_by: str
    frozen_at: datetime | None
    first_accepted_at: datetime | None
    finished_at: datetime | None
    frozen: int | None
    accepted: int
    refused: int
    excluded: int
    unknown: int
    unsent: int
    unknown_batches: int
    refused_batches: int
    asking_since: datetime | None
    counted: bool
    now: datetime

    @property
    def needs_person(self) -> bool:
        """人が決めるのを待っている。"""
        return self.state in (State.HELD, State.UNKNOWN) or self.unknown_batches > 0

    @property
    def running(self) -> bool:
        return self.state in (State.FROZEN, State.SENDING)

    @property
    def stoppable(self) -> bool:
        return not self.state.finished and self.state is not State.UNKNOWN

    @property
    def asking_seconds(self) -> int:
        """LINEの返事を確かめ続けている秒数。待っていなければ0。"""
        waited = (self.now - self.asking_since).total_seconds() if self.running and self.asking_since else 0
        return int(waited) if waited >= ASKING_SECONDS else 0

    @property
    def words(self) -> str:
        """一行の言い方。「届いた」とは言わない。"""
        if self.everyone and self.state in (State.SENT, State.PARTLY_FAILED):
            return "LINEが受け付けました" if self.state is State.SENT else "LINEが受け付けませんでした"
        if self.state is State.SENT:
            return "すべてLINEが受け付けました"
        if self.reason:
            return self.reason.label
        return ""

    def people(self, count: int, actor: Actor) -> str:
        """人数の言い方。正確な数を見るのは広報課長と監査する人だけ(RULES 17)。"""
        return f"{count:,}人" if sees_exact(actor) else (audience.wording(count) if count else "0人")


def sees_exact(actor: Actor) -> bool:
    return actor.role is Role.PR_CHIEF or actor.may(Permission.READ_AUDIT)


async def status_of(source: str) -> Status | None:
    """その出どころの配信。予約されていなければNone。"""
    rows = await work.sql(f"{_SELECT} where d.source = $1", source)
    return _status(rows[0]) if rows else None


async def by_id(delivery_id: int) -> Status | None:
    rows = await work.sql(f"{_SELECT} where d.id = $1", delivery_id)
    return _status(rows[0]) if rows else None


async def listing(section: str | None = None, limit: int = 500) -> list[Status]:
    """人を待つもの、動いているもの、これからのもの、終わったものの順。`section` はその課のものだけ。"""
    rows = await work.sql(
        f"{_SELECT} where $1::text is null or d.owner_section = $1 order by "
        "case d.state when 'held' then 0 when 'unknown' then 0 when 'sending' then 1 when 'frozen' then 1 "
        "when 'scheduled' then 2 else 3 end, "
        "case when d.finished_at is null then d.not_before end, d.finished_at desc, d.id desc limit $2",
        section,
        limit,
    )
    return [_status(row) for row in rows]


# 終わった配信は書き留めた数を読み、動いている配信だけ送信単位から数える。
_SELECT = """
select d.*, ward_now() as now, b.*
from delivery d
left join lateral (
  select coalesce(sum(x.accepted), 0)::int as b_accepted, coalesce(sum(x.refused), 0)::int as b_refused,
         coalesce(sum(x.excluded), 0)::int as b_excluded,
         coalesce(sum(x.size - x.accepted - x.refused - x.excluded) filter (where x.state = 'unknown'), 0)::int as b_unknown,
         coalesce(sum(x.size - x.accepted - x.refused - x.excluded) filter (where x.state = 'ready'), 0)::int as b_unsent,
         count(*) filter (where x.state = 'unknown')::int as unknown_batches,
         count(*) filter (where x.state = 'refused' and x.decided_by = '')::int as refused_batches,
         min(x.first_tried_at) filter (where x.state = 'ready') as asking_since
  from delivery_batch x
  where x.delivery_id = d.id and (d.accepted is null or d.state = 'partly_failed' or d.unknown > 0)
) b on true
"""
_COUNTS = ("accepted", "refused", "excluded", "unknown", "unsent")
_SAME = (
    "id source title owner_section public_number silent send_at expires_at not_before authorised_by frozen_at "
    "first_accepted_at finished_at frozen unknown_batches refused_batches asking_since now"
).split()


def _status(row: dict[str, Any]) -> Status:
    counts = {name: row[f"b_{name}"] if row[name] is None else row[name] for name in _COUNTS}
    return Status(
        kind=Kind(row["kind"]),
        state=State(row["state"]),
        reason=Reason(row["reason"]) if row["reason"] else None,
        everyone=row["address"] == "everyone",
        counted=row["accepted"] is not None,
        **{name: row[name] for name in _SAME},
        **counts,
    )
