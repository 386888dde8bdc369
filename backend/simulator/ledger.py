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
  retry_key text, body_sha256 text not null, requested blob not null, delivered blob not null,
  messages text, silent integer not null);
create index if not exists call_delivered on call (id) where length(delivered) > 0;
create table if not exists retry_key (
  key text primary key, endpoint text not null, body_sha256 text not null, request_id text not null, first_seen real not null);
"""
RETRY_KEY_SECONDS = 24 * 3600  # LINE.md 1.2 retry key 5


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

    def record(self, entry: Entry) -> None:
        with self._platform.changing() as db:
            db.execute(
                "insert into call (at, endpoint, status, request_id, retry_key, body_sha256, requested, delivered, "
                "messages, silent) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._platform.now().isoformat(timespec="milliseconds"),
                    entry.endpoint,
                    entry.status,
                    entry.request_id,
                    entry.retry_key,
                    entry.body_sha256,
                    pack(entry.requested),
                    pack(entry.delivered),
                    entry.messages,
                    entry.silent,
                ),
            )

    def restate(self, request_id: str, status: int) -> None:
        """返した状態を書き直す(受け付けてから500を返した、など)。"""
        with self._platform.changing() as db:
            db.execute("update call set status = ? where request_id = ?", (status, request_id))

    def clear(self) -> None:
        with self._platform.changing() as db:
            db.execute("delete from call")

    def calls(self, limit: int | None = None) -> list[dict[str, Any]]:
        """古い順。`limit` があれば新しいものから数えてその件数だけ。"""
        order = "order by id desc limit ?" if limit else "order by id"
        rows = self._rows(f"select * from call {order}", (limit,) if limit else ())  # noqa: S608
        found = [
            {
                "at": row["at"],
                "endpoint": row["endpoint"],
                "status": row["status"],
                "request_id": row["request_id"],
                "retry_key": row["retry_key"],
                "body_sha256": row["body_sha256"],
                "recipients": unpack(row["requested"]),
            }
            for row in rows
        ]
        return found[::-1] if limit else found

    def received(self) -> Iterator[dict[str, Any]]:
        """一人に一通ごとの行。"""
        for row in self._rows("select * from call where length(delivered) > 0 order by id", ()):
            messages = json.loads(row["messages"])
            for user in unpack(row["delivered"]):
                yield {
                    "user": user,
                    "at": row["at"],
                    "request_id": row["request_id"],
                    "messages": messages,
                    "silent": bool(row["silent"]),
                }

    def counts(self) -> dict[str, int]:
        """大きな配信のための数だけの形: 呼び出し、届いた通数、届いた人数。"""
        users: dict[bytes, int] = {}
        sent = calls = 0
        for row in self._rows("select delivered from call", ()):
            blob, calls = row["delivered"], calls + 1
            sent += len(blob) // 16
            for start in range(0, len(blob), 16):
                key = blob[start : start + 16]
                users[key] = users.get(key, 0) + 1
        return {"calls": calls, "received": sent, "people": len(users), "twice": sum(n > 1 for n in users.values())}

    def inbox(self, user: str) -> list[dict[str, Any]]:
        """一人が受け取ったもの。古い順。"""
        mark = pack([user])
        rows = self._rows("select * from call where length(delivered) > 0 and instr(delivered, ?) order by id", (mark,))
        return [
            {
                "at": row["at"],
                "request_id": row["request_id"],
                "messages": json.loads(row["messages"]),
                "silent": bool(row["silent"]),
            }
            for row in rows
            if user in unpack(row["delivered"])
        ]

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

    def _rows(self, query: str, values: tuple[Any, ...]) -> Iterator[sqlite3.Row]:
        cursor = self._platform.db.cursor()
        cursor.row_factory = sqlite3.Row
        yield from cursor.execute(query, values)


def pack(users: list[str]) -> bytes:
    """`U` と32桁の16進を、一人16バイトに詰める。"""
    return bytes.fromhex("".join(user[1:] for user in users))


def unpack(blob: bytes) -> list[str]:
    digits = blob.hex()
    return [f"U{digits[start : start + 32]}" for start in range(0, len(digits), 32)]
