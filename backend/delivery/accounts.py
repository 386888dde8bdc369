"""勘定: 終わった配信の数を、送信単位から一人残らず数えて書き留める(CHECKS I2)。"""

from backend.audit import trail
from backend.delivery import outbox
from backend.store import listen, work


async def complete(delivery_id: int) -> str | None:
    """残りの送信単位がなければ配信を終え、終わりの状態を返す。残っていればNone。

    行が失われて数の合わない配信は、その人数を不明として終える(CHECKS D16)。
    """
    rows = await work.sql(_COMPLETE, delivery_id)
    if not rows:
        return None
    await _write(delivery_id)
    return rows[0]["state"]


async def close(delivery_id: int) -> None:
    """止められた・期限の切れた配信を締める。試したのに結果の分からない送信単位は、不明として人に渡す。"""
    await work.sql(
        "update delivery_batch set state = 'unknown', settled_at = ward_now(), answer = '確かめる前に終わりました' "
        "where delivery_id = $1 and state = 'ready' and first_tried_at is not null",
        delivery_id,
    )
    await _write(delivery_id)


async def recount(delivery_id: int, *, resettle: bool) -> None:
    """人が不明を決めた後に数え直す。`resettle` なら終わりの状態も決め直す。"""
    if resettle:
        await work.sql(_RESETTLE, delivery_id)
    await _write(delivery_id)


async def unclosed() -> list[int]:
    """終わったのに、まだ数を書いていない配信。"""
    rows = await work.sql("select id from delivery where finished_at is not null and accepted is null order by id")
    return [row["id"] for row in rows]


async def _write(delivery_id: int) -> None:
    rows = await work.sql(_WRITE, delivery_id)
    if rows:
        counts = {name: rows[0][name] for name in ("frozen", "accepted", "refused", "excluded", "unknown", "unsent")}
        await trail.record(None, "delivery.account", f"delivery:{delivery_id}", state=rows[0]["state"], **counts)
        await listen.notify(outbox.MOVED, str(delivery_id))


# 送信単位の行が失われ、確定した人数に足りない。
_LOST = """case when d.frozen is null then not exists (select 1 from delivery_batch b where b.delivery_id = d.id)
  else d.frozen > (select coalesce(sum(b.size), 0) from delivery_batch b where b.delivery_id = d.id) end"""
_ENDING = """case
    when exists (select 1 from delivery_batch b where b.delivery_id = d.id and b.state = 'unknown') or {lost} then '{unsure}'
    when exists (select 1 from delivery_batch b where b.delivery_id = d.id and (b.state = 'refused' or b.refused > 0))
      then 'partly_failed'
    else 'sent' end
"""
_RESETTLE = f"""
update delivery d set state = {_ENDING.format(lost=_LOST, unsure="partly_failed")} where d.id = $1 and d.state = 'unknown'
"""  # noqa: S608  定数
_COMPLETE = f"""
update delivery d set finished_at = ward_now(), reason = '', state = {_ENDING.format(lost=_LOST, unsure="unknown")}
where d.id = $1 and d.state in ('sending', 'held') and d.frozen_at is not null
  and not exists (select 1 from delivery_batch b where b.delivery_id = d.id and b.state = 'ready')
returning d.state
"""  # noqa: S608  定数
_WRITE = """
update delivery d set accepted = c.accepted, refused = c.refused, excluded = c.excluded,
  unknown = coalesce(d.frozen - c.accepted - c.refused - c.excluded - c.unsent, 0), unsent = c.unsent
from (
  select coalesce(sum(accepted), 0) as accepted, coalesce(sum(refused), 0) as refused,
         coalesce(sum(excluded), 0) as excluded,
         coalesce(sum(size - accepted - refused - excluded) filter (where state = 'ready'), 0) as unsent
  from delivery_batch where delivery_id = $1
) c
where d.id = $1 returning d.*
"""
