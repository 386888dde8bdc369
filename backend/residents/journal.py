"""消去の記録 `erasures.log`: 鍵付きのハッシュと時刻だけを、データベースの外に、控えより長くない間だけ残す(RULES 40)。

一行が一つの印。すべて消した人、やめた一つの目的、静かに止めた一人の子や妊娠は、どれも同じ形の印で、鍵がなければ、
だれのことかも、何をやめたのかも読めない。
"""

import asyncio
import fcntl
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from backend.consent.notices import Purpose
from backend.residents.address import AddressKeys
from backend.store import clock

DAYS = 35
"""最も古い控えの日数。これを過ぎた印は捨てる。"""
_LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?\+00:00) ([0-9a-f]{64})")


@dataclass(frozen=True)
class Mark:
    """読めた一行。`line` は書かれたままの綴り。"""

    at: datetime
    mark: str
    line: str


def purpose(one: Purpose) -> str:
    """一つの目的をやめた印のもと。"""
    return f":purpose:{int(one)}"


def birth(month: date) -> str:
    """一人の子を止めた印のもと。位置は保存のたびに替わるので、生まれた月で指す。"""
    return f":birth:{month:%Y-%m}"


def due(month: date) -> str:
    """一つの妊娠を止めた印のもと。"""
    return f":due:{month:%Y-%m}"


async def append(keys: AddressKeys, user_id: str, at: datetime) -> str:
    """すべて消した印を書き、ディスクまで届いてから返す。印(16進64桁)を返す。

    確定の前に呼ぶ: 消えたのに印がないことはない。印があって消えなかったときは、控えを戻すと、その時刻より前の同意だけが
    消える(やめようとした本人である)。
    """
    mark = keys.erasure_mark(user_id)
    await _write(keys, at, [mark])
    return mark


async def append_parts(keys: AddressKeys, user_id: str, at: datetime, parts: Iterable[str]) -> None:
    """一部だけをやめた印(`purpose`、`birth`、`due`)を、`append` と同じように書く。"""
    await _write(keys, at, [keys.erasure_mark(user_id, part) for part in parts])


async def prune(keys: AddressKeys) -> int:
    """`DAYS` 日より古い印を捨て、残った数を返す。作業の輪が一日に一度呼ぶ。"""
    limit = await clock.now() - timedelta(days=DAYS)
    return await asyncio.to_thread(_prune, keys, limit)


def latest(keys: AddressKeys) -> dict[str, datetime]:
    """印 → 最後に書いた時刻。"""
    found: dict[str, datetime] = {}
    for one in _marks(keys):
        found[one.mark] = max(found.get(one.mark, one.at), one.at)
    return found


def last(keys: AddressKeys) -> tuple[datetime, str] | None:
    """最後の印の時刻と、その行。空ならNone。"""
    whole = _marks(keys)
    return (whole[-1].at, whole[-1].line) if whole else None


def holds(keys: AddressKeys, digest: str) -> bool:
    """SHA-256(16進)が `digest` の行があるか。"""
    return any(hashlib.sha256(one.line.encode()).hexdigest() == digest for one in _marks(keys))


async def _write(keys: AddressKeys, at: datetime, marks: list[str]) -> None:
    if marks:
        stamp = at.astimezone(UTC).isoformat()
        await asyncio.to_thread(_append, keys, "".join(f"{stamp} {mark}\n" for mark in marks))


def _append(keys: AddressKeys, lines: str) -> None:
    with _exclusive(keys):
        descriptor = os.open(keys.journal, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # 前の人が行の途中で倒れていたら、その切れ端につなげない。
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (("\n" if torn else "") + lines).encode("ascii"))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _prune(keys: AddressKeys, limit: datetime) -> int:
    with _exclusive(keys):
        marks = _marks(keys)
        kept = [one for one in marks if one.at >= limit]
        if len(kept) < len(marks):
            draft = keys.journal.with_suffix(".new")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write("".join(f"{one.line}\n" for one in kept))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(keys.journal)
    return len(kept)


def _marks(keys: AddressKeys) -> list[Mark]:
    """読める行のすべて。書きかけで切れた行は読まない。"""
    lines = keys.journal.read_text("ascii", "replace").split("\n") if keys.journal.exists() else []
    return [mark for line in lines if (mark := _read(line))]


def _read(line: str) -> Mark | None:
    found = _LINE.fullmatch(line)
    try:
        return Mark(datetime.fromisoformat(found[1]), found[2], line) if found else None
    except ValueError:  # 13月のような、ありえない時刻
        return None


@contextmanager
def _exclusive(keys: AddressKeys) -> Iterator[None]:
    """書き足しと片付けを、プロセスをまたいで順番にする。"""
    keys.journal.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with keys.journal.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
