"""仕事の単位: 一つの動詞を一つの取引で行う。切れた接続は一度だけやり直す。"""

import asyncio
import contextlib
import contextvars
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from backend.errors import Unavailable
from backend.store.pool import ACQUIRE_SECONDS, DB, LOST, SERVER_GONE, raw

T = TypeVar("T")
RECONNECT_SECONDS = 8.0
log = logging.getLogger(__name__)


async def run(verb: Callable[..., Awaitable[T]], *args: Any, **kwargs: Any) -> T:
    """`verb(*args, **kwargs)` を一つの取引で行い、その値を返す。

    新しい文脈で動くので、前の取引の名残を持ち込まない(DESIGN 4: Piccoloは切れた取引を文脈に残す)。
    確定の前に接続が切れたら、つながり直して一度だけやり直す。確定の途中で切れたら、やり直さずに
    `Unavailable` にする: 保存されたかどうかは読み直さなければ分からない。
    """
    for attempt in (1, 2):
        task = asyncio.create_task(_once(verb, args, kwargs), context=contextvars.Context())
        try:
            return await task
        except _LostBeforeCommit as lost:
            log.warning("データベースとの接続が切れました(%s、%d回目)", lost.__cause__.__class__.__name__, attempt)
            if attempt == 2 or not await _reachable():
                raise Unavailable(
                    "ただいまデータベースにつながりません。何も保存していません。",
                    next_step="少し待ってから、もう一度お試しください。",
                ) from lost.__cause__
    raise AssertionError


async def sql(query: str, *args: Any) -> list[dict[str, Any]]:
    """asyncpgの書き方(`$1`)のSQLを、いまの取引(なければ束の一本)で行う。行はdictで返る。"""
    async with raw() as connection:
        return [dict(row) for row in await connection.fetch(query, *args)]


@dataclass
class _Running:
    """Piccoloが取引の最中に見るもの。"""

    connection: Any


class _LostBeforeCommit(Exception):
    pass


async def _once(verb: Callable[..., Awaitable[T]], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
    pool = DB.pool
    if pool is None:
        raise Unavailable("データベースの準備ができていません。")
    try:
        connection = await pool.acquire(timeout=ACQUIRE_SECONDS)
    except LOST as error:
        raise _LostBeforeCommit from error
    try:
        return await _in_transaction(connection, verb, args, kwargs)
    finally:
        await _give_back(pool, connection)


async def _in_transaction(
    connection: Any, verb: Callable[..., Awaitable[T]], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> T:
    transaction = connection.transaction()
    try:
        await transaction.start()
        DB.current_transaction.set(_Running(connection))  # type: ignore[arg-type]  # Piccoloが読むのは.connectionだけ
        value = await verb(*args, **kwargs)
    except BaseException as error:
        if not _closed(connection):
            try:
                await transaction.rollback()
            except LOST as lost:
                raise _LostBeforeCommit from lost
        elif not isinstance(error, Exception):
            raise
        if _closed(connection) or isinstance(error, SERVER_GONE):
            raise _LostBeforeCommit from error
        raise
    try:
        await transaction.commit()
    except LOST as error:
        raise Unavailable(
            "保存の途中でデータベースとの接続が切れました。",
            next_step="画面を開き直して、保存されたかどうかを確かめてください。",
        ) from error
    return value


def _closed(connection: Any) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # 切れた接続は、束がもう引き取っている
        return True


async def _give_back(pool: Any, connection: Any) -> None:
    try:
        await pool.release(connection)
    except LOST:
        with contextlib.suppress(asyncpg.InterfaceError):
            connection.terminate()


async def _reachable() -> bool:
    """つながるまで、間を広げながら `RECONNECT_SECONDS` 秒まで待つ。"""
    deadline = asyncio.get_running_loop().time() + RECONNECT_SECONDS
    pause = 0.05
    while asyncio.get_running_loop().time() < deadline:
        try:
            async with raw() as connection:
                await connection.fetchval("select 1")
        except LOST:
            await asyncio.sleep(pause)
            pause = min(pause * 2, 0.5)
        else:
            return True
    return False
