"""なりすましの注意: 住民のすべてのページの頭に出す言葉(POL 5(6))。"""

from backend.audit import trail
from backend.errors import Refused
from backend.permissions import Actor, Permission
from backend.store import work

READY = "文京区をよそおう偽のアカウントが見つかりました。本物は「@bunkyocity」だけです。見分け方は確認ページをごらんください。"
"""用意してある言葉。そのまま出せる。"""
LONGEST = 200


async def current() -> str:
    """いま出している言葉。出していなければ空。"""
    rows = await work.sql("select shown, words from impersonation_warning order by id desc limit 1")
    return rows[0]["words"] if rows and rows[0]["shown"] else ""


async def show(actor: Actor, words: str = READY) -> None:
    """広報課が一人で出す。"""
    actor.require(Permission.REVIEW)
    words = words.strip()
    if not 1 <= len(words) <= LONGEST:
        raise Refused(f"注意の言葉は1字から{LONGEST}字までです。", next_step="短くしてください。")
    await _write(actor, True, words)
    await trail.record(actor, "account.warn", "account", words=words)


async def hide(actor: Actor) -> None:
    actor.require(Permission.REVIEW)
    await _write(actor, False, "")
    await trail.record(actor, "account.unwarn", "account")


async def _write(actor: Actor, shown: bool, words: str) -> None:
    await work.sql(
        "insert into impersonation_warning (shown, words, staff_id, staff_name) values ($1, $2, $3, $4)",
        shown,
        words,
        actor.staff_id,
        actor.name,
    )
