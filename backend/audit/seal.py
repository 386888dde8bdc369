"""封: 追記だけの台帳の行を、前の封につないで固める。ワーカーが毎秒 `tick` を呼ぶ(DESIGN 4「Chains」)。

行は自由に書かれ、封だけが一列になる。すべての保存を一本の鎖に並べると、保存が順番待ちになるからである。
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from backend.audit import anchors, chain
from backend.audit.chain import LEDGER_LABELS, LEDGERS, Seal
from backend.store import clock, work

BATCH = 2000
"""一つの封に入る行の数の上限。"""
LATE = timedelta(minutes=2)
"""これより長く封じられていない行があれば、ワーカーか取引が止まっている。"""
PATIENCE = 0.8
"""書いている途中の取引が終わるのを待つ秒数。終わらなければ、次の呼び出しでまた試す。"""

_anchored: dict[tuple[Path, str], int] = {}  # このプロセスが控え終えた番号。毎秒ファイルを読み直さない


@dataclass(frozen=True)
class Tail:
    """台帳の終わり: 最後の封の番号、封じた最後の行の番号と時刻、まだ封じていない行の数と、その最も古い時刻。"""

    ledger: str
    sealed_number: int
    sealed_id: int
    sealed_at: datetime | None
    unsealed: int
    oldest: datetime | None

    @property
    def label(self) -> str:
        return LEDGER_LABELS[self.ledger]


async def tick(data_dir: Path) -> int:
    """すべての台帳に封をし、頭を `data_dir/anchors.log` に控える。封じた行の数を返す。ワーカーが毎秒呼ぶ。"""
    done = 0
    for ledger in LEDGERS:
        while rows := await seal(ledger):
            done += rows
            if rows < BATCH:
                break
        await _anchor(ledger, anchors.path(data_dir))
    return done


async def seal(ledger: str) -> int:
    """最後の封より後の、もう増えも減りもしない行を封じる。封じた行の数(0もある)。取引の中から呼ばない。"""
    horizon = await _horizon(ledger)
    return await work.run(_seal, ledger, horizon) if horizon else 0


async def tails() -> list[Tail]:
    """どの台帳の、どこまでが封じられているか。"""
    return [await _tail(ledger) for ledger in LEDGERS]


async def _horizon(ledger: str) -> int:
    """この番号までの行は、もう出そろっている。途中の取引が終わらなければ0。

    番号は書く前に配られるので、あとから確定する取引が、小さい番号の行を持っていることがある。番号を取る文は
    その前に表の錠(RowExclusiveLock)を取り、取引の終わりまで放さない。そこで、配られた最後の番号を読んだあとに
    錠を持っている取引が、すべて終わるのを待つ。
    """
    last = (
        await work.sql("select coalesce(pg_sequence_last_value(pg_get_serial_sequence($1, 'id')), 0) as id", ledger)
    )[0]
    writing = await _writers(ledger)
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while writing:
        if asyncio.get_running_loop().time() > deadline:
            return 0
        await asyncio.sleep(0.02)
        writing &= await _writers(ledger)
    return last["id"]


async def _writers(ledger: str) -> set[str]:
    rows = await work.sql(
        "select virtualtransaction as who from pg_locks where locktype = 'relation' and mode = 'RowExclusiveLock' "
        "and relation = $1::regclass and database = (select oid from pg_database where datname = current_database())",
        ledger,
    )
    return {row["who"] for row in rows}


async def _seal(ledger: str, horizon: int) -> int:
    await work.sql("select pg_advisory_xact_lock(hashtextextended('seal:' || $1, 0))", ledger)
    last = await _last(ledger)
    number, after, previous = (last.number, last.last_id, last.head) if last else (0, 0, chain.start(ledger))
    rows = await _rows(ledger, after, horizon)
    if not rows:
        return 0
    up_to = rows[-1]["id"] if len(rows) == BATCH else horizon
    made = chain.make(ledger, number + 1, after, up_to, previous, await clock.now(), rows)
    await work.sql(
        "insert into seal (ledger, number, after_id, last_id, ids, leaves, previous, head, at) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        ledger,
        made.number,
        made.after_id,
        made.last_id,
        list(made.ids),
        made.leaves,
        made.previous,
        made.head,
        made.at,
    )
    return len(rows)


async def _rows(ledger: str, after: int, up_to: int) -> list[dict[str, Any]]:
    columns = ", ".join(("id", *LEDGERS[ledger]))
    return await work.sql(
        f"select {columns} from {ledger} where id > $1 and id <= $2 order by id limit $3",  # noqa: S608  名はLEDGERSから
        after,
        up_to,
        BATCH,
    )


async def seals(ledger: str, after_number: int, limit: int = 500) -> list[tuple[Seal, bytes]]:
    """封と、そこに書かれている頭。番号の順。"""
    rows = await work.sql(
        "select * from seal where ledger = $1 and number > $2 order by number limit $3", ledger, after_number, limit
    )
    return [(_of(row), row["head"]) for row in rows]


async def _last(ledger: str) -> Seal | None:
    rows = await work.sql("select * from seal where ledger = $1 order by number desc limit 1", ledger)
    return _of(rows[0]) if rows else None


async def _anchor(ledger: str, file: Path) -> None:
    """控えのない封を控える。確定の直後に落ちても、次に起きたときに追い付く。"""
    known = _anchored.get((file, ledger))
    if known is None:
        known = max((await asyncio.to_thread(anchors.read, file)).get(ledger, {}), default=0)
    while missing := [found for found, _ in await seals(ledger, known)]:
        await asyncio.to_thread(anchors.write, file, missing)
        known = missing[-1].number
    _anchored[file, ledger] = known


async def _tail(ledger: str) -> Tail:
    last = await _last(ledger)
    sealed = last.last_id if last else 0
    rest = (await work.sql(f"select count(*) as rows, min(at) as oldest from {ledger} where id > $1", sealed))[0]  # noqa: S608
    return Tail(ledger, last.number if last else 0, sealed, last.at if last else None, rest["rows"], rest["oldest"])


def _of(row: dict[str, Any]) -> Seal:
    return Seal(
        row["ledger"],
        row["number"],
        row["after_id"],
        row["last_id"],
        tuple(row["ids"]),
        row["leaves"],
        row["previous"],
        row["at"],
    )
