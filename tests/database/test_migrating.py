"""移行: 何度でも、二つ同時でも、同じところに着く。"""

import asyncio
import os
import sys

import asyncpg
import pytest

from backend.database import migrating
from backend.database.embedded import Server
from backend.errors import Refused
from backend.store.pool import close_pool, open_pool

MIGRATE = (
    "import asyncio, sys; from backend.database import migrating as m;"
    "print(len(asyncio.run(m.migrate(sys.argv[1], application_role='ward_app', movable_clock=True))))"
)


@pytest.fixture
async def blank(schema: Server):
    """移行の前の、空のデータベースへの持ち主の接続先。"""
    owner = await asyncpg.connect(schema.owner_url)
    await owner.execute("create database blank")
    yield schema.owner_url.replace("/ward?", "/blank?")
    await owner.execute("drop database blank with (force)")
    await owner.close()
    await open_pool(schema.app_url, size=8)


async def migrate_elsewhere(url: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", MIGRATE, url, stdout=asyncio.subprocess.PIPE, env={**os.environ}
    )
    out, _ = await process.communicate()
    return int(out)


async def test_nothing_is_pending_after_migrating(database: Server) -> None:
    assert await migrating.pending() == []


async def test_an_empty_database_has_everything_pending(blank: str) -> None:
    await close_pool()
    await open_pool(blank)
    assert await migrating.pending()
    await close_pool()


async def test_two_migrations_at_once_do_the_work_once(blank: str) -> None:
    done = sorted(await asyncio.gather(migrate_elsewhere(blank), migrate_elsewhere(blank)))
    assert done[0] == 0
    assert done[1] > 0
    assert await migrate_elsewhere(blank) == 0


async def test_a_migration_that_fails_leaves_the_database_as_it_was(blank: str) -> None:
    owner = await asyncpg.connect(blank)
    await owner.execute("create table section (mine int)")  # 移行の途中でぶつかる
    with pytest.raises(Refused, match="移行ができませんでした"):
        await migrating.migrate(blank, application_role="ward_app", movable_clock=True)
    assert [
        row["tablename"] for row in await owner.fetch("select tablename from pg_tables where schemaname = 'public'")
    ] == ["section"]
    await owner.close()


async def test_the_application_cannot_change_the_schema(owner: asyncpg.Connection) -> None:
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("set local role ward_app")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("create table mine (line text)")
    await transaction.rollback()
