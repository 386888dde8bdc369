"""表の移行を行い、アプリケーションの役割に権利を配る。"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from backend.database import grants
from backend.errors import Refused
from backend.store.pool import DB, close_pool, open_pool

if TYPE_CHECKING:  # 移行の道具は重い。移行を行うときだけ読み込む
    from piccolo.apps.migrations.auto.migration_manager import MigrationManager

APP = "ward"
_FOLDER = Path(__file__).parent / "migrations"
_IDENTITY = re.compile(r'^ID = "([^"]+)"', re.MULTILINE)
_LOCK = 4_131_059  # 二つの `ward migrate` が重ならないための印(値に意味はない)


def migration(identity: str, description: str, sql: str) -> MigrationManager:
    """手書きのSQLを一つの移行にする。DDLも取引の中で行われる。"""
    from piccolo.apps.migrations.auto.migration_manager import MigrationManager

    manager = MigrationManager(migration_id=identity, app_name=APP, description=description)
    manager.add_raw(_runner(sql))
    return manager


async def migrate(owner_url: str, *, application_role: str, movable_clock: bool) -> list[str]:
    """持ち主の役割でまだの移行をすべて行い、権利を配り直す。行った移行のIDを返す。

    すべて一つの取引: 途中で殺されても、前の形か後の形のどちらかである。
    """
    os.environ.setdefault("PICCOLO_CONF", "backend.database.piccolo_conf")
    from piccolo.apps.migrations.commands.forwards import run_forwards

    done: list[str] = []
    await open_pool(owner_url, size=2)
    try:
        async with DB.transaction():
            connection = DB.current_transaction.get().connection  # type: ignore[union-attr]
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            before = await _done(connection)
            with contextlib.redirect_stdout(io.StringIO()):
                result = await run_forwards(APP)
            if not result.success:
                raise Refused(f"データベースの移行ができませんでした: {result.message}")
            for statement in grants.statements(await tables(connection), application_role, movable_clock):
                await connection.execute(statement)
            done = [identity for identity in await _done(connection) if identity not in before]
    except asyncpg.PostgresError as error:
        raise Refused(
            f"データベースの移行ができませんでした: {error}", next_step="データベースは移行の前のままです。"
        ) from error
    finally:
        await close_pool()
    return done


async def pending() -> list[str]:
    """まだ行われていない移行のID。`/readyz` が使う。"""
    async with DB.pool.acquire() as connection:  # type: ignore[union-attr]
        done = await _done(connection)
    return sorted(set(known()) - set(done))


@functools.cache
def known() -> tuple[str, ...]:
    """このプログラムが知っている移行のID。移行のファイルを読み込まずに、文字だけから拾う。"""
    files = sorted(_FOLDER.glob("t*.py"))
    return tuple(found[1] for path in files if (found := _IDENTITY.search(path.read_text(encoding="utf-8"))))


def _runner(sql: str) -> Callable[[], Coroutine[Any, Any, None]]:
    async def run_sql() -> None:
        await DB.current_transaction.get().connection.execute(sql)  # type: ignore[union-attr]

    return run_sql


async def _done(connection: Any) -> list[str]:
    if not await connection.fetchval("select to_regclass('migration') is not null"):
        return []
    rows = await connection.fetch("select name from migration where app_name = $1 order by name", APP)
    return [row["name"] for row in rows]


async def tables(connection: Any) -> list[str]:
    """データベースにある表の名。"""
    rows = await connection.fetch("select tablename from pg_tables where schemaname = 'public' order by 1")
    return [row["tablename"] for row in rows]
