"""消去の仕事: ブロックを受けて消す、期限で消す、いなくなった人を消す(DESIGN 6, RULES 37, 44)。"""

import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.consent.ledger import Action, Channel
from backend.consent.notices import Purpose
from backend.line.events import Event
from backend.residents import ending, rows, stages
from backend.residents.address import AddressKeys
from backend.store import clock, work

CHUNK = 200
SWEEP_SECONDS = 8.0
_ULID = re.compile(r"[0-9A-Z]{26}")
Ending = Callable[[AddressKeys, str, dict[str, Any]], Awaitable[None]]


async def settle(keys: AddressKeys, events: Sequence[Event]) -> int:
    """Webhookの一通を一つの取引で片付け、消した人の数を返す。確定してから200を返せる。

    友だち追加とブロックだけを見る。同じ番号の出来事は一度だけ、順番は起きた時刻で決める: 最後の同意より後の
    ブロックだけが消す。友だちに戻っても、何も戻らない(P9, P13)。
    """
    mine = [e for e in events if e.active and e.user_id and e.kind in ("follow", "unfollow")]
    fresh = await _unseen([_name(event) for event in mine])
    left: dict[str, datetime] = {}
    for event in mine:
        if event.kind == "unfollow" and _name(event) in fresh and event.user_id:
            left[event.user_id] = max(event.at, left.get(event.user_id, event.at))
    erased = 0
    await rows.lock(keys, [*left])
    found = await rows.find(keys, [*left])
    for user_id, row in found.items():
        if row["consented_at"] < left[user_id]:
            await ending.end(keys, user_id, row, None, Action.WITHDRAWN, Channel.UNFOLLOW)
            erased += 1
    return erased


async def sweep(keys: AddressKeys) -> int:
    """期限の来た同意を終え、済んだ予定月を黙って消し、古い印を片付ける。触れた人の数を返す。

    作業の輪が10秒に一度ほど呼ぶ。一人ずつ別の取引で、残りがなくなるか `SWEEP_SECONDS` がたつまで続ける: 告知文の猶予が
    終わると何万人もの期限が同時に来て、済むまでの間、その人たちにはほかの目的のお知らせも出ない。
    """
    until, total = time.monotonic() + SWEEP_SECONDS, 0
    while True:
        touched = await _sweep_some(keys)
        total += touched
        if touched < CHUNK or time.monotonic() > until:
            break
    for statement in _TIDY:
        await work.sql(statement)
    return total


async def _sweep_some(keys: AddressKeys) -> int:
    lapsed = await work.sql(
        "select id from resident where live_until <= ward_now() order by live_until limit $1", CHUNK
    )
    overdue = await work.sql(
        "select id from resident where due_month <= (ward_now() at time zone 'Asia/Tokyo') - interval '3 months' limit $1",
        CHUNK,
    )
    grown = await work.sql(
        f"select distinct resident_id as id from resident_child where {stages.GROWN} limit $1",  # noqa: S608  日付だけの式
        CHUNK,
    )
    touched = [await work.run(locked, keys, row["id"], _lapse) for row in lapsed]
    touched += [await work.run(locked, keys, row["id"], _end_pregnancy) for row in overdue]
    touched += [await work.run(locked, keys, row["id"], _end_grown) for row in grown]
    return sum(touched)


async def absent(keys: AddressKeys, resident_id: UUID) -> bool:
    """LINEの友だちの一覧に二度いなかった人を消す。その間に同意し直していれば何もしない。"""

    async def gone(keys: AddressKeys, user_id: str, row: dict[str, Any]) -> None:
        if row["absences"] >= 2:
            await ending.end(keys, user_id, row, None, Action.WITHDRAWN, Channel.FOLLOWERS)

    return await work.run(locked, keys, resident_id, gone)


async def locked(keys: AddressKeys, resident_id: UUID, verb: Ending) -> bool:
    """本人の操作と同じ順番で待ち、行を読み直してから `verb` を行う。"""
    found = await work.sql("select cipher from resident where id = $1", resident_id)
    if not found:
        return False
    user_id = keys.open(bytes(found[0]["cipher"]))
    await rows.lock(keys, [user_id])
    row = (await rows.find(keys, [user_id])).get(user_id)
    if row is None:
        return False
    await verb(keys, user_id, row)
    return True


async def _lapse(keys: AddressKeys, user_id: str, row: dict[str, Any]) -> None:
    if row["live_until"] <= await clock.now():
        await ending.end(keys, user_id, row, Purpose(0), Action.LAPSED, Channel.SWEEP)


async def _end_pregnancy(keys: AddressKeys, user_id: str, row: dict[str, Any]) -> None:
    if row["due_month"]:
        await ending.stop_child(keys, user_id, row, 0, Action.LAPSED, Channel.SWEEP)


async def _end_grown(keys: AddressKeys, user_id: str, row: dict[str, Any]) -> None:
    """高校の年代を過ぎた子を、黙って終える。もう何も送らないのに、月だけを持ち続けない。"""
    for child in await work.sql(
        f"select position from resident_child where resident_id = $1 and {stages.GROWN}",  # noqa: S608  日付だけの式
        row["id"],
    ):
        await ending.stop_child(keys, user_id, row, child["position"], Action.LAPSED, Channel.SWEEP)


async def _unseen(event_ids: list[str]) -> set[str]:
    """初めて見る番号。同じ番号を同時に処理する取引は、ここで待つ。"""
    found = await work.sql(
        "insert into webhook_seen (event_id) select distinct unnest($1::text[]) order by 1 "
        "on conflict do nothing returning event_id",
        event_ids,
    )
    return {row["event_id"] for row in found}


def _name(event: Event) -> str:
    """出来事の番号。LINEの形(ULID)でないものは、どんな綴りでも保存できるようにハッシュにする。"""
    return event.event_id if _ULID.fullmatch(event.event_id) else hashlib.sha256(event.event_id.encode()).hexdigest()


_TIDY = (
    "delete from id_token_seen where expires_at < ward_now() - interval '1 minute'",
    "delete from liff_ended where expires_at < ward_now()",
    "delete from webhook_seen where seen_at < ward_now() - interval '7 days'",
    "delete from counter_code where expires_at < ward_now()",
    "delete from counter_case where expires_at < ward_now()",
    "delete from liff_rate where since < ward_now() - interval '2 minutes'",
)
