"""1時間ごとの上限のある呼び出しの数え(LINE.md 1)。呼ぶ前に書くので、途中で死んでも少なく数えることはない。"""

from datetime import datetime, timedelta

from backend.errors import Refused
from backend.line import limits
from backend.store import work
from backend.store.clock import JST

HOUR = timedelta(hours=1)
LIMITS = {
    "create": limits.RICH_MENU_CREATIONS_PER_HOUR,
    "delete": limits.RICH_MENU_DELETIONS_PER_HOUR,
    "drop_alias": limits.RICH_MENU_DELETIONS_PER_HOUR,
    "unlink": limits.RICH_MENU_BATCHES_PER_HOUR,
}
KEPT_FOR_DISASTER = {"create": 10, "unlink": 1}
"""災害時の切り替えのために、いつも残しておく回数(DESIGN 9)。"""


class Spent(Refused):
    """この1時間の回数を使い切った。`until` から続けられる。"""

    def __init__(self, until: datetime) -> None:
        clock = f"{until.astimezone(JST):%H:%M}"
        super().__init__(
            f"LINEの1時間の上限に達したので、{clock}ごろまで待ちます。",
            next_step="待つあいだに失われるものはありません。時刻になると、自動で続きを行います。",
        )
        self.until = until


async def left(kind: str) -> int:
    """この1時間にあと何回呼べるか(災害時の分を含む)。"""
    rows = await work.sql(
        "select count(*) as n from menu_call where kind = $1 and at > ward_now() - $2::interval", kind, HOUR
    )
    return max(0, LIMITS[kind] - rows[0]["n"])


async def require(kind: str, count: int, *, disaster: bool = False) -> None:
    """`count` 回が残っていなければ `Spent`。"""
    kept = 0 if disaster else KEPT_FOR_DISASTER.get(kind, 0)
    if await left(kind) - kept < count:
        rows = await work.sql(
            "select min(at) as first from menu_call where kind = $1 and at > ward_now() - $2::interval", kind, HOUR
        )
        now = (await work.sql("select ward_now() as now"))[0]["now"]
        raise Spent((rows[0]["first"] or now) + HOUR)


async def spend(kind: str, *, disaster: bool = False) -> None:
    """一回分を、呼ぶ前に書く。足りなければ `Spent`。"""
    await work.run(_spend, kind, disaster)


async def _spend(kind: str, disaster: bool) -> None:
    # 二つの反映が同時に数えて、合わせて上限を超えることのないように。
    await work.sql("select pg_advisory_xact_lock(hashtext('menu_call'), hashtext($1))", kind)
    await require(kind, 1, disaster=disaster)
    await work.sql("insert into menu_call (kind) values ($1)", kind)
    await work.sql("delete from menu_call where at < ward_now() - interval '2 days'")
