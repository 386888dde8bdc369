"""封の計算: 一行の指紋と、封の鎖。データベースもファイルも知らない。

書式は `…/1`。台帳に列が増えても、前からの列の並びは変えない(変えると、前の封がすべて合わなくなる)。
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

LEDGERS: dict[str, tuple[str, ...]] = {
    "audit_entry": ("at", "staff_id", "staff_name", "role", "section_code", "action", "subject", "detail"),
    "consent_event": (
        "event_id",
        "schema_version",
        "subject",
        "purpose",
        "action",
        "notice_version",
        "language",
        "text_sha256",
        "guardian",
        "channel",
        "at",
    ),
}
"""封をする台帳と、指紋に入る列(`id` のほか)。"""
LEDGER_LABELS = {"audit_entry": "操作記録", "consent_event": "同意記録"}
JSON_COLUMNS = {"detail"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Seal:
    """一つの封。`ids` と `leaves`(32バイトずつ)は同じ並び。"""

    ledger: str
    number: int
    after_id: int
    last_id: int
    ids: tuple[int, ...]
    leaves: bytes
    previous: bytes
    at: datetime

    @property
    def head(self) -> bytes:
        """この封までのすべてを表す32バイト。"""
        return hashlib.sha256(
            b"ward/seal/1\0"
            + self.ledger.encode()
            + b"\0"
            + _number(self.number, self.after_id, self.last_id, _microseconds(self.at), len(self.ids))
            + self.previous
            + _number(*self.ids)
            + self.leaves
        ).digest()

    def leaf_of(self, position: int) -> bytes:
        return self.leaves[32 * position : 32 * position + 32]


def start(ledger: str) -> bytes:
    """最初の封の `previous`。"""
    return hashlib.sha256(b"ward/ledger/1\0" + ledger.encode()).digest()


def content(ledger: str, row: Mapping[str, Any]) -> bytes:
    """一行の中身(`id` を除く)を、いつ読んでも同じバイト列にする。"""
    values = [_plain(name, row[name]) for name in LEDGERS[ledger]]
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def leaf(ledger: str, row_id: int, row_content: bytes) -> bytes:
    """一行の指紋。中身が同じでも、番号が違えば違う。"""
    return hashlib.sha256(b"ward/leaf/1\0" + ledger.encode() + b"\0" + _number(row_id) + row_content).digest()


def make(
    ledger: str,
    number: int,
    after_id: int,
    last_id: int,
    previous: bytes,
    at: datetime,
    rows: Sequence[Mapping[str, Any]],
) -> Seal:
    """`rows`(id の順)を封じる。"""
    leaves = b"".join(leaf(ledger, row["id"], content(ledger, row)) for row in rows)
    return Seal(ledger, number, after_id, last_id, tuple(row["id"] for row in rows), leaves, previous, at)


def _plain(name: str, value: Any) -> Any:
    if name in JSON_COLUMNS:
        return json.loads(value)
    if isinstance(value, datetime):
        return _microseconds(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, UUID):
        return str(value)
    return value


def _microseconds(moment: datetime) -> int:
    gone = moment.astimezone(UTC) - _EPOCH
    return (gone.days * 86_400 + gone.seconds) * 1_000_000 + gone.microseconds


def _number(*values: int) -> bytes:
    return b"".join(value.to_bytes(8, "big", signed=True) for value in values)
