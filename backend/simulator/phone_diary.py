"""電話の持ち主の側だけが覚えること: 自分の送った言葉と、読んだ数。LINEの記録とは別にする。"""

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

SCHEMA = """
create table if not exists phone_said (id integer primary key, user text not null, at real not null, text text not null);
create index if not exists phone_said_user on phone_said (user);
create table if not exists phone_read (user text primary key, received integer not null);
"""


@dataclass(frozen=True)
class Said:
    id: int
    at: datetime
    text: str


class Diary:
    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        db.executescript(SCHEMA)

    def say(self, user: str, at: datetime, text: str) -> None:
        with self._db:
            self._db.execute("insert into phone_said (user, at, text) values (?, ?, ?)", (user, at.timestamp(), text))

    def said(self, user: str) -> list[Said]:
        rows = self._db.execute("select id, at, text from phone_said where user = ? order by id", (user,)).fetchall()
        return [Said(number, datetime.fromtimestamp(at, UTC), text) for number, at, text in rows]

    def mark_read(self, user: str, received: int) -> None:
        with self._db:
            self._db.execute("insert or replace into phone_read values (?, ?)", (user, received))

    def unread(self, user: str, received: int) -> int:
        row = self._db.execute("select received from phone_read where user = ?", (user,)).fetchone()
        return max(0, received - (row[0] if row else 0))

    def reset(self) -> None:
        with self._db:
            self._db.execute("delete from phone_said")
            self._db.execute("delete from phone_read")
