"""人の決定: 止める、見合わせを送る・日を変える・やめる、不明を決める、断られた分を送り直す。どれも操作記録に残る。"""

from datetime import datetime
from typing import Any

from backend.audit import trail
from backend.delivery import accounts, brakes, outbox
from backend.delivery.states import Reason, State
from backend.errors import Forbidden, NotFound, Refused
from backend.permissions import Actor, Permission, Role
from backend.store import listen, work

NEVER_RELEASED = (Reason.MINIMUM, Reason.UNREADABLE, Reason.UNAPPROVED)
"""「送る」では解けない見合わせ。新しい依頼からやり直す。"""


async def stop(actor: Actor, delivery_id: int, reason: str = "") -> None:
    """一つの配信を一人で止める。送り手は1秒のうちに呼び出しをやめる。LINEが受け付けた分は取り消せない。"""
    actor.require(Permission.STOP_DELIVERY)
    row = await _locked(delivery_id)
    if actor.role is Role.SECTION_CHIEF and row["owner_section"] != actor.section_code:
        raise Forbidden("ほかの課の配信は止められません。", next_step="広報課か宿日直に、止めるよう伝えてください。")
    if row["finished_at"]:
        raise Refused(f"この配信はもう「{State(row['state']).label}」です。")
    await _end(row)
    await trail.record(actor, "delivery.stop", f"delivery:{delivery_id}", was=row["state"], reason=reason)


async def release(actor: Actor, delivery_id: int) -> None:
    """見合わせた配信を送る。承認された時間の中でだけ送れる。止めたもとが残っていれば、また見合わせになる。"""
    row = await _held(actor, delivery_id)
    held = Reason(row["reason"])
    if held in NEVER_RELEASED:
        raise Refused(f"{held.label}このままでは送れません。", next_step=held.next_step)
    released = held.value if held in brakes.OVERRIDABLE else ""
    # 復元で見合わせた予約には、承認された時刻がまだ来ていないものがある。早めて送るには新しい承認が要る。
    await _restart(row, max(row["now"], row["send_at"]), released)
    await trail.record(actor, "delivery.release", f"delivery:{delivery_id}", reason=held.value)


async def postpone(actor: Actor, delivery_id: int, at: datetime) -> None:
    """見合わせた配信の時刻を変える。承認された期限の中だけ: それより後は、新しい承認が要る(POL 5(4)イ)。"""
    row = await _held(actor, delivery_id)
    held = Reason(row["reason"])
    if held in NEVER_RELEASED:
        raise Refused(f"{held.label}このままでは送れません。", next_step=held.next_step)
    if not max(row["now"], row["send_at"]) <= at < row["expires_at"]:
        raise Refused(
            "その時刻は、承認された期限の外です。",
            next_step="期限より前の時刻を選ぶか、所管課に新しい依頼を出してもらってください。",
        )
    await _restart(row, at, held.value if held in brakes.OVERRIDABLE else "")
    await trail.record(actor, "delivery.postpone", f"delivery:{delivery_id}", at=at.isoformat())


async def give_up(actor: Actor, delivery_id: int) -> None:
    """見合わせた配信をやめる。"""
    row = await _held(actor, delivery_id)
    await _end(row)
    await trail.record(actor, "delivery.give_up", f"delivery:{delivery_id}", reason=row["reason"])


async def settle_unknown(actor: Actor, delivery_id: int, *, sent: bool) -> None:
    """不明の分を、送られた・送られていないのどちらかと人がみなす。どちらでも、もう送らない(CHECKS D4)。"""
    actor.require(Permission.REVIEW)
    row = await _locked(delivery_id)
    rows = await work.sql(_SENT if sent else _UNSENT, delivery_id, actor.name)
    if not rows and row["state"] != State.UNKNOWN:
        raise Refused("不明の分はありません。", next_step="画面を開き直して、いまのようすを確かめてください。")
    await accounts.recount(delivery_id, resettle=row["state"] == State.UNKNOWN)
    people = sum(one["people"] or 0 for one in rows)
    await trail.record(
        actor, "delivery.settle_unknown", f"delivery:{delivery_id}", sent=sent, batches=len(rows), people=people
    )


