"""取りやめ: 本人・ブロック・窓口・期限切れのどれから来ても、同意を終える道はここ一つ(P8, P9)。"""

from typing import Any

from backend.consent import ledger, receipt
from backend.consent.ledger import Action, Channel
from backend.consent.notices import Purpose
from backend.consent.receipt import Receipt
from backend.residents import journal, remaining, renewal, rows
from backend.residents.address import AddressKeys
from backend.residents.remaining import NotErased, Remaining
from backend.store import clock, work


async def end(
    keys: AddressKeys, user_id: str, row: dict[str, Any], purposes: Purpose | None, action: Action, channel: Channel
) -> Receipt:
    """鍵(`rows.lock`)のかかった一行の目的(Noneならすべて)を終え、証明を返す。

    残る目的があれば、やめた目的の属性だけが消える。なくなれば行ごと消え、台帳の札の鍵も消え、消去の記録に印が残る。
    """
    who = ledger.subject(bytes(row["subject_key"]))
    grants = (await ledger.live([who]))[who]
    now = await clock.now()
    held = Purpose(row["purposes"])
    ending = held if purposes is None else purposes & held
    # 終わりを過ぎたもの、台帳に同意のないものは、頼まれていなくても一緒に終える(P1)。
    live = Purpose(sum(int(p) for p in held if p in grants and grants[p].until > now))
    lapsing = [grants[p] for p in held & ~live & ~ending if p in grants]
    events = await ledger.append(
        ledger.ended(who, [grants[p] for p in ending if p in grants], action, channel)
        + ledger.ended(who, lapsing, Action.LAPSED, channel)
    )
    at = max((event.at for event in events), default=now)
    left, mark = live & ~ending, ""
    if not left:
        await work.sql("delete from resident where id = $1", row["id"])
    elif left != held or row["live_until"] <= now:
        # 同意していない目的をやめたときは触れない: 番号が替わると、送信の途中の人が理由なく抜ける。
        kept = [grants[p] for p in left]
        await rows.narrow(row, left, min(g.until for g in kept), min((await renewal.caught_up(kept)).values()))
    still = await _measured(keys, user_id, row, left)
    if not left:
        mark = await journal.append(keys, user_id, at)
    elif gone := held & ~left:
        await journal.append_parts(keys, user_id, at, [journal.purpose(p) for p in gone])
    ids = [str(event.event_id) for event in events if event.action is action]
    return receipt.erasure([*ending], ids, at, kept=[*left], rows=still.rows, answers=still.answers, mark=mark)


async def _measured(keys: AddressKeys, user_id: str, row: dict[str, Any], left: Purpose) -> Remaining:
    """消した後に数える。やめた目的のものが一つでも残れば `NotErased` で、証明は出さず、取引ごと取り消す。"""
    ids = list({row["id"], *keys.indexes(user_id)})
    still = await remaining.count(ids, Purpose(row["purposes"]) & ~left)
    if still.answers or (still.rows and not left):
        raise NotErased(f"消したはずの行 {still.rows}、答え {still.answers} が残っています。")
    return still


async def stop_child(
    keys: AddressKeys, user_id: str, row: dict[str, Any], position: int, action: Action, channel: Channel
) -> None:
    """一つの妊娠(位置0)か一人の子だけを静かに止める(RULES 44)。子育ての項目が空になれば、目的ごと終える。"""
    if position:
        stopped = await work.sql(
            "delete from resident_child where resident_id = $1 and position = $2 returning birth_month",
            row["id"],
            position,
        )
        parts = [journal.birth(child["birth_month"]) for child in stopped]
    else:
        await work.sql("update resident set due_month = null where id = $1", row["id"])
        parts = [journal.due(row["due_month"])] if row["due_month"] else []
    await journal.append_parts(keys, user_id, await clock.now(), parts)
    # もう固まった送信単位からも外す。
    left = await work.sql(
        "update resident r set number = $2, updated_at = ward_now() where id = $1 "
        "returning r.*, exists (select 1 from resident_child k where k.resident_id = r.id) as has_children",
        row["id"],
        rows.new_number(),
    )
    if left[0]["due_month"] is None and not left[0]["has_children"]:
        await end(keys, user_id, left[0], Purpose.PARENTING, action, channel)
