"""封の控え: データベースの外(`WARD_DATA_DIR/anchors.log`)に、封の頭を一行ずつ書き足す。

データベースの管理者が台帳も封も書き換えたとき、気付けるのはこの控えだけ。別の機械にも写すとよい。
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backend.audit.chain import Seal

FILE = "anchors.log"
_LINE = re.compile(r"\S+ ([a-z_]+) (\d+) (\d+) ([0-9a-f]{64})")
_BACK = re.compile(r"\S+ restored ([a-z_]+) (\d+)")


@dataclass(frozen=True)
class Anchor:
    """控えの一行。"""

    ledger: str
    number: int
    last_id: int
    head: bytes


def path(data_dir: Path) -> Path:
    return data_dir / FILE


def read(file: Path) -> dict[str, dict[int, Anchor]]:
    """台帳 → 封の番号 → 控え。途中で切れた最後の行は数えない。復元の印より後にない番号は、捨てた控えとして除く。"""
    return _parse(file.read_text(encoding="ascii", errors="replace")) if file.exists() else {}


def write(file: Path, seals: Sequence[Seal]) -> None:
    """封の控えを書き足し、ディスクに届くまで待つ。"""
    _append(
        file,
        [f"{_stamp(seal.at)} {seal.ledger} {seal.number} {seal.last_id} {seal.head.hex()}" for seal in seals],
    )


def restored(file: Path, at: datetime, ledger: str, number: int) -> None:
    """バックアップから戻したことを書く(`ward restore` が呼ぶ): 封 `number` より後の控えは、戻した所から先にない。"""
    _append(file, [f"{_stamp(at)} restored {ledger} {number}"])


def _append(file: Path, lines: list[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        # 前の書き込みが途中で切れていれば、その行を終わらせてから書く。
        torn = os.fstat(descriptor).st_size > 0 and not _ends_with_newline(file)
        os.write(descriptor, (("\n" if torn else "") + "".join(f"{line}\n" for line in lines)).encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ends_with_newline(file: Path) -> bool:
    with file.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        return handle.read(1) == b"\n"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


def _parse(text: str) -> dict[str, dict[int, Anchor]]:
    found: dict[str, dict[int, Anchor]] = {}
    for line in text.split("\n")[:-1]:
        if back := _BACK.fullmatch(line):
            kept = found.get(back[1], {})
            found[back[1]] = {n: anchor for n, anchor in kept.items() if n <= int(back[2])}
        elif known := _LINE.fullmatch(line):
            anchor = Anchor(known[1], int(known[2]), int(known[3]), bytes.fromhex(known[4]))
            # 同じ番号の二行目は、書き換えの跡でしかない。初めの行を信じる。
            found.setdefault(anchor.ledger, {}).setdefault(anchor.number, anchor)
    return found
