"""Webhookの乱れ: 一万の出来事を、2割くり返し、順を乱して届け、途中で画面のサーバーを kill -9 する(CHECKS W1)。

`python -m tests.bench.webhooks [出来事の数]` は数を印字し、`tests/bench/results/webhooks.json` に書く。200を返さなかったものは、
LINEと同じように送り直す。サーバーのいない間の分は、模擬LINEが送り直す。正しい終わりの形は、起きた時刻だけから求める。
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from backend.consent.notices import Purpose
from backend.database import embedded, migrating
from backend.residents import preferences
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.settings import Settings
from backend.store import clock, work
from backend.store.pool import close_pool, open_pool
from tests import cast
from tests.browser.running_web import RunningWeb
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LIFF_ID, make_settings
from tests.simulator.running import RunningSimulator

RESULTS = Path(__file__).parent / "results" / "webhooks.json"
LINES = 8
A_POST = 5
AWAY = 20
LEVEL_MS = 200


@dataclass
class Delivered:
    """届けた結果。`took_ms` は200で返った一通ごとの時間。"""

    took_ms: list[float] = field(default_factory=list[float])
    refused: int = 0
    retried: int = 0


def run(events: int = 10_000, seed: int | None = None) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="webhook-bench-") as name:
        folder = Path(name)
        for part in ("line", "web"):
            (folder / part).mkdir()
        server = embedded.start(folder / "pg")
        line = RunningSimulator(folder / "line", channel_id=CHANNEL_ID, channel_secret=CHANNEL_SECRET, liff_id=LIFF_ID)
        try:
            line.start()
            return asyncio.run(_whole(server, line, folder, events, seed))
        finally:
            line.stop()
            server.stop("immediate")


async def _whole(
    server: embedded.Server, line: RunningSimulator, folder: Path, events: int, seed: int | None
) -> dict[str, Any]:
    await migrating.migrate(server.owner_url, application_role="ward_app", movable_clock=True)
    await open_pool(server.app_url, size=4)
    settings = make_settings(
        folder / "web", database_url=server.app_url, owner_url=server.owner_url, simulator_url=line.url
    )
    try:
        return await measure(settings, line, folder / "web", events, seed)
    finally:
        await close_pool()


async def measure(
    settings: Settings, line: RunningSimulator, folder: Path, events: int, seed: int | None = None
) -> dict[str, Any]:
    """束は開いていること。`events` 件を届け、食い違い、返事の時間、送り直しの数を返す。"""
    seed = time.time_ns() % 2**32 if seed is None else seed
    chance = random.Random(seed)
    keys = AddressKeys.from_settings(settings)
    people = [cast.user(n) for n in range(max(50, events // 8))]
    away = [cast.user(1_000_000 + n) for n in range(AWAY)]
    area = Choices(purposes=Purpose.AREA, area=cast.HONGO_3)
    await work.run(preferences.save_many, keys, [(one, area) for one in (*people, *away)])
    line.add_friends(*away)
    # 保存の文の時刻。保存が終わった時刻では、その間の出来事を見誤る。
    agreed = (await work.sql("select max(consented_at) as at from resident"))[0]["at"]
    line.clock(now=await clock.now() + timedelta(seconds=1))
    made, gone = _events(chance, people, agreed, events)
    posts = [made[n : n + A_POST] for n in range(0, len(made), A_POST)]
    web = RunningWeb(folder)
    web.start(settings)
    line.webhook(f"{web.url}/line/webhook")
    began = time.perf_counter()
    try:
        found, dark = await _deliver(web, settings, line, posts, away)
        seconds = time.perf_counter() - began - dark
        await _healed(keys, away, line)
    finally:
        web.kill()
    left = {one for one in people if await preferences.held(keys, one)}
    took = sorted(found.took_ms)
    return {
        "seed": seed,
        "events": len(made),
        "posts": len(posts),
        "mismatches": len(left ^ (set(people) - gone)),
        "healed_by_redelivery": AWAY,
        "posts_sent_again_after_the_kill": found.retried,
        "answers_5xx": found.refused,
        "ack_p50_ms": round(took[len(took) // 2], 1),
        "ack_p99_ms": round(took[int(len(took) * 0.99)], 1),
        "ack_worst_ms": round(took[-1], 1),
        "events_a_second": round(len(made) / seconds),
        "level_ms": LEVEL_MS,
        "load_average": round(os.getloadavg()[0], 2),
    }


def _events(
    chance: random.Random, people: list[str], agreed: datetime, count: int
) -> tuple[list[dict[str, Any]], set[str]]:
    """同意の前後の出来事(2割はくり返し)を乱した順に。いなくなるはずの人も。"""
    gone: set[str] = set()
    made: list[dict[str, Any]] = []
    fresh = count * 8 // 10
    for number in range(fresh):
        who, kind = chance.choice(people), chance.choice(("follow", "unfollow", "message"))
        at = agreed + timedelta(milliseconds=chance.randint(-5_000_000, 300_000) or 1)
        made.append(_event(kind, who, at, number))
        if kind == "unfollow" and at > agreed:
            gone.add(who)
    made += chance.choices(made, k=count - fresh)
    chance.shuffle(made)
    return made, gone


def _event(kind: str, who: str, at: datetime, number: int) -> dict[str, Any]:
    # LINEの時刻はミリ秒まで。同意と同じミリ秒は、後に起きたことにする。
    return {
        "type": kind,
        "mode": "active",
        "timestamp": int(at.astimezone(UTC).timestamp() * 1000) + 1,
        "source": {"type": "user", "userId": who},
        "webhookEventId": f"01H{number:023d}",
        "deliveryContext": {"isRedelivery": False},
    }


async def _deliver(
    web: RunningWeb, settings: Settings, line: RunningSimulator, posts: list[list[dict[str, Any]]], away: list[str]
) -> tuple[Delivered, float]:
    """半ばで kill -9 し、いない間に人々がブロックし、起こし直す。いなかった秒数も返す。"""
    found, half, dark = Delivered(), len(posts) // 2, 0.0
    waiting: asyncio.Queue[bytes] = asyncio.Queue()
    for post in posts:
        waiting.put_nowait(json.dumps({"destination": "U" + "f" * 32, "events": post}).encode())
    limits = httpx.Limits(max_connections=LINES, max_keepalive_connections=LINES)
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=10, limits=limits) as client:
        await client.get("/healthz")  # 測る側の初めの支度(読み込み)を、返事の時間に数えない
        tasks = [asyncio.create_task(_send(client, waiting, found)) for _ in range(LINES)]
        while waiting.qsize() > half:
            await asyncio.sleep(0.005)
        web.kill()
        stopped = time.perf_counter()
        for one in away:
            await asyncio.to_thread(line.block, one)
        await asyncio.to_thread(web.start, settings)
        dark = time.perf_counter() - stopped
        await asyncio.gather(*tasks)
    return found, dark


async def _send(client: httpx.AsyncClient, waiting: asyncio.Queue[bytes], found: Delivered) -> None:
    """200が返るまで送り直す。"""
    while not waiting.empty():
        raw = waiting.get_nowait()
        signature = base64.b64encode(hmac.new(CHANNEL_SECRET.encode(), raw, hashlib.sha256).digest()).decode()
        while True:
            began = time.perf_counter()
            try:
                answer = await client.post("/line/webhook", content=raw, headers={"x-line-signature": signature})
            except httpx.TransportError:
                found.retried += 1
                await asyncio.sleep(0.1)
                continue
            if answer.status_code == 200:
                found.took_ms.append((time.perf_counter() - began) * 1000)
                break
            found.refused += 1
            await asyncio.sleep(0.1)


async def _healed(keys: AddressKeys, away: list[str], line: RunningSimulator) -> None:
    """サーバーのいない間のブロックも、模擬LINEの送り直しで消える。"""
    deadline = time.monotonic() + 30
    while [one for one in away if await preferences.held(keys, one)]:
        assert time.monotonic() < deadline, "送り直しで消えなかった"
        await asyncio.to_thread(line._post, "/_sim/webhooks", retry_now=True)
        await asyncio.sleep(0.2)


def main() -> int:
    found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0 if found["mismatches"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
