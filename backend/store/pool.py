"""接続の束。Piccoloのエンジンは一つで、行き先は起動のときに決まる。"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from piccolo.engine.postgres import PostgresEngine

from backend.errors import Unavailable


class _Engine(PostgresEngine):
    """接続先が決まる前に作られるので、作るときに版を確かめない(確かめるのは `database.embedded` と `ward doctor`)。"""

    async def check_version(self) -> None:
        return


DB = _Engine(config={}, extensions=())

SERVER_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
)
"""サーバーが「もう話せない」と告げたときの例外。"""

LOST = (*SERVER_GONE, asyncpg.InterfaceError, OSError)
"""接続が切れたときに asyncpg が投げる例外。SQLの誤りは含まない。時間切れ(TimeoutError)はOSErrorの一つ。"""

ACQUIRE_SECONDS = 10.0
OPEN_SECONDS, SERVICE_SECONDS = 5.0, 120.0
"""起動のとき、止まっているサーバーが起き直すのを待つ秒。人が待つ命令では短く、動き続ける画面と配信では長い。"""


# 百万人を数える計画のため: 索引だけを読む道を選ばせ(いまの記憶装置は、ばらばらに読んでも遅くない)、一度きりの翻訳はさせない。
_SETTINGS = {"random_page_cost": "1.1", "jit": "off"}


async def open_pool(dsn: str, *, size: int = 10, patience: float = OPEN_SECONDS) -> None:
    """`dsn` への接続を `size` 本まで束ねる。もう束があれば閉じて作り直す。

    `patience` 秒待ってもつながらなければ `Unavailable`。
    """
    if DB.pool:
        await close_pool()
    DB.config = {"dsn": dsn, "server_settings": _SETTINGS}
    deadline = time.monotonic() + patience
    while True:
        try:
            return await DB.start_connection_pool(min_size=1, max_size=size, command_timeout=60)
        except (*LOST, asyncpg.PostgresError) as error:
            if not isinstance(error, LOST) or time.monotonic() > deadline:
                raise Unavailable(f"データベースにつながりません({type(error).__name__})。") from error
        await asyncio.sleep(0.2)


async def close_pool() -> None:
    """束を閉じる。使われている接続は10秒だけ待つ。"""
    pool, DB.pool = DB.pool, None
    if pool:
        try:
            await asyncio.wait_for(pool.close(), 10)
        except TimeoutError:
            pool.terminate()


@asynccontextmanager
async def raw() -> AsyncIterator[Any]:
    """いまの取引の接続、なければ束から一本。asyncpgの接続そのもの。"""
    current = DB.current_transaction.get()
    if current:
        yield current.connection
        return
    if not DB.pool:
        raise Unavailable("データベースの準備ができていません。")
    async with DB.pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        yield connection
