"""知らせ: 取引の確定で届き、接続が切れたら分かる。"""

import asyncio

import asyncpg
import pytest

from backend.errors import Refused
from backend.store import listen, work


async def arrives(queue: "asyncio.Queue[tuple[str, str]]", seconds: float = 2) -> tuple[str, str]:
    return await asyncio.wait_for(queue.get(), seconds)


async def test_a_notice_arrives_with_its_words(database: object) -> None:
    async with listen.listening("spring") as queue:
        await listen.notify("spring", "花")
        assert await arrives(queue) == ("spring", "花")


async def test_a_notice_of_a_refused_unit_of_work_never_arrives(database: object) -> None:
    async def tell_then_refuse() -> None:
        await listen.notify("spring", "まだ")
        raise Refused("やめます。")

    async with listen.listening("spring") as queue:
        with pytest.raises(Refused):
            await work.run(tell_then_refuse)
        await listen.notify("spring", "花")
        assert await arrives(queue) == ("spring", "花")


async def test_a_lost_connection_puts_its_mark_in_the_queue(owner: asyncpg.Connection) -> None:
    async with listen.listening("spring") as queue:
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%' and pid <> pg_backend_pid()"
        )
        assert await arrives(queue) == listen.LOST_CONNECTION


async def test_leaving_closes_the_connection(owner: asyncpg.Connection) -> None:
    async with listen.listening("spring"):
        pass
    await asyncio.sleep(0.1)
    listening = await owner.fetchval(
        "select count(*) from pg_stat_activity where query ilike 'listen \"spring\"%' or query ilike 'listen spring%'"
    )
    assert listening == 0
