"""消去の記録 `erasures.log`: 鍵付きのハッシュと時刻だけを、データベースの外に、控えより長くない間だけ残す(RULES 40)。"""

import asyncio
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from backend.residents.address import AddressKeys
from backend.store import clock

DAYS = 35
"""最も古い控えの日数。これを過ぎた印は捨てる。"""
_BEGINNING = datetime.min.replace(tzinfo=UTC)


async def append(keys: AddressKeys, user_id: str, at: datetime) -> str:
    """印を書き、ディスクまで届いてから返す。印(16進64桁)を返す。

    確定の前に呼ぶ: 消えたのに印がないことはない。印があって消えなかったときは、控えを戻すと、その時刻より前の同意だけが
    消える(やめようとした本人である)。
    """
    mark = keys.erasure_mark(user_id)
    await asyncio.to_thread(_append, keys, f"{at.astimezone(UTC).isoformat()} {mark}\n")
    return mark


async def prune(keys: AddressKeys) -> int:
    """`DAYS` 日より古い印を捨て、残った数を返す。作業の輪が一日に一度呼ぶ。"""
    limit = await clock.now() - timedelta(days=DAYS)
    return await asyncio.to_thread(_prune, keys, limit)


def latest(keys: AddressKeys) -> dict[str, datetime]:
    """印 → 最後に消した時刻。"""
    found: dict[str, datetime] = {}
    for line in _lines(keys):
        stamp, _, mark = line.partition(" ")
        if len(mark) == 64:  # 書きかけで切れた行は読まない
            found[mark] = max(found.get(mark, _BEGINNING), datetime.fromisoformat(stamp))
    return found


def last(keys: AddressKeys) -> tuple[datetime, str] | None:
    """最後の印の時刻と、その行。空ならNone。"""
    whole = [line for line in _lines(keys) if len(line.partition(" ")[2]) == 64]
    return (datetime.fromisoformat(whole[-1].partition(" ")[0]), whole[-1]) if whole else None


def holds(keys: AddressKeys, digest: str) -> bool:
    """SHA-256(16進)が `digest` の行があるか。"""
    return any(hashlib.sha256(line.encode()).hexdigest() == digest for line in _lines(keys))


def _append(keys: AddressKeys, line: str) -> None:
    with _exclusive(keys):
        descriptor = os.open(keys.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line.encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _prune(keys: AddressKeys, limit: datetime) -> int:
    with _exclusive(keys):
        lines = _lines(keys)
        kept = [line for line in lines if len(line) > 64 and datetime.fromisoformat(line.partition(" ")[0]) >= limit]
        if len(kept) < len(lines):
            draft = keys.journal.with_suffix(".new")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write("".join(f"{line}\n" for line in kept))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(keys.journal)
    return len(kept)


def _lines(keys: AddressKeys) -> list[str]:
    return keys.journal.read_text(encoding="ascii").splitlines() if keys.journal.exists() else []


@contextmanager
def _exclusive(keys: AddressKeys) -> Iterator[None]:
    """書き足しと片付けを、プロセスをまたいで順番にする。"""
    keys.journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with keys.journal.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
