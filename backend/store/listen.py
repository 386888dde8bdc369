"""PostgreSQLのLISTEN/NOTIFY。知らせは取引の確定で届く。"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from backend.errors import Unavailable
from backend.store import work
from backend.store.pool import DB, LOST

LOST_CONNECTION = ("", "")
"""接続が切れたことを列に流す印。受けた側は読み直してつなぎ直す。"""
_heard_by: set[asyncio.Queue[tuple[str, str]]] = set()


async def notify(channel: str, payload: str = "") -> None:
    """`channel` に `payload`(8000バイト未満)を知らせる。取引の中では確定のときに届く。"""
    await work.sql("select pg_notify($1, $2)", channel, payload)


def end_all() -> None:
    """プロセスが止まるので、聞いているすべての列に `LOST_CONNECTION` を流す。"""
    for queue in _heard_by:
        _put(queue, LOST_CONNECTION)


@asynccontextmanager
async def listening(*channels: str) -> AsyncIterator[asyncio.Queue[tuple[str, str]]]:
    """知らせを (channel, payload) の列として受ける。専用の接続を一本使い、抜けると閉じる。"""
    queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue(maxsize=1000)

    def arrived(_connection: Any, _pid: int, channel: str, payload: str) -> None:
        _put(queue, (channel, payload))

    def lost(_connection: Any) -> None:
        _put(queue, LOST_CONNECTION)

    try:
        connection = await DB.get_new_connection()
    except LOST as error:
        raise Unavailable("データベースにつながりません。") from error
    try:
        connection.add_termination_listener(lost)
        for channel in channels:
            await connection.add_listener(channel, arrived)
        _heard_by.add(queue)
        yield queue
    finally:
        _heard_by.discard(queue)
        connection.terminate()


def _put(queue: asyncio.Queue[tuple[str, str]], heard: tuple[str, str]) -> None:
    if not queue.full():
        queue.put_nowait(heard)