async def resend_refused(actor: Actor, delivery_id: int) -> None:
    """LINEに断られた送信単位だけを、新しい鍵でもう一度送る。受け付けられた分には触れない(CHECKS D6)。"""
    actor.require(Permission.REVIEW)
    row = await _locked(delivery_id)
    if row["state"] != State.PARTLY_FAILED or row["expires_at"] <= row["now"]:
        raise Refused("この配信は、もう送り直せません。", next_step="所管課に新しい依頼を出してもらってください。")
    rows = await work.sql(_AFRESH, delivery_id)
    if not rows:
        raise Refused("送り直せる分はありません。")
    await work.sql(
        "update delivery set state = 'frozen', reason = '', finished_at = null, accepted = null, refused = null, "
        "excluded = null, unknown = null, unsent = null where id = $1",
        delivery_id,
    )
    await trail.record(actor, "delivery.resend", f"delivery:{delivery_id}", batches=len(rows))
    await _tell(delivery_id)


async def close_brake(actor: Actor, feed: str) -> None:
    """出どころを確かめて、自動の配信のブレーキを閉じる。見合わせた配信は、一つずつ決める。"""
    actor.require(Permission.REVIEW)
    rows = await work.sql(
        "update delivery_brake set closed_at = ward_now(), closed_by = $2 where feed = $1 and closed_at is null "
        "returning reason",
        feed,
        actor.name,
    )
    if not rows:
        raise Refused("このブレーキはもう閉じています。")
    await trail.record(actor, "delivery.close_brake", f"feed:{feed}", reason=rows[0]["reason"])


async def _held(actor: Actor, delivery_id: int) -> dict[str, Any]:
    actor.require(Permission.REVIEW)
    row = await _locked(delivery_id)
    if row["state"] != State.HELD:
        raise Refused(
            f"この配信は「{State(row['state']).label}」です。",
            next_step="画面を開き直して、いまのようすを確かめてください。",
        )
    if row["expires_at"] <= row["now"]:
        raise Refused("承認された期限を過ぎました。", next_step="所管課に新しい依頼を出してもらってください。")
    return row


async def _locked(delivery_id: int) -> dict[str, Any]:
    rows = await work.sql("select *, ward_now() as now from delivery where id = $1 for update", delivery_id)
    if not rows:
        raise NotFound("その配信はありません。", next_step="配信の一覧からお探しください。")
    return rows[0]


async def _restart(row: dict[str, Any], at: datetime, released: str) -> None:
    await work.sql(
        "update delivery set state = $2, reason = '', released = $3, not_before = $4 where id = $1",
        row["id"],
        (State.FROZEN if row["frozen_at"] else State.SCHEDULED).value,
        released,
        at,
    )
    await _tell(row["id"])


async def _end(row: dict[str, Any]) -> None:
    await work.sql(
        "update delivery set state = 'stopped', reason = $2, finished_at = ward_now() where id = $1",
        row["id"],
        Reason.BY_HAND.value,
    )
    await _tell(row["id"])


async def _tell(delivery_id: int) -> None:
    await listen.notify(outbox.CHANNEL, str(delivery_id))
    await listen.notify(outbox.MOVED, str(delivery_id))


_SENT = """
update delivery_batch set state = 'accepted', accepted = coalesce(size - refused - excluded, 0), decided_by = $2
where delivery_id = $1 and state = 'unknown' returning accepted as people
"""
_UNSENT = """
update delivery_batch set state = 'refused', refused = coalesce(size - excluded, 0), decided_by = $2
where delivery_id = $1 and state = 'unknown' returning refused as people
"""
# 一人ずつ外された人(番号の形が違う)は送り直さない。numbers に残っている人だけ。
_AFRESH = """
update delivery_batch set state = 'ready', retry_key = gen_random_uuid(), first_tried_at = null, claimed_by = null,
  tries = 0, settled_at = null, refused = case when size is null then 0 else size - excluded - cardinality(numbers) end,
  answer = '', line_request_id = ''
where delivery_id = $1 and state = 'refused' and decided_by = '' and (size is null or numbers is not null) returning 1
"""
