"""保存の最中にサーバーが電源断のように止まる: 何も失われず、何も二度書かれず、プロセスは自分で立ち直る(CHECKS D7)。"""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from backend.database import embedded
from backend.errors import Unavailable
from backend.store import listen, work
from backend.store.pool import close_pool, open_pool

SEED = 20261124
WRITERS = 6


@pytest.fixture
async def shaken(tmp_path: Path, schema: embedded.Server):
    """この試験だけのサーバーと、そこへの束。"""
    server = embedded.start(tmp_path)
    owner = await asyncpg.connect(server.owner_url)
    await owner.execute("create table diary (writer int, line int); grant all on diary to ward_app")
    await owner.close()
    await close_pool()
    await open_pool(server.app_url, size=WRITERS + 2)
    yield server
    await close_pool()
    server.stop("immediate")
    await open_pool(schema.app_url, size=8)


async def write(writer: int, line: int, pause: float) -> None:
    await work.sql("insert into diary values ($1, $2)", writer, line)
    await asyncio.sleep(pause)


class Book:
    """書き手の側の帳面: 保存できたと言われたもの、分からないと言われたもの。"""

    def __init__(self) -> None:
        self.saved: set[tuple[int, int]] = set()
        self.refused: set[tuple[int, int]] = set()
        self.last = 0.0

    async def keep(self, writer: int, until: asyncio.Event) -> None:
        chance = random.Random(SEED + writer)
        line = 0
        while not until.is_set():
            line += 1
            try:
                await work.run(write, writer, line, chance.random() * 0.02)
            except Unavailable:
                self.refused.add((writer, line))
            else:
                self.saved.add((writer, line))
                self.last = time.monotonic()
            await asyncio.sleep(0)


async def test_three_power_cuts_lose_nothing_and_double_nothing(shaken: embedded.Server) -> None:
    book, stop = Book(), asyncio.Event()
    writers = [asyncio.create_task(book.keep(number, stop)) for number in range(WRITERS)]
    for _ in range(3):
        await asyncio.sleep(0.4)
        await asyncio.to_thread(shaken.restart_immediate)
    restarted = time.monotonic()
    await asyncio.sleep(1)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*writers), 20)

    rows = Counter((row["writer"], row["line"]) for row in await work.sql("select writer, line from diary"))
    print(f"seed {SEED}: 保存 {len(book.saved)}、不明・断り {len(book.refused)}、行 {len(rows)}")
    assert max(rows.values()) == 1
    assert book.saved <= set(rows)
    assert set(rows) - book.saved <= book.refused
    assert book.last > restarted


async def test_listening_learns_of_the_cut_and_can_begin_again(shaken: embedded.Server) -> None:
    async with listen.listening("spring") as queue:
        await asyncio.to_thread(shaken.restart_immediate)
        assert await asyncio.wait_for(queue.get(), 3) == listen.LOST_CONNECTION
    async with listen.listening("spring") as queue:
        await work.run(listen.notify, "spring", "花")
        assert await asyncio.wait_for(queue.get(), 3) == ("spring", "花")
