"""友だちの一覧との照らし合わせ: 届かなかったブロックの知らせを、週に一度なおす(RULES 37)。比べるのは鍵付きのハッシュだけ。"""

from typing import Any
from uuid import UUID

from backend.errors import Refused
from backend.residents import erasure
from backend.residents.address import AddressKeys
from backend.store import clock, work

EVERY_DAYS = 7
SUSPICIOUS = 0.3
"""登録した人のこれより多くが一度にいなくなったら、一覧の方を疑い、だれも消さない。"""
HANDFUL = 3
"""登録した人が少ないときは、これくらいの人がいなくなっても割合は大きくなる。"""


async def weekly(keys: AddressKeys, line: Any) -> int | None:
    """前の照らし合わせから `EVERY_DAYS` 日たっていれば行い、消した人の数を返す。まだならNone。作業の輪が一時間に一度呼ぶ。"""
    rows = await work.sql(
        "select exists (select 1 from follower_sweep where at > ward_now() - make_interval(days => $1)) as done",
        EVERY_DAYS,
    )
    return None if rows[0]["done"] else await compare(keys, line)


async def compare(keys: AddressKeys, line: Any) -> int:
    """一覧にいない人を数え、二度続けていなかった人を消す。消した数を返す。

    LINEに聞けなければ `LineError`、一覧が疑わしければ `Refused` で、どちらも何も変わらない。聞き始めた後に同意した人は見ない。
    """
    began = await clock.now()
    present, friends = await _present(keys, line)
    known = await work.sql("select id from resident where consented_at < $1", began)
    missing = [row["id"] for row in known if row["id"].bytes not in present]
    _refuse_if_suspicious(friends, len(known), len(missing))
    twice = await work.run(_count, missing, began)
    erased = sum([await erasure.absent(keys, resident_id) for resident_id in twice])
    await work.sql(
        "insert into follower_sweep (friends, residents, absent, erased) values ($1, $2, $3, $4)",
        friends,
        len(known),
        len(missing),
        erased,
    )
    return erased


def _refuse_if_suspicious(friends: int, known: int, missing: int) -> None:
    """空の一覧と、登録した人の多くがいない一覧では、だれも消さない: 消したものは戻らないが、待てば次の週がある。"""
    if missing and (friends == 0 or missing > max(HANDFUL, SUSPICIOUS * known)):
        raise Refused(
            f"友だちの一覧({friends}人)に、登録した{known}人のうち{missing}人がいません。だれも消していません。",
            next_step="LINEの一覧が正しいかを確かめてください。",
        )


async def _present(keys: AddressKeys, line: Any) -> tuple[set[bytes], int]:
    """いまの友だちの索引(すべての版の鍵で)と、友だちの数。利用者IDは一ページ分より長く持たない。"""
    present: set[bytes] = set()
    friends, start = 0, None
    while True:
        page, start = await line.follower_ids(start)
        friends += len(page)
        present.update(index.bytes for user_id in page for index in keys.indexes(user_id))
        if start is None:
            return present, friends


async def _count(missing: list[UUID], began: Any) -> list[UUID]:
    """いなかった回数を数え直し、二度目の人を返す。"""
    await work.sql(
        "update resident set absences = 0 where absences > 0 and consented_at < $2 and not id = any($1::uuid[])",
        missing,
        began,
    )
    rows = await work.sql(
        "update resident set absences = absences + 1 where id = any($1::uuid[]) and consented_at < $2 returning id, absences",
        missing,
        began,
    )
    return [row["id"] for row in rows if row["absences"] >= 2]
