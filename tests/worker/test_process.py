"""働くプロセス: 静かに終わる、倒れても続ける、知らせをメールで出す。"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from backend.delivery import alarms
from backend.settings import Settings
from backend.store import work
from tests.delivery.conftest import approved, package, until
from tests.post import NOWHERE, Post, posting


@pytest.fixture
def environment(line_settings: Settings) -> dict[str, str]:
    """`ward worker` の環境。"""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WARD_")}
    for name in type(line_settings).model_fields:
        value = getattr(line_settings, name)
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        variable = "DATABASE_URL" if name == "database_url" else f"WARD_{name.upper()}"
        if plain is not None and plain != "":
            kept[variable] = ",".join(plain) if isinstance(plain, list) else str(plain)
    return kept


@pytest.fixture
def worker_process(environment: dict[str, str]) -> Iterator[Any]:
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "worker"], env=environment, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


async def test_a_deploy_in_the_middle_of_a_send_hands_over_without_a_duplicate(crowd, noon, simulator, worker_process):
    """D9: 版Nを SIGTERM で止め、版N+1を起こす。"""
    await crowd(45_000)
    simulator.limits(latency_seconds=1.0)
    old = worker_process()
    delivery = await approved(package(noon))
    await until(delivery, lambda s: s.accepted > 0, seconds=30)
    old.send_signal(signal.SIGTERM)
    new = worker_process()
    assert await asyncio.to_thread(old.wait, 15) == 0
    half = await until(delivery, lambda s: True)
    done = await until(delivery, seconds=40)
    new.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(new.wait, 15) == 0
    print(f"引き継いだとき {half.accepted}人")
    assert 0 < half.accepted < 45_000
    assert (done.state.value, done.accepted) == ("sent", 45_000)
    assert simulator.summary() == {**simulator.summary(), "people": 45_000, "twice": 0}
    # 静かに終わったので、返事を聞き逃した呼び出しはない。
    assert [call["status"] for call in simulator.calls("multicast")].count(409) == 0


async def test_an_alarm_is_mailed_once_and_again_when_it_comes_back(noon, settings):
    post = Post()
    told = post.told(settings)
    await work.sql("update delivery_sender set beat_at = clock_timestamp()")
    await work.sql("insert into delivery_brake (feed, reason) values ('garbage', 'flood')")
    for _ in range(3):
        await alarms.watch(told)
    assert len(post.letters) == 1
    assert "/console/deliveries" in post.letters[0] or "Content-Transfer-Encoding: base64" in post.letters[0]
    await work.sql("update delivery_brake set closed_at = ward_now()")
    await alarms.watch(told)
    await work.sql("insert into delivery_brake (feed, reason) values ('garbage', 'stale')")
    await alarms.watch(told)
    assert len(post.letters) == 2
    post.close()


async def test_a_post_office_that_is_closed_does_not_stop_the_work(noon, settings):
    told = posting(settings, NOWHERE)
    await work.sql("insert into delivery_brake (feed, reason) values ('garbage', 'flood')")
    await alarms.watch(told)
    assert (await work.sql("select count(*) as n from delivery_alarm where code = 'brake:garbage'"))[0]["n"] == 1
