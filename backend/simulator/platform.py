"""模擬LINEの状態: 人、時計、トークン、設定。一つのSQLiteファイルにあり、kill -9 のあとも残る。"""

import asyncio
import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists kv (key text primary key, value text not null);
create table if not exists person (
  user text primary key, position integer not null, name text not null,
  friend integer not null, blocked integer not null, deleted integer not null);
create table if not exists channel_token (token text primary key, expires_at real not null);
"""
CLEARED = ("person", "channel_token", "kv")


@dataclass(frozen=True)
class Person:
    """利用者。`friend` は友だちになったことがある、`blocked` はいまブロックしている。"""

    user: str
    name: str
    friend: bool = True
    blocked: bool = False
    deleted: bool = False

    @property
    def reachable(self) -> bool:
        return self.friend and not self.blocked and not self.deleted


class Platform:
    """状態の持ち主。書き込みは `changing()` の中で行い、抜けるとディスクに残る。"""

    def __init__(self, file: Path) -> None:
        # 書くのは出来事の輪だけ。サーバーの起動と別の糸になることがあるので見張りを外す。
        self.db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.db.executescript("pragma journal_mode = wal; pragma synchronous = normal; pragma busy_timeout = 5000;")
        self.db.executescript(SCHEMA)
        self._listeners: set[asyncio.Queue[tuple[str, str]]] = set()
        self._nested = False
        self._load()

    # ── 取引と知らせ ──

    @contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """一つの取引。例外なら元に戻る。中で重ねて使ってもよい。"""
        if self._nested:
            yield self.db
            return
        self.db.execute("begin immediate")
        self._nested = True
        try:
            yield self.db
        except BaseException:
            self.db.execute("rollback")
            self._load()
            raise
        else:
            self.db.execute("commit")
        finally:
            self._nested = False

    @contextmanager
    def subscribed(self) -> Iterator[asyncio.Queue[tuple[str, str]]]:
        """変化の列。(種類, 利用者): message・menu・person・call。全員に関わるものは利用者が空。"""
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue(maxsize=1000)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def tell(self, kind: str, user: str = "") -> None:
        for queue in self._listeners:
            if not queue.full():
                queue.put_nowait((kind, user))

    # ── 時計と覚え書き ──

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._offset)

    def set_offset(self, seconds: float) -> None:
        self.remember("clock_offset", seconds)
        self._offset = seconds

    @property
    def offset(self) -> float:
        return self._offset

    def remember(self, key: str, value: Any) -> None:
        with self.changing() as db:
            db.execute("insert or replace into kv values (?, ?)", (key, json.dumps(value, ensure_ascii=False)))

    def recall(self, key: str, default: Any = None) -> Any:
        row = self.db.execute("select value from kv where key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else default

    # ── 人 ──

    def person(self, user: str) -> Person | None:
        return self._people.get(user)

    def search(self, text: str, offset: int, limit: int) -> tuple[list[Person], int]:
        """名前かidに `text` を含む人を、加えた順に。(その一部, 全部の人数)"""
        found = [p for p in self._people.values() if not text or text in p.name or text in p.user]
        return found[offset : offset + limit], len(found)

    def friends(self) -> list[str]:
        """いまメッセージが届く人のid。"""
        return [user for user, person in self._people.items() if person.reachable]

    def put_people(self, people: list[Person]) -> None:
        """人を加える、または書き換える。並びは初めに加えた順。"""
        with self.changing() as db:
            first = len(self._people)
            for position, person in enumerate(people, first):
                self._people[person.user] = person
                db.execute(
                    "insert into person values (?, ?, ?, ?, ?, ?) on conflict (user) do update set "
                    "name = excluded.name, friend = excluded.friend, blocked = excluded.blocked, deleted = excluded.deleted",
                    (person.user, position, person.name, person.friend, person.blocked, person.deleted),
                )
        self.tell("person")

    # ── チャネルアクセストークン ──

    def issue_token(self, seconds: int) -> str:
        token = secrets.token_urlsafe(96)
        with self.changing() as db:
            db.execute("insert into channel_token values (?, ?)", (token, self.now().timestamp() + seconds))
        return token

    def token_is_valid(self, token: str) -> bool:
        row = self.db.execute("select expires_at from channel_token where token = ?", (token,)).fetchone()
        return row is not None and row[0] > self.now().timestamp()

    def expire_tokens(self) -> None:
        with self.changing() as db:
            db.execute("delete from channel_token")

    # ── すべて空にする ──

    def reset(self) -> None:
        """どの表も空にし、時計を戻す。"""
        with self.changing() as db:
            tables = db.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
            for (table,) in tables.fetchall():
                if table != "login_key":
                    db.execute(f'delete from "{table}"')  # noqa: S608  表の名は目録から
        self._load()
        self.tell("reset")

    def _load(self) -> None:
        self._offset = float(self.recall("clock_offset", 0))
        rows = self.db.execute("select user, name, friend, blocked, deleted from person order by position")
        self._people = {r[0]: Person(r[0], r[1], bool(r[2]), bool(r[3]), bool(r[4])) for r in rows}
