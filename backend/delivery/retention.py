"""参照の期限: 終わって30日たった配信の送信単位から、人への参照を消す。数は残る(DESIGN 4)。"""

from backend.store import work

KEPT_DAYS = 30


async def forget_references() -> int:
    """参照を消した送信単位の数。不明のまま人を待っている送信単位は残す。何度行ってもよい。"""
    rows = await work.sql(
        "update delivery_batch b set numbers = null from delivery d "
        "where d.id = b.delivery_id and d.finished_at < ward_now() - make_interval(days => $1) "
        "and b.numbers is not null and b.state <> 'unknown' returning 1",
        KEPT_DAYS,
    )
    return len(rows)
