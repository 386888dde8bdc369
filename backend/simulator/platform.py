"""模擬LINEの状態: 人、時計、トークン、設定。一つのSQLiteファイルにあり、kill -9 のあとも残る。"""

import asyncio
import json
import math
import secrets
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists kv (key text primary key, value text not null);
create table if not exists person (
  user text primary key, position integer not null, name text not null, note text not null,
  friend integer not null, blocked integer not null, deleted integer not null);
create index if not exists person_position on person (position);
create table if not exists channel_token (token text primary key, channel text not null, expires_at real not null);
"""
_REACHABLE = "friend and not blocked and not deleted"


@dataclass(frozen=True, slots=True)
class Person:
    """利用者。`friend` は友だちになったことがある、`blocked` はいまブロックしている、`note` は一覧に添える一言。"""

    user: str
    name: str
    friend: bool = True
    blocked: bool = False
    deleted: bool = False
    note: str = ""

    @property
    def reachable(self) -> bool:
        return self.friend and not self.blocked and not self.deleted


class Platform:
    """状態の持ち主。書き込みは `changing()` の中で行い、抜けるとファイルに残る。

    百万人でも軽いように、メモリに置くのは「いま届く人」のidだけ。ほかはSQLiteから読む。
    """

    def __init__(self, file: Path) -> None:
        # 書くのは出来事の輪だけ。サーバーの起動と別の糸になることがあるので見張りを外す。
        self.db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        # kill -9 に耐えればよく、停電は考えない: 書いたものはOSが持っているので同期を待たない。
        self.db.executescript(
            "pragma journal_mode = wal; pragma synchronous = off; pragma busy_timeout = 5000; pragma cache_size = -131072;"
        )
        self.db.executescript(SCHEMA)
        self._listeners: set[asyncio.Queue[set[str] | None]] = set()
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
    def subscribe(self) -> Iterator[asyncio.Queue[set[str] | None]]:
        """変化の列。かかわった人のidの集まり、全員ならNone、人によらない呼び出しなら空。"""
        queue: asyncio.Queue[set[str] | None] = asyncio.Queue(maxsize=1000)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    def tell(self, users: Iterable[str] | None) -> None:
        if not self._listeners:
            return
        touched = None if users is None else set(users)
        for queue in self._listeners:
            if queue.full():  # 読むのが遅い画面には、細かい変化の代わりに「全員」と伝える
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(touched)

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
        row = self.db.execute(f"{_PERSON} where user = ?", (user,)).fetchone()
        return _person(row) if row else None

    def reachable(self, users: list[str]) -> list[str]:
        """`users` のうち、いまメッセージが届く人。並びと重なりはそのまま。"""
        return [user for user in users if user in self._reachable]

    def search(self, text: str, offset: int, limit: int) -> tuple[list[Person], int]:
        """名前かidに `text` を含む人を、加えた順に。(その一部, 全部の人数)"""
        where, values = ("where instr(name, ?) or instr(user, ?)", (text, text)) if text else ("", ())
        total = self.db.execute(f"select count(*) from person {where}", values).fetchone()[0]  # noqa: S608  上の二つだけ
        rows = self.db.execute(f"{_PERSON} {where} order by position limit ? offset ?", (*values, limit, offset))
        return [_person(row) for row in rows], total

    def friends(self, after: int = -1, limit: int = -1) -> tuple[list[str], int]:
        """いまメッセージが届く人のidを、加えた順に。(その一部, 最後の人の位置)"""
        rows = self.db.execute(
            f"select user, position from person where {_REACHABLE} and position > ? order by position limit ?",  # noqa: S608
            (after, limit),
        ).fetchall()
        return [row[0] for row in rows], rows[-1][1] if rows else after

    def put_people(self, people: Iterable[Person]) -> int:
        """人を加える、または書き換え、その人数を返す。並びは初めに加えた順。"""
        count = 0
        with self.changing() as db:
            first = db.execute("select coalesce(max(position), -1) + 1 from person").fetchone()[0]

            def rows() -> Iterator[tuple[Any, ...]]:
                nonlocal count
                for count, person in enumerate(people, 1):
                    (self._reachable.add if person.reachable else self._reachable.discard)(person.user)
                    flags = (person.friend, person.blocked, person.deleted)
                    yield (person.user, first + count - 1, person.name, person.note, *flags)

            db.executemany(
                "insert into person values (?, ?, ?, ?, ?, ?, ?) on conflict (user) do update set name = excluded.name, "
                "note = excluded.note, friend = excluded.friend, blocked = excluded.blocked, deleted = excluded.deleted",
                rows(),
            )
        self.tell(None)
        return count

    # ── チャネルアクセストークン ──

    def issue_token(self, channel: str, seconds: int) -> str:
        token = secrets.token_urlsafe(96)
        with self.changing() as db:
            db.execute("insert into channel_token values (?, ?, ?)", (token, channel, self.now().timestamp() + seconds))
        return token

    def token_seconds(self, token: str, channel: str) -> int:
        """トークンの残りの秒数。切れたもの、知らないもの、別のチャネルのものは0。"""
        row = self.db.execute(
            "select expires_at from channel_token where token = ? and channel = ?", (token, channel)
        ).fetchone()
        return max(0, math.ceil(row[0] - self.now().timestamp())) if row else 0

    def expire_tokens(self) -> None:
        with self.changing() as db:
            db.execute("delete from channel_token")

    # ── すべて空にする ──

    def reset(self) -> None:
        """どの表も空にし、時計を戻す。IDトークンの署名の鍵だけは残す。"""
        with self.changing() as db:
            tables = db.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
            for (table,) in tables.fetchall():
                if table != "login_key":
                    db.execute(f'delete from "{table}"')  # noqa: S608  表の名は目録から
        self._load()
        self.tell(None)

    def _load(self) -> None:
        self._offset = float(self.recall("clock_offset", 0))
        rows = self.db.execute(f"select user from person where {_REACHABLE}")  # noqa: S608
        self._reachable = {row[0] for row in rows}


_PERSON = "select user, name, friend, blocked, deleted, note from person"


def _person(row: tuple[Any, ...]) -> Person:
    return Person(row[0], row[1], bool(row[2]), bool(row[3]), bool(row[4]), row[5])
