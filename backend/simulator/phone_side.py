"""電話の側から見た模擬LINE: phone_line.py の `Line` を、状態の持ち主たちから組み立てる。"""

import asyncio
import secrets
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.simulator.ledger import Ledger
from backend.simulator.phone_line import Call, Received
from backend.simulator.platform import Person, Platform
from backend.simulator.richmenus import RichMenus
from backend.simulator.webhooks import Webhooks


class PhoneSide:
    def __init__(self, platform: Platform, ledger: Ledger, menus: RichMenus, webhooks: Webhooks) -> None:
        self._platform = platform
        self._ledger = ledger
        self._menus = menus
        self._webhooks = webhooks

    def now(self) -> datetime:
        return self._platform.now()

    def person(self, user: str) -> Person | None:
        return self._platform.person(user)

    def search(self, text: str, offset: int, limit: int) -> tuple[list[Person], int]:
        return self._platform.search(text, offset, limit)

    def subscribe(self) -> AbstractContextManager["asyncio.Queue[set[str] | None]"]:
        return self._platform.subscribe()

    # ── 読む ──

    def inbox(self, user: str) -> list[Received]:
        return [_received(got) for got in self._ledger.inbox(user)]

    def last(self, user: str) -> Received | None:
        newest = self._ledger.inbox(user, newest=1)
        return _received(newest[0]) if newest else None

    def inbox_size(self, user: str) -> int:
        return self._ledger.inbox_size(user)

    def menu_of(self, user: str) -> tuple[str, dict[str, Any]] | None:
        """個人に結んだもの、なければ既定のもの。友だちでない人にも既定のものは見える(LINE.md 1.1)。"""
        menu_id = self._menus.shown_to(user)
        body = self._menus.get(menu_id) if menu_id else None
        return (menu_id, body) if menu_id and body else None

    def menu_image(self, menu_id: str) -> tuple[bytes, str] | None:
        image = self._menus.image(menu_id)
        return (image.body, image.content_type) if image else None

    def menu_by_alias(self, alias: str) -> str | None:
        return self._menus.aliases().get(alias)

    def calls(self, limit: int) -> list[Call]:
        return [
            Call(datetime.fromisoformat(at), endpoint, status, recipients)
            for at, endpoint, status, recipients in self._ledger.newest(limit)
        ]

    # ── 電話ですること ──

    def link_menu(self, user: str, menu_id: str) -> None:
        self._menus.link(user, menu_id)

    def tap(self, user: str, menu_id: str, area: int) -> None:
        self._menus.tap(menu_id, area, [user])

    async def follow(self, user: str) -> None:
        """友だち追加、またはブロックの解除。"""
        person = self._known(user)
        self._platform.put_people([replace(person, friend=True, blocked=False)])
        self._webhooks.emit(user, "follow", replyToken=_reply_token(), follow={"isUnblocked": person.blocked})

    async def unfollow(self, user: str) -> None:
        """ブロック。返事の札も、あとからのプロフィールもない。"""
        self._platform.put_people([replace(self._known(user), blocked=True)])
        self._webhooks.emit(user, "unfollow")

    async def say(self, user: str, text: str) -> None:
        number = str(secrets.randbelow(9 * 10**17) + 10**17)
        message = {"type": "text", "id": number, "quoteToken": secrets.token_urlsafe(24), "text": text}
        self._webhooks.emit(user, "message", replyToken=_reply_token(), message=message)
        self._platform.tell({user})

    async def postback(self, user: str, data: str, params: dict[str, str] | None) -> None:
        sent = {"data": data, "params": params} if params else {"data": data}
        self._webhooks.emit(user, "postback", replyToken=_reply_token(), postback=sent)
        self._platform.tell({user})

    def _known(self, user: str) -> Person:
        person = self._platform.person(user)
        if person is None:
            raise KeyError(user)
        return person


def _received(got: dict[str, Any]) -> Received:
    return Received(datetime.fromisoformat(got["at"]), got["request_id"], got["messages"], got["silent"])


def _reply_token() -> str:
    return secrets.token_hex(16)
