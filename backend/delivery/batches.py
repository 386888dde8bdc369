"""送信単位の読み書き: 取り分ける、宛先を引く、返す、決着を書く。

どの書き込みも送り手の番号(epoch)を確かめる: 止まっていた古い送り手が目を覚ましても、何も書けない(CHECKS D8)。
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.delivery.audience import Clause
from backend.store import work

_MINE = "exists (select 1 from delivery_sender where epoch = $1)"


@dataclass
class Batch:
    """手に取った送信単位。`tries` はこれまでの試みの数で、1以上なら前の結果が分からない。"""

    delivery_id: int
    position: int
    language: str
    size: int | None
    numbers: list[int]
    retry_key: UUID
    first_tried_at: datetime
    tries: int
    refused: int
    excluded: int
    dropped: int = 0
    attempts: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    @property
    def key(self) -> tuple[int, int]:
        return self.delivery_id, self.position


@dataclass(frozen=True)
class Settled:
    """一つの決着。"""

    delivery_id: int
    position: int
    state: str
    accepted: int
    refused: int
    excluded: int
    numbers: list[int] | None
    request_id: str
    answer: str


@dataclass(frozen=True)
class People:
    """いま送ってよい人。"""

    now: datetime
    numbers: list[int]
    ciphers: list[bytes]


async def claim(epoch: int, delivery_id: int, limit: int) -> list[Batch]:
    """送れる送信単位を位置の順に `limit` まで取り分ける。鍵と初めて試した時刻は、試す前に確定する。"""
    rows = await work.sql(_CLAIM, epoch, delivery_id, limit)
    return [
        Batch(
            delivery_id,
            row["position"],
            row["language"],
            row["size"],
            row["numbers"] or [],
            row["retry_key"],
            row["first_tried_at"],
            row["tries"] - 1,
            row["refused"],
            row["excluded"],
        )
        for row in sorted(rows, key=lambda row: row["position"])
    ]


async def waiting(epoch: int, urgent_only: bool) -> int | None:
    """次に送る配信。緊急が先、あとは確定した順。送信単位が残っていなければNone。"""
    rows = await work.sql(_WAITING, epoch, 0 if urgent_only else 1)
    return rows[0]["id"] if rows else None


async def people(batch: Batch, wanted: Clause) -> People:
    """呼び出しの直前の宛先: いまも条件と同意に合う人だけを、決まった順で。"""
    language = "" if batch.language == "ja" else " and r.language = $2"
    rows = await work.sql(
        _PEOPLE.format(where=f"({wanted.text}){language}"), batch.numbers, batch.language, *wanted.values
    )
    row = rows[0]
    return People(row["now"], row["numbers"] or [], row["ciphers"] or [])


async def narrow(epoch: int, batch: Batch, kept: list[int], *, excluded: int, refused: int, key: UUID) -> bool:
    """試す前に、宛先を減らして書き留める。受け付けられた人の集まりが、いつも正確であるように。"""
    rows = await work.sql(
        f"update delivery_batch set numbers = $4, excluded = excluded + $5, refused = refused + $6, retry_key = $7, "  # noqa: S608
        f"first_tried_at = case when retry_key = $7 then first_tried_at else ward_now() end "
        f"where delivery_id = $2 and position = $3 and state = 'ready' and claimed_by = $1 and {_MINE} "
        f"returning first_tried_at",
        epoch,
        batch.delivery_id,
        batch.position,
        kept,
        excluded,
        refused,
        key,
    )
    if not rows:
        return False
    batch.numbers, batch.retry_key, batch.first_tried_at = kept, key, rows[0]["first_tried_at"]
    batch.excluded += excluded
    batch.refused += refused
    return True


async def give_back(epoch: int, batch: Batch, *, untouched: bool) -> None:
    """決着を付けずに返す。`untouched` は確実に受け付けられていないことで、試していないことに戻す。"""
    await work.sql(
        f"update delivery_batch set claimed_by = null, tries = case when $4 then 0 else tries end, "  # noqa: S608
        f"first_tried_at = case when $4 then null else first_tried_at end "
        f"where delivery_id = $2 and position = $3 and state = 'ready' and claimed_by = $1 and {_MINE}",
        epoch,
        batch.delivery_id,
        batch.position,
        untouched,
    )


async def settle(epoch: int, done: list[Settled]) -> list[dict[str, Any]]:
    """決着をまとめて書き、書けた行を返す。受け付けられた初めの時刻も同じ取引で書く。"""
    columns = [
        [getattr(one, name) for one in done]
        for name in ("delivery_id", "position", "state", "accepted", "refused", "excluded", "request_id", "answer")
    ]
    for one in done:
        if one.numbers is not None:  # 決着の付いた送信単位の宛先は、もう変えられない
            await work.sql(
                "update delivery_batch set numbers = $3 "
                "where delivery_id = $1 and position = $2 and claimed_by = $4 and state = 'ready'",
                one.delivery_id,
                one.position,
                one.numbers,
                epoch,
            )
    rows = await work.sql(_SETTLE, epoch, *columns)
    accepted = list({one.delivery_id for one in done if one.state == "accepted"})
    await work.sql(
        "update delivery set first_accepted_at = ward_now() where id = any($1::bigint[]) and first_accepted_at is null",
        accepted,
    )
    return rows


# 選ぶのを先に一度だけ行う: 副問い合わせの中の limit は、行ごとにやり直されて効かないことがある。
_CLAIM = f"""
with taken as materialized (
  select x.position from delivery_batch x
  where x.delivery_id = $2 and x.state = 'ready' and x.claimed_by is distinct from $1
    and exists (select 1 from delivery d where d.id = $2 and d.state = 'sending') and {_MINE}
  order by x.position limit $3 for update skip locked
)
update delivery_batch b set claimed_by = $1, tries = b.tries + 1, first_tried_at = coalesce(b.first_tried_at, ward_now())
from taken t where b.delivery_id = $2 and b.position = t.position
returning b.position, b.language, b.size, b.numbers, b.retry_key, b.first_tried_at, b.tries, b.refused, b.excluded
"""  # noqa: S608  差し込むのは定数
_WAITING = """
select d.id from delivery d
where d.finished_at is null and d.state = 'sending' and d.priority <= $2
  and exists (select 1 from delivery_batch b
              where b.delivery_id = d.id and b.state = 'ready' and b.claimed_by is distinct from $1)
order by d.priority, d.frozen_at, d.id limit 1
"""
# offset 0 は、番号から一人ずつ引く道を変えさせないため。統計がまだないと、町の全員を番号の数だけ読む道が選ばれる(340ms対1.4ms)。
_PEOPLE = """
select ward_now() as now, array_agg(r.number order by u.place) as numbers, array_agg(r.cipher order by u.place) as ciphers
from unnest($1::bigint[]) with ordinality as u (number, place)
cross join lateral (select * from resident x where x.number = u.number offset 0) r
where $2::text is not null and {where}
"""
_SETTLE = f"""
update delivery_batch b set state = x.state, accepted = x.accepted, refused = x.refused, excluded = x.excluded,
  line_request_id = x.request_id, answer = x.answer, settled_at = ward_now()
from unnest($2::bigint[], $3::int[], $4::text[], $5::int[], $6::int[], $7::int[], $8::text[], $9::text[])
  as x (delivery_id, position, state, accepted, refused, excluded, request_id, answer)
where b.delivery_id = x.delivery_id and b.position = x.position and b.state = 'ready' and b.claimed_by = $1 and {_MINE}
returning b.delivery_id, b.position
"""  # noqa: S608  差し込むのは定数
