"""リッチメニューの状態: メニュー、絵、別名、既定、一人ずつの結び付き(LINE.md 1.1)。"""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from backend.simulator.platform import Platform

SCHEMA = """
create table if not exists menu (
  id text primary key, position integer not null, object text not null, image blob, content_type text);
create table if not exists menu_alias (alias text primary key, menu text not null);
create table if not exists menu_link (user text primary key, menu text not null);
create table if not exists menu_batch (
  request_id text primary key, resume_key text, accepted_at real not null, completed_at real, phase text not null,
  remaining text not null);
create table if not exists menu_tap (menu text not null, area integer not null, user text not null, day text not null);
"""
MOST = 1000  # メニューの数、別名の数、どちらの上限も(LINE.md 1.1)
KEPT_SECONDS = 14 * 24 * 3600.0  # まとめての置き換えの進み具合と再開の鍵が残る長さ
JST = timezone(timedelta(hours=9))
Pair = tuple[str, str | None]  # (利用者, 結ぶメニュー。Noneは解く)


@dataclass(frozen=True)
class Image:
    body: bytes
    content_type: str


class RichMenus:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._db = platform.db
        platform.db.executescript(SCHEMA)

    def create(self, menu: dict[str, Any]) -> str:
        menu_id = f"richmenu-{secrets.token_hex(16)}"
        with self._platform.changing() as db:
            db.execute(
                "insert into menu (id, position, object) select ?, coalesce(max(position), 0) + 1, ? from menu",
                (menu_id, json.dumps(menu, ensure_ascii=False)),
            )
        return menu_id

    def get(self, menu_id: str) -> dict[str, Any] | None:
        row = self._db.execute("select object from menu where id = ?", (menu_id,)).fetchone()
        return {"richMenuId": menu_id, **json.loads(row[0])} if row else None

    def count(self) -> int:
        return self._db.execute("select count(*) from menu").fetchone()[0]

    def all(self) -> list[dict[str, Any]]:
        rows = self._db.execute("select id, object from menu order by position").fetchall()
        return [{"richMenuId": menu_id, **json.loads(text)} for menu_id, text in rows]

    def delete(self, menu_id: str) -> bool:
        """結び付きも消える。別名は残り、指す先のない別名になる。"""
        with self._platform.changing() as db:
            done = db.execute("delete from menu where id = ?", (menu_id,)).rowcount > 0
            db.execute("delete from menu_link where menu = ?", (menu_id,))
        if self.default() == menu_id:
            self.set_default(None)
        self._platform.tell(None)
        return done

    def image(self, menu_id: str) -> Image | None:
        row = self._db.execute(
            "select image, content_type from menu where id = ? and image is not null", (menu_id,)
        ).fetchone()
        return Image(row[0], row[1]) if row else None

    def set_image(self, menu_id: str, body: bytes, content_type: str) -> None:
        with self._platform.changing() as db:
            db.execute("update menu set image = ?, content_type = ? where id = ?", (body, content_type, menu_id))

    # ── 既定と一人ずつ ──

    def default(self) -> str | None:
        return self._platform.recall("default_menu")

    def set_default(self, menu_id: str | None) -> None:
        self._platform.remember("default_menu", menu_id)
        self._platform.tell(None)

    def owned_by_console(self) -> bool:
        """管理画面で作ったメニューが既定になっている(403のもと)。APIの既定があれば、そちらが先。"""
        return self.default() is None and bool(self._platform.recall("console_default"))

    def give_to_console(self, owned: bool) -> None:
        """管理画面でだれかが既定のメニューを決めた(APIの既定は外れる)、またはそれをやめた。"""
        self._platform.remember("console_default", owned)
        if owned:
            self.set_default(None)

    def link(self, user: str, menu_id: str) -> None:
        """友だちでない人には黙って結ばない(LINEと同じ)。"""
        person = self._platform.person(user)
        if person is None or not person.reachable:
            return
        with self._platform.changing() as db:
            db.execute("insert or replace into menu_link values (?, ?)", (user, menu_id))
        self._platform.tell({user})

    def unlink(self, user: str) -> None:
        with self._platform.changing() as db:
            db.execute("delete from menu_link where user = ?", (user,))
        self._platform.tell({user})

    def unlink_all(self) -> None:
        with self._platform.changing() as db:
            db.execute("delete from menu_link")
        self._platform.tell(None)

    def linked(self, user: str) -> str | None:
        row = self._db.execute("select menu from menu_link where user = ?", (user,)).fetchone()
        return row[0] if row else None

    def shown_to(self, user: str) -> str | None:
        """その人に見えるメニュー: 一人ずつの結び付きが既定より先。"""
        return self.linked(user) or self.default()

    # ── 別名 ──

    def aliases(self) -> dict[str, str]:
        return dict(self._db.execute("select alias, menu from menu_alias order by alias").fetchall())

    def set_alias(self, alias: str, menu_id: str) -> None:
        with self._platform.changing() as db:
            db.execute("insert or replace into menu_alias values (?, ?)", (alias, menu_id))
        self._platform.tell(None)

    def delete_alias(self, alias: str) -> bool:
        with self._platform.changing() as db:
            return db.execute("delete from menu_alias where alias = ?", (alias,)).rowcount > 0

    # ── まとめての置き換え ──

    def start_batch(self, request_id: str, resume_key: str | None) -> None:
        with self._platform.changing() as db:
            db.execute(
                "insert into menu_batch values (?, ?, ?, null, 'ongoing', '[]')",
                (request_id, resume_key, self._seconds()),
            )

    def run_batch(self, request_id: str, operations: list[dict[str, Any]], *, fails: bool = False) -> None:
        """`fails` なら半分だけ行って失敗で終える。同じ再開の鍵で頼み直すと、残りだけを行う。"""
        pairs = self._unfinished(request_id)
        pairs = self._snapshot(operations) if pairs is None else pairs
        done = len(pairs) // 2 if fails else len(pairs)
        with self._platform.changing() as db:
            for user, menu in pairs[:done]:
                db.execute("delete from menu_link where user = ?", (user,))
                if menu:
                    db.execute("insert into menu_link values (?, ?)", (user, menu))
            db.execute(
                "update menu_batch set phase = ?, completed_at = ?, remaining = ? where request_id = ?",
                ("failed" if fails else "succeeded", self._seconds(), json.dumps(pairs[done:]), request_id),
            )
        self._platform.tell(None)

    def batch(self, request_id: str) -> dict[str, Any] | None:
        row = self._db.execute(
            "select phase, accepted_at, completed_at from menu_batch where request_id = ? and accepted_at > ?",
            (request_id, self._seconds() - KEPT_SECONDS),
        ).fetchone()
        if row is None:
            return None
        progress = {"phase": row[0], "acceptedTime": _utc(row[1])}
        return {**progress, "completedTime": _utc(row[2])} if row[2] else progress

    def _unfinished(self, request_id: str) -> list[Pair] | None:
        """同じ再開の鍵の前の頼みが残した人。鍵がない、または前の頼みがないときはNone。"""
        row = self._db.execute(
            "select b.remaining from menu_batch a join menu_batch b on b.resume_key = a.resume_key "
            "where a.request_id = ? and b.request_id <> a.request_id and b.phase <> 'ongoing' and b.accepted_at > ? "
            "order by b.rowid desc limit 1",
            (request_id, self._seconds() - KEPT_SECONDS),
        ).fetchone()
        return [(user, menu) for user, menu in json.loads(row[0])] if row else None

    def _snapshot(self, operations: list[dict[str, Any]]) -> list[Pair]:
        """どの操作も始めの状態を見る(A→BとB→Cはつながらない)。"""
        pairs: list[Pair] = []
        for operation in operations:
            where, values = ("", ()) if operation["type"] == "unlinkAll" else ("where menu = ?", (operation["from"],))
            users = self._db.execute(f"select user from menu_link {where} order by rowid", values)  # noqa: S608
            pairs += [(user, operation.get("to")) for (user,) in users]
        return pairs

    # ── 押された数 ──

    def tap(self, menu_id: str, area: int, users: list[str]) -> None:
        day = self._platform.now().astimezone(JST).strftime("%Y%m%d")
        with self._platform.changing() as db:
            db.executemany("insert into menu_tap values (?, ?, ?, ?)", [(menu_id, area, user, day) for user in users])

    def taps(self, menu_id: str, first: str, last: str) -> list[tuple[int, str, str]]:
        """`first` から `last` までの日(yyyyMMdd)の (場所の番号, 利用者, 日)。"""
        return self._db.execute(
            "select area, user, day from menu_tap where menu = ? and day between ? and ?", (menu_id, first, last)
        ).fetchall()

    def _seconds(self) -> float:
        return self._platform.now().timestamp()


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
