"""控えから戻した後: 終わっていない配信をすべて見合わせにする。ひとりでに送り直されるものは、一つもない(CHECKS D15)。"""

from datetime import datetime

from backend.audit import trail
from backend.delivery.decisions import NEVER_RELEASED
from backend.delivery.states import HAND_WRITTEN, Reason
from backend.store import work

AUTOMATIC = ("garbage", "parenting")
"""控えの後に予約された自動の配信は、行が残っていない。もう一度作られても出ないように、出どころごと止める。"""


async def quarantine(taken_at: datetime) -> int:
    """`taken_at`(控えを取った時刻)の配信を止め、見合わせにした数を返す。戻した先で、何も動かす前に呼ぶ。

    控えの後に送られたかもしれない送信単位は、結果の分からない試みとして扱う: 人が「送る」と決めても同じ鍵で確かめ、
    鍵の古いものは送らずに不明になる。
    """
    await work.sql(_UNSURE, taken_at)
    held = await work.sql(_HOLD, [reason.value for reason in NEVER_RELEASED])
    for row in held:
        await trail.record(None, "delivery.hold", f"delivery:{row['id']}", reason=Reason.RESTORED.value)
    await work.sql(_CLOSE_FEEDS, HAND_WRITTEN, list(AUTOMATIC))
    return len(held)


_UNSURE = """
update delivery_batch b set claimed_by = null, tries = greatest(b.tries, 1), first_tried_at = coalesce(b.first_tried_at, $1)
from delivery d where d.id = b.delivery_id and d.finished_at is null and b.state = 'ready'
"""
_HOLD = """
update delivery set state = 'held', reason = 'restored', released = ''
where finished_at is null and not (state = 'held' and reason = any($1::text[])) returning id
"""
_CLOSE_FEEDS = """
insert into delivery_brake (feed, reason)
select feed, 'restored' from (
  select split_part(source, ':', 1) as feed from delivery union select unnest($2::text[])) x
where feed <> $1 on conflict (feed) where closed_at is null do nothing
"""
