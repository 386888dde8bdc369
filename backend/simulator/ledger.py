"""台帳: LINEが受けたすべての呼び出しと、誰に何が届いたか。外からの審判が読む。"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backend.simulator.platform import Platform

SCHEMA = """
create table if not exists call (
  id integer primary key, at text not null, endpoint text not null, status integer not null, request_id text not null,
  retry_key text, body_sha256 text not null, silent integer not null, messages text, requested blob, delivered blob not null);
create table if not exists retry_key (
  key text primary key, endpoint text not null, body_sha256 text not null, request_id text not null, first_seen real not null);
"""
RETRY_KEY_SECONDS = 24 * 3600  # LINE.md 1.2 retry key 5
_ID = 16  # 一人分のバイト数


@dataclass
class Entry:
    """一つの呼び出し。`requested` は宛てられたid、`delivered` は実際に届いたid。"""

    endpoint: str
    request_id: str
    status: int = 200
    retry_key: str | None = None
    body_sha256: str = ""
    requested: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    messages: str | None = None
    silent: bool = False


class Ledger:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        platform.db.executescript(SCHEMA)
        self.reload()

    def reload(self) -> None:
        """届いたidの束(呼び出しの番号, 一人16バイト)。一人の受信箱をすばやく探すためにメモリにも置く。"""
        rows = self._platform.db.execute("select id, delivered from call where length(delivered) > 0 order by id")
        self._sent: list[tuple[int, bytes]] = rows.fetchall()
        self._found: dict[str, tuple[int, list[int]]] = {}

    def record(self, entry: Entry) -> int:
        """書き、その番号を返す。"""
        delivered = pack(entry.delivered)
        requested = None if entry.requested == entry.delivered else pack(entry.requested)
        at = self._platform.now().isoformat(timespec="milliseconds")
        with self._platform.changing() as db:
            cursor = db.execute(
                "insert into call (at, endpoint, status, request_id, retry_key, body_sha256, silent, messages, requested, "
                "delivered) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    at,
                    entry.endpoint,
                    entry.status,
                    entry.request_id,
                    entry.retry_key,
                    entry.body_sha256,
                    entry.silent,
                    entry.messages,
                    requested,
                    delivered,
                ),
            )
        number = cursor.lastrowid or 0
        if delivered:
            self._sent.append((number, delivered))
        return number

    def restate(self, number: int, status: int) -> None:
        """返した状態を書き直す(受け付けてから500を返した、など)。"""
        with self._platform.changing() as db:
            db.execute("update call set status = ? where id = ?", (status, number))

    def clear(self) -> None:
        with self._platform.changing() as db:
            db.execute("delete from call")
        self.reload()

    def calls(self) -> Iterator[dict[str, Any]]:
        """古い順。"""
        for row in self._rows("select * from call order by id"):
            kept = ("at", "endpoint", "status", "request_id", "retry_key", "body_sha256")
            blob = row["delivered"] if row["requested"] is None else row["requested"]
            yield {**{name: row[name] for name in kept}, "recipients": unpack(blob)}

    def newest(self, limit: int) -> list[tuple[str, str, int, int]]:
        """新しい順の (時刻, 呼び出し, 状態, 宛てられた人数)。"""
        return self._platform.db.execute(
            "select at, endpoint, status, length(coalesce(requested, delivered)) / ? from call order by id desc limit ?",
            (_ID, limit),
        ).fetchall()

    def received(self) -> Iterator[dict[str, Any]]:
        """一人に一通ごとの行。"""
        for row in self._rows("select * from call where length(delivered) > 0 order by id"):
            shared = _message(row)
            for user in unpack(row["delivered"]):
                yield {"user": user, **shared}

    def counts(self) -> dict[str, int]:
        """大きな配信のための数だけの形: 呼び出し、届いた通数、届いた人数、二通以上届いた人数。"""
        calls = self._platform.db.execute("select count(*) from call").fetchone()[0]
        once: set[bytes] = set()
        twice: set[bytes] = set()
        for _, blob in self._sent:
            users = [blob[start : start + _ID] for start in range(0, len(blob), _ID)]
            fresh = set(users)
            twice |= once & fresh
            if len(fresh) < len(users):
                twice |= {user for user in fresh if users.count(user) > 1}
            once |= fresh
        received = sum(len(blob) for _, blob in self._sent) // _ID
        return {"calls": calls, "received": received, "people": len(once), "twice": len(twice)}

    def inbox(self, user: str, newest: int = 0) -> list[dict[str, Any]]:
        """一人が受け取ったもの。古い順。`newest` があれば新しい方からその件数だけ。"""
        found: list[dict[str, Any]] = []
        for number in self._calls_to(user)[-newest:]:
            found += [_message(row) for row in self._rows("select * from call where id = ?", number)]
        return found

    def inbox_size(self, user: str) -> int:
        return len(self._calls_to(user))

    def _calls_to(self, user: str) -> list[int]:
        """その人に届いた呼び出しの番号。前に探したところから先だけを探す。"""
        scanned, numbers = self._found.get(user, (0, []))
        mark = pack([user])
        for number, blob in self._sent[scanned:]:
            at = blob.find(mark)
            while at >= 0 and at % _ID:
                at = blob.find(mark, at + 1)
            if at >= 0:
                numbers.append(number)
        self._found[user] = (len(self._sent), numbers)
        return numbers

    # ── 再試行の鍵 ──

    def accepted_before(self, key: str) -> tuple[str, str] | None:
        """24時間のうちに受け付けた鍵なら (本文のsha256, 受け付けたrequest id)。"""
        oldest = self._platform.now().timestamp() - RETRY_KEY_SECONDS
        row = self._platform.db.execute(
            "select body_sha256, request_id from retry_key where key = ? and first_seen > ?", (key, oldest)
        ).fetchone()
        return (row[0], row[1]) if row else None

    def accept_key(self, key: str, endpoint: str, body_sha256: str, request_id: str) -> None:
        with self._platform.changing() as db:
            db.execute(
                "insert or replace into retry_key values (?, ?, ?, ?, ?)",
                (key, endpoint, body_sha256, request_id, self._platform.now().timestamp()),
            )

    def _rows(self, query: str, *values: Any) -> Iterator[sqlite3.Row]:
        cursor = self._platform.db.cursor()
        cursor.row_factory = sqlite3.Row
        yield from cursor.execute(query, values)


def pack(users: list[str]) -> bytes:
    """`U` と32桁の16進を、一人16バイトに詰める。"""
    return bytes.fromhex("".join(user[1:] for user in users))


def unpack(blob: bytes) -> list[str]:
    digits = blob.hex()
    return [f"U{digits[start : start + 32]}" for start in range(0, len(digits), 32)]


def _message(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "at": row["at"],
        "request_id": row["request_id"],
        "messages": json.loads(row["messages"]),
        "silent": bool(row["silent"]),
    }
