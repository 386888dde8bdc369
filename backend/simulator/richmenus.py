"""リッチメニューの状態: メニュー、絵、別名、既定、一人ずつの結び付き(LINE.md 1.1)。"""

import json
import secrets
from dataclasses import dataclass
from typing import Any

from backend.simulator.platform import Platform

SCHEMA = """
create table if not exists menu (
  id text primary key, position integer not null, object text not null, image blob, content_type text);
create table if not exists menu_alias (alias text primary key, menu text not null);
create table if not exists menu_link (user text primary key, menu text not null);
create table if not exists menu_batch (
  request_id text primary key, resume_key text, accepted_at text not null, completed_at text, phase text not null);
"""


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

    def all(self) -> list[dict[str, Any]]:
        rows = self._db.execute("select id, object from menu order by position").fetchall()
        return [{"richMenuId": menu_id, **json.loads(text)} for menu_id, text in rows]

    def delete(self, menu_id: str) -> bool:
        with self._platform.changing() as db:
            done = db.execute("delete from menu where id = ?", (menu_id,)).rowcount > 0
            db.execute("delete from menu_link where menu = ?", (menu_id,))
            db.execute("delete from menu_alias where menu = ?", (menu_id,))
        if self.default() == menu_id:
            self.set_default(None)
        self._platform.tell("menu")
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
        self._platform.tell("menu")

    def owned_by_console(self) -> bool:
        """管理画面で作ったメニューが既定になっている(403のもと)。"""
        return bool(self._platform.recall("console_default"))

    def link(self, user: str, menu_id: str) -> None:
        """友だちでない人には黙って結ばない(LINEと同じ)。"""
        person = self._platform.person(user)
        if person is None or not person.reachable:
            return
        with self._platform.changing() as db:
            db.execute("insert or replace into menu_link values (?, ?)", (user, menu_id))
        self._platform.tell("menu", user)

    def unlink(self, user: str) -> None:
        with self._platform.changing() as db:
            db.execute("delete from menu_link where user = ?", (user,))
        self._platform.tell("menu", user)

    def unlink_all(self) -> None:
        with self._platform.changing() as db:
            db.execute("delete from menu_link")
        self._platform.tell("menu")

    def move(self, old: str, new: str | None) -> None:
        with self._platform.changing() as db:
            if new is None:
                db.execute("delete from menu_link where menu = ?", (old,))
            else:
                db.execute("update menu_link set menu = ? where menu = ?", (new, old))
        self._platform.tell("menu")

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
        self._platform.tell("menu")

    def delete_alias(self, alias: str) -> bool:
        with self._platform.changing() as db:
            return db.execute("delete from menu_alias where alias = ?", (alias,)).rowcount > 0

    # ── まとめての置き換え ──

    def start_batch(self, request_id: str, resume_key: str | None) -> None:
        with self._platform.changing() as db:
            now = self._platform.now().isoformat(timespec="milliseconds")
            db.execute("insert into menu_batch values (?, ?, ?, null, 'ongoing')", (request_id, resume_key, now))

    def finish_batch(self, request_id: str) -> None:
        with self._platform.changing() as db:
            now = self._platform.now().isoformat(timespec="milliseconds")
            db.execute(
                "update menu_batch set phase = 'succeeded', completed_at = ? where request_id = ?", (now, request_id)
            )

    def batch(self, request_id: str) -> dict[str, Any] | None:
        row = self._db.execute(
            "select phase, accepted_at, completed_at from menu_batch where request_id = ?", (request_id,)
        ).fetchone()
        if row is None:
            return None
        progress = {"phase": row[0], "acceptedTime": row[1]}
        return {**progress, "completedTime": row[2]} if row[2] else progress
