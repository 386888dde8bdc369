"""試験の土台: 本物のPostgreSQL、模擬LINE、動かせる時計。"""

from __future__ import annotations

import os
import re
import secrets
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import pytest_asyncio

os.environ.setdefault("PICCOLO_CONF", "backend.database.piccolo_conf")

from backend.database import embedded, migrating
from backend.settings import Settings
from backend.store.pool import DB, close_pool, open_pool

if TYPE_CHECKING:
    from backend.line.gateway import Gateway
    from backend.residents.address import AddressKeys
    from tests.simulator.running import RunningSimulator

CHANNEL_ID = "1650000000"
CHANNEL_SECRET = "0123456789abcdef0123456789abcdef"
LOGIN_CHANNEL_ID = "1660000000"
LIFF_ID = f"{LOGIN_CHANNEL_ID}-Bunkyo01"


_FIGURE = re.compile(r"([A-Z])(\d{1,2})(?:\([^)]*\))?: .+")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """試験が印字した、検査の数(「C3: …」のように検査の名で始まる行)を、走りの終わりにまとめて出す(CHECKS 5)。"""
    found = {
        (match[1], int(match[2]), line)
        for reports in terminalreporter.stats.values()
        for report in reports
        for line in getattr(report, "capstdout", "").splitlines()
        if (match := _FIGURE.fullmatch(line.strip()))
    }
    if found:
        terminalreporter.section("検査の数")
    for _, _, line in sorted(found):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Server]:
    """この試験の走りだけのPostgreSQL。"""
    server = embedded.start(tmp_path_factory.mktemp("pg"))
    yield server
    server.stop("immediate")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def schema(server: embedded.Server) -> AsyncIterator[embedded.Server]:
    """移行の済んだデータベース。移行が入れた行は `seed` に取っておき、試験ごとに戻す。"""
    await migrating.migrate(server.owner_url, application_role="ward_app", movable_clock=True)
    owner = await asyncpg.connect(server.owner_url)
    await owner.execute("create schema seed")
    for table in await _tables(owner):
        if await owner.fetchval(f'select exists (select from "{table}")'):
            await owner.execute(f'create table seed."{table}" as table "{table}"')
    await owner.close()
    await open_pool(server.app_url, size=8)
    yield server
    await close_pool()


@pytest_asyncio.fixture(loop_scope="session")
async def database(schema: embedded.Server) -> embedded.Server:
    """空の(移行の直後の)データベースと、開いた束。"""
    owner = await asyncpg.connect(schema.owner_url)
    try:
        await _empty(owner)
    except asyncpg.LockNotAvailableError:
        warnings.warn(f"前の試験の取引が終わっていません: {await _end_others(owner)}", stacklevel=1)
        await _empty(owner)
    await owner.close()
    if DB.pool is None:  # 前の試験が、束を閉じたまま倒れた
        await open_pool(schema.app_url, size=8)
    return schema


@pytest_asyncio.fixture(loop_scope="session")
async def owner(database: embedded.Server) -> AsyncIterator[asyncpg.Connection]:
    """持ち主の役割での接続。外からの目として使う。"""
    connection = await asyncpg.connect(database.owner_url)
    yield connection
    await connection.close()


@pytest.fixture(scope="session")
def running_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    from tests.simulator.running import RunningSimulator

    simulator = RunningSimulator(
        tmp_path_factory.mktemp("sim"),
        channel_id=CHANNEL_ID,
        channel_secret=CHANNEL_SECRET,
        liff_id=LIFF_ID,
    )
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def simulator(running_simulator: RunningSimulator) -> RunningSimulator:
    """空の模擬LINE。"""
    running_simulator.reset()
    return running_simulator


@pytest.fixture
def settings(tmp_path: Path, schema: embedded.Server) -> Settings:
    """模擬LINEのない設定。LINEに触れる試験は `line_settings` を使う。"""
    nowhere = "http://127.0.0.1:9"
    return make_settings(tmp_path, database_url=schema.app_url, owner_url=schema.owner_url, simulator_url=nowhere)


@pytest.fixture
def line_settings(settings: Settings, simulator: RunningSimulator) -> Settings:
    """模擬LINEを向いた設定。"""
    return settings.model_copy(update={"line_api_host": simulator.url, "simulator_url": simulator.url})


@pytest.fixture
def keys(settings: Settings) -> AddressKeys:
    from backend.residents.address import AddressKeys

    return AddressKeys.from_settings(settings)


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(simulator: RunningSimulator) -> AsyncIterator[Gateway]:
    from backend.line.gateway import Gateway

    gateway = Gateway(simulator.url, CHANNEL_ID, CHANNEL_SECRET)
    yield gateway
    await gateway.close()


KEYS = {name: f"1:{secrets.token_hex(64)}" for name in ("index", "cipher", "session")}


def make_settings(
    data_dir: Path, *, database_url: str, owner_url: str, simulator_url: str, public_url: str = "http://127.0.0.1:8000"
) -> Settings:
    """試験の設定。鍵は走りごとに一組。"""
    return Settings(
        mode="demo",  # type: ignore[arg-type]
        data_dir=data_dir,
        database_url=database_url,  # type: ignore[arg-type]
        database_owner_url=owner_url,  # type: ignore[arg-type]
        public_url=public_url,
        line_api_host=simulator_url,
        simulator_url=simulator_url,
        line_channel_id=CHANNEL_ID,
        line_channel_secret=CHANNEL_SECRET,  # type: ignore[arg-type]
        line_login_channel_ids=[LOGIN_CHANNEL_ID],
        line_login_channel_secret="f" * 32,  # type: ignore[arg-type]
        liff_id=LIFF_ID,
        chief_check=False,  # 課長確認は messages/test_chief.py が試す
        address_index_keys=KEYS["index"],  # type: ignore[arg-type]
        address_cipher_keys=KEYS["cipher"],  # type: ignore[arg-type]
        session_keys=KEYS["session"],  # type: ignore[arg-type]
        erasure_key="1" * 64,  # type: ignore[arg-type]
        receipt_signing_key="2" * 64,  # type: ignore[arg-type]
    )


async def _empty(owner: asyncpg.Connection) -> None:
    tables = ", ".join(f'"{table}"' for table in await _tables(owner))
    async with owner.transaction():
        await owner.execute("set local lock_timeout = '20s'")
        await owner.execute("set local session_replication_role = replica")  # 戻す順を、外部キーに問われない
        await owner.execute(f"truncate {tables} restart identity cascade")
        for row in await owner.fetch("select tablename from pg_tables where schemaname = 'seed'"):
            table = row["tablename"]
            await owner.execute(f'insert into "{table}" overriding system value table seed."{table}"')
        await owner.execute("update clock_offset set shift = '0'")


async def _end_others(owner: asyncpg.Connection) -> list[tuple[str, str]]:
    """取引を開いたままのほかの接続を切り、何をしていたかを返す。"""
    rows = await owner.fetch(
        "select state, query, pg_terminate_backend(pid) from pg_stat_activity "
        "where pid <> pg_backend_pid() and datname = current_database() and xact_start is not null"
    )
    return [(row["state"], row["query"][:200]) for row in rows]


async def _tables(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch("select tablename from pg_tables where schemaname = 'public' and tablename <> 'migration'")
    return [row["tablename"] for row in rows]
