"""取引: 一つの動詞は、すべて行われるか、何も行われない。"""

import asyncio

import asyncpg
import pytest

from backend.database.embedded import Server
from backend.errors import Refused, Unavailable
from backend.store import work
from backend.store.pool import DB, close_pool, open_pool, raw


@pytest.fixture
async def notebook(owner: asyncpg.Connection):
    """試験だけの表。"""
    await owner.execute("create table if not exists notebook (line text primary key)")
    await owner.execute("truncate notebook; grant all on notebook to ward_app")
    yield owner
    await owner.execute("drop table notebook")


async def write(line: str) -> str:
    await work.sql("insert into notebook values ($1)", line)
    return line


async def write_then_refuse(line: str) -> None:
    await write(line)
    raise Refused("ここでやめます。")


async def lines(owner: asyncpg.Connection) -> list[str]:
    return [row["line"] for row in await owner.fetch("select line from notebook order by 1")]


async def test_a_unit_of_work_returns_its_value_and_stays(notebook: asyncpg.Connection) -> None:
    assert await work.run(write, "a") == "a"
    assert await lines(notebook) == ["a"]


async def test_a_refusal_leaves_nothing_behind(notebook: asyncpg.Connection) -> None:
    with pytest.raises(Refused):
        await work.run(write_then_refuse, "a")
    assert await lines(notebook) == []


async def test_a_cancelled_unit_of_work_leaves_nothing_and_frees_its_connection(notebook: asyncpg.Connection) -> None:
    async def write_then_wait() -> None:
        await write("a")
        await asyncio.sleep(60)

    for _ in range(12):  # 束の本数より多く
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(work.run(write_then_wait), 0.05)
    await asyncio.wait_for(work.run(write, "b"), 2)
    assert await lines(notebook) == ["b"]


async def test_a_unit_of_work_inside_another_is_its_own_transaction(notebook: asyncpg.Connection) -> None:
    async def outer() -> None:
        await work.run(write, "inner")
        raise Refused("外はやめます。")

    with pytest.raises(Refused):
        await work.run(outer)
    assert await lines(notebook) == ["inner"]


async def test_sql_outside_a_unit_of_work_uses_one_connection_of_the_pool(notebook: asyncpg.Connection) -> None:
    assert await work.sql("select 1 as one") == [{"one": 1}]


async def test_many_units_of_work_share_a_small_pool(notebook: asyncpg.Connection) -> None:
    await asyncio.gather(*(work.run(write, f"{number:03}") for number in range(100)))
    assert len(await lines(notebook)) == 100


async def test_a_connection_ended_from_outside_is_tried_again_once(notebook: asyncpg.Connection) -> None:
    tries: list[int] = []

    async def write_and_lose_the_first_time() -> None:
        await write("a")
        tries.append(1)
        if len(tries) == 1:
            pid = (await work.sql("select pg_backend_pid() as pid"))[0]["pid"]
            await notebook.execute("select pg_terminate_backend($1)", pid)
        await work.sql("select 1")

    await work.run(write_and_lose_the_first_time)
    assert (len(tries), await lines(notebook)) == (2, ["a"])


async def test_a_connection_lost_twice_says_that_nothing_was_saved(notebook: asyncpg.Connection) -> None:
    async def always_lost() -> None:
        await write("a")
        pid = (await work.sql("select pg_backend_pid() as pid"))[0]["pid"]
        await notebook.execute("select pg_terminate_backend($1)", pid)
        await work.sql("select 1")

    with pytest.raises(Unavailable, match="何も保存していません"):
        await work.run(always_lost)
    assert await lines(notebook) == []


async def test_without_a_pool_the_verb_is_unavailable(schema: Server) -> None:
    await close_pool()
    try:
        with pytest.raises(Unavailable):
            await work.run(write, "a")
        with pytest.raises(Unavailable):
            async with raw():
                pass
    finally:
        await open_pool(schema.app_url, size=8)


async def test_opening_the_pool_where_no_database_is_says_so(schema: Server) -> None:
    await close_pool()
    try:
        with pytest.raises(Unavailable, match="データベースにつながりません"):
            await open_pool("postgresql://ward_app@/ward?host=/nowhere")
        assert DB.pool is None
    finally:
        await open_pool(schema.app_url, size=8)


async def test_a_failure_of_the_verb_itself_is_not_taken_for_a_lost_connection(notebook: asyncpg.Connection) -> None:
    tries: list[int] = []

    async def write_and_fail_on_a_file() -> None:
        tries.append(1)
        await write("a")
        raise FileNotFoundError("記録のファイル")

    with pytest.raises(FileNotFoundError):
        await work.run(write_and_fail_on_a_file)
    assert (len(tries), await lines(notebook)) == (1, [])
