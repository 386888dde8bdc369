"""漏えい対応: 一人で、いつでも「個人設定を閉じる」(RULES 42)。閉じている間は、読むことも保存も、条件での送信もない。

報告の時計は `breach` にあり、開き直しても動き続ける。
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from backend.approval import foureyes
from backend.audit import trail
from backend.errors import Refused, Unavailable
from backend.permissions import Actor, Permission
from backend.residents import breach
from backend.store import clock, work


@dataclass(frozen=True)
class Switch:
    """いまの状態。`since` から `closed`。一度も動かしていなければ `id` は0。"""

    id: int
    closed: bool
    since: datetime | None
    by_staff: int
    reason: str


async def current() -> Switch:
    rows = await work.sql("select * from personal_switch order by id desc limit 1")
    if not rows:
        return Switch(0, False, None, 0, "")
    row = rows[0]
    return Switch(row["id"], row["closed"], row["at"], row["by_staff"], row["reason"])


async def closed() -> bool:
    """個人設定が閉じているか。条件のSQLは `personal_open()` で、送る側はこれで尋ねる。"""
    rows = await work.sql("select personal_open() as open")
    return not rows[0]["open"]


async def require_open() -> None:
    """閉じていれば `Unavailable`(503)。"""
    if await closed():
        raise Unavailable(
            "ただいま受信設定を休んでいます。預かったものはそのままです。",
            next_step="全員あての緊急のお知らせは届きます。しばらくしてから、もう一度お試しください。",
        )


async def close(actor: Actor, reason: str, found_at: datetime | None = None) -> None:
    """一人で閉じる。もう閉じていれば何もしない。

    動いている漏えいの記録がなければ、一緒に始める。`found_at` は見つけた時刻(Noneなら、いま)。
    """
    actor.require(Permission.CLOSE_PERSONAL)
    if not reason.strip():
        raise Refused("閉じる理由を一行で書いてください。")
    if (await current()).closed:
        return
    await _write(actor, closed=True, reason=reason.strip()[:500])
    if not await breach.running():
        await breach.begin(actor, found_at or await clock.now(), reason[:500])


async def reopen(actor: Actor, reason: str) -> None:
    """閉じた人とは別の人が開く(一人で止め、二人で始める)。"""
    actor.require(Permission.CLOSE_PERSONAL)
    now = await current()
    if not now.closed:
        raise Refused("個人設定は閉じていません。")
    if not reason.strip():
        raise Refused("開く理由を一行で書いてください。")
    digest = hashlib.sha256(f"personal-switch:{now.id}:{reason.strip()}".encode()).digest()
    await foureyes.approve(actor, f"personal-switch:{now.id}", digest, now.by_staff)
    await _write(actor, closed=False, reason=reason.strip()[:500])


async def people() -> int:
    """いま預かっている人の数。"""
    return (await work.sql("select count(*) as people from resident"))[0]["people"]


async def _write(actor: Actor, *, closed: bool, reason: str) -> None:
    await work.sql(
        "insert into personal_switch (closed, by_staff, reason) values ($1, $2, $3)", closed, actor.staff_id, reason
    )
    await trail.record(actor, "rights.close" if closed else "rights.reopen", "personal-switch", reason=reason)
