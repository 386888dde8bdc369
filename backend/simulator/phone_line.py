"""模擬スマートフォンがLINEの側に求めること(phone_side.pyが満たす)。"""

import asyncio
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from backend.simulator.sign_in import People


@dataclass(frozen=True)
class Received:
    """一人の電話に着いた一回分(吹き出しは一つから五つ)。"""

    at: datetime
    request_id: str
    messages: list[dict[str, Any]]
    silent: bool


@dataclass(frozen=True)
class Call:
    """模擬LINEが受けた呼び出し。`recipients` は人数。"""

    at: datetime
    endpoint: str
    status: int
    recipients: int


@runtime_checkable  # Litestarが渡すときに確かめる
class Line(People, Protocol):
    def now(self) -> datetime: ...
    def inbox(self, user: str) -> list[Received]: ...
    def inbox_size(self, user: str) -> int: ...
    def menu_of(self, user: str) -> tuple[str, dict[str, Any]] | None: ...
    def menu_image(self, menu_id: str) -> tuple[bytes, str] | None: ...
    def menu_by_alias(self, alias: str) -> str | None: ...
    def link_menu(self, user: str, menu_id: str) -> None: ...
    def tap(self, user: str, menu_id: str, area: int) -> None: ...
    def calls(self, limit: int) -> list[Call]: ...
    def subscribe(self) -> AbstractContextManager[asyncio.Queue[set[str] | None]]: ...
    async def follow(self, user: str) -> None: ...
    async def unfollow(self, user: str) -> None: ...
    async def say(self, user: str, text: str) -> None: ...
    async def postback(self, user: str, data: str, params: dict[str, str] | None) -> None: ...
