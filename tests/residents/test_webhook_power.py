"""W1: Webhookの途中でデータベースが電源断のように止まる。200と答えたものは失われず、答えなかったものはLINEの送り直しで済む。"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from backend.database import embedded, migrating
from backend.residents import preferences
from backend.residents.address import AddressKeys
from backend.settings import Settings
from backend.store import work
from backend.store.pool import close_pool, open_pool
from tests import cast
from tests.residents.conftest import PUBLIC
from tests.residents.people import user
from tests.residents.test_webhook import AREA_ONLY, body, event, later, sign

PEOPLE, LANES, CUTS = 240, 6, 2


@pytest_asyncio.fixture(loop_scope="session")
async def shaken(tmp_path: Path, schema: embedded.Server) -> AsyncIterator[embedded.Server]:
    """この試験だけの、移行の済んだサーバーと、そこへの束。"""
    server = embedded.start(tmp_path)
    await migrating.migrate(server.owner_url, application_role="ward_app", movable_clock=True)
    await close_pool()
    await open_pool(server.app_url, size=LANES + 2)
    yield server
    await close_pool()
    server.stop("immediate")
    await open_pool(schema.app_url, size=8)


async def test_an_answered_block_survives_a_power_cut_and_an_unanswered_one_is_sent_again(
    shaken: embedded.Server, settings: Settings, keys: AddressKeys
):
    people = [user(20_000 + n) for n in range(PEOPLE)]
    await work.run(preferences.save_many, keys, [(one, AREA_ONLY) for one in people])
    waiting = [body(event("unfollow", one, await later(1), n)) for n, one in enumerate(people)]
    took: list[float] = []
    refused: list[int] = []
    transport = httpx.ASGITransport(app=cast.make_app(settings), raise_app_exceptions=False)

    async def lane(line: httpx.AsyncClient) -> None:
        while waiting:
            raw = waiting.pop()
            for _ in range(60):
                began = time.perf_counter()
                answer = await line.post("/line/webhook", content=raw, headers={"x-line-signature": sign(raw)})
                if answer.status_code == 200:
                    took.append((time.perf_counter() - began) * 1000)
                    break
                refused.append(answer.status_code)
                await asyncio.sleep(0.2)

    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, trust_env=False) as line:
        lanes = [asyncio.create_task(lane(line)) for _ in range(LANES)]
        for cut in range(1, CUTS + 1):
            await _until(lambda: len(took) >= PEOPLE * cut // (CUTS + 2))  # noqa: B023  すぐ待つ
            await asyncio.to_thread(shaken.restart_immediate)
        await asyncio.gather(*lanes)
    left = await _left(keys, people)
    took.sort()
    print(
        f"W1: 電源断 {CUTS}回、ブロック {PEOPLE}、答えられなかった {len(refused)}、食い違い {len(left)}、"
        f"返事 中央 {took[len(took) // 2]:.0f} ms"
    )
    assert len(took) == PEOPLE
    assert set(refused) <= {503}
    assert left == []


async def _left(keys: AddressKeys, people: list[str]) -> list[str]:
    return [one for one in people if await preferences.held(keys, one) is not None]


async def _until(reached: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
