"""配信の速さ: 百万人の条件あてを、承認からLINEの最後の受付まで(CHECKS 2)。

`python -m tests.bench.delivery [人数]` は数を印字し、`tests/bench/results/delivery.json` に書く。既定は百万人。
審判は模擬LINEの台帳(20msの遅れと、毎秒200回の上限)。送り手は別のプロセスで、その計算時間と記憶を測る。
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.database import embedded, migrating
from backend.delivery import outbox, status
from backend.delivery.outbox import Everyone
from backend.line import limits
from backend.residents.address import AddressKeys
from backend.settings import Settings
from backend.store import clock, work
from backend.store.pool import close_pool, open_pool
from backend.ward.kinds import Kind
from tests import cast
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LIFF_ID, make_settings
from tests.delivery.conftest import approved, lives_in_hongo, package, plain, plant, until
from tests.simulator.running import RunningSimulator

RESULTS = Path(__file__).parent / "results" / "delivery.json"
LATENCY_SECONDS = 0.02
CHUNK = 50_000
URGENT = 20
TICKS = os.sysconf("SC_CLK_TCK")


def run(people: int = 1_000_000) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="delivery-bench-") as name:
        folder = Path(name)
        server = embedded.start(folder / "pg")
        (folder / "line").mkdir()
        line = RunningSimulator(folder / "line", channel_id=CHANNEL_ID, channel_secret=CHANNEL_SECRET, liff_id=LIFF_ID)
        try:
            line.start()
            return asyncio.run(_measure(people, server, line, folder))
        finally:
            line.stop()
            server.stop("immediate")


async def _measure(people: int, server: embedded.Server, line: RunningSimulator, folder: Path) -> dict[str, Any]:
    await migrating.migrate(server.owner_url, application_role="ward_app", movable_clock=True)
    await open_pool(server.app_url, size=6)
    settings = make_settings(folder, database_url=server.app_url, owner_url=server.owner_url, simulator_url=line.url)
    await cast.tuesday()
    await _populate(people, settings, line)
    line.limits(latency_seconds=LATENCY_SECONDS)
    found: dict[str, Any] = {"people": people, "latency_ms": LATENCY_SECONDS * 1000, "host": os.cpu_count()}
    sender = _Sender(settings, limits.MULTICASTS_PER_SECOND)
    try:
        await _warm(line)
        for name, empty in (("bucket_empty", True), ("bucket_full", False)):
            found[name] = await _segment(people, line, sender, empty=empty)
            print(name, json.dumps(found[name], ensure_ascii=False), flush=True)
    finally:
        sender.stop()
    lifted = _Sender(settings, 1e6)
    try:
        line.limits(enabled=False, latency_seconds=LATENCY_SECONDS)
        await _warm(line)
        found["limit_lifted"] = await _segment(people, line, lifted, empty=False)
        print("limit_lifted", json.dumps(found["limit_lifted"], ensure_ascii=False), flush=True)
    finally:
        lifted.stop()
    hurried = _Sender(settings, limits.MULTICASTS_PER_SECOND)
    try:
        found["urgent_during_bulk"] = await _urgent(line)
        print("urgent", json.dumps(found["urgent_during_bulk"]), flush=True)
    finally:
        hurried.stop()
        await close_pool()
    return found


async def _populate(people: int, settings: Settings, line: RunningSimulator) -> None:
    keys = AddressKeys.from_settings(settings)
    for first in range(0, people, CHUNK):
        users = await asyncio.to_thread(line.generate, min(CHUNK, people - first), 1, first)
        await plant(keys, {user: lives_in_hongo() for user in users}, seed=first)
    await work.sql("select count(*) from resident")


async def _warm(line: RunningSimulator) -> None:
    """接続とトークンと文の準備を済ませる。"""
    now = await clock.now()
    await until(await approved(package(now, kind=Kind.I, priority=outbox.URGENT, address=Everyone())))
    await asyncio.sleep(1.5)  # 送り手のバケツが満ちる
    line.clear_ledger()


async def _segment(people: int, line: RunningSimulator, sender: _Sender, *, empty: bool) -> dict[str, Any]:
    line.clear_ledger()
    line.limits(empty=empty)
    batches = -(-people // limits.MULTICAST_IDS)
    floor = (batches - (0 if empty else limits.MULTICASTS_PER_SECOND)) / limits.MULTICASTS_PER_SECOND
    before = sender.cpu()
    started = time.time()
    delivery = await approved(package(await clock.now()))
    done = await until(delivery, seconds=300)
    used = sender.cpu() - before
    calls = await asyncio.to_thread(line.calls, "multicast")
    accepted = [call for call in calls if call["status"] == 200]
    took = max(_at(call) for call in accepted) - started
    summary = line.summary()
    assert (done.accepted, summary["people"], summary["twice"]) == (people, people, 0), (done, summary)
    return {
        "floor_seconds": round(max(floor, 0.0), 2),
        "seconds": round(took, 2),
        "multicasts_a_second": round(batches / took),
        "frozen_after_seconds": round((done.frozen_at - (await _scheduled(delivery))).total_seconds(), 2),
        "cpu_seconds": round(used, 2),
        "cpu_share_of_one_core": round(used / took, 3),
        "peak_rss_mb": round(sender.peak_mb()),
        "over_limit_calls": sum(call["status"] == 429 for call in calls),
        "first_call_after_seconds": round(min(_at(call) for call in calls) - started, 2),
        "calls": len(calls),
        "batches": batches,
        "missing": people - summary["people"],
        "twice": summary["twice"],
        "load_average": os.getloadavg()[0],
    }


def _at(call: dict[str, Any]) -> float:
    return datetime.fromisoformat(call["at"]).timestamp()


async def _scheduled(delivery: int) -> datetime:
    return (await work.sql("select scheduled_at from delivery where id = $1", delivery))[0]["scheduled_at"]


async def _urgent(line: RunningSimulator) -> dict[str, Any]:
    """大きな配信の間の、全員あての緊急。承認からLINEの受付まで。

    友だちを千人に減らしてから測る: 百万人の全員あてを一通ずつ書き留める模擬LINEの時間は、製品のものではない。
    """
    line.reset()
    line.generate(1_000, 2)
    line.limits(latency_seconds=LATENCY_SECONDS)
    await _warm(line)
    bulk = await approved(package(await clock.now()))
    waits: list[float] = []
    during = 0
    for _ in range(URGENT):
        await asyncio.sleep(0.3)
        running = (await status.by_id(bulk) or exit()).state.value == "sending"
        during += running
        asked = time.monotonic()
        made = package(await clock.now(), kind=Kind.I, priority=outbox.URGENT, address=Everyone())
        await until(await approved(made), lambda one: one.first_accepted_at is not None)
        waits.append(time.monotonic() - asked)
    await until(bulk, seconds=300)
    return {
        "count": URGENT,
        "while_sending": during,
        "p50_seconds": round(statistics.median(waits), 3),
        "worst_seconds": round(max(waits), 3),
    }


class _Sender:
    """測られる送り手のプロセス。"""

    def __init__(self, settings: Settings, per_second: float) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.victim", "--once"], stdin=subprocess.PIPE, text=True
        )
        assert self._process.stdin
        wanted = {"settings": plain(settings), "point": "", "nth": 0, "per_second": per_second}
        self._process.stdin.write(json.dumps(wanted) + "\n")
        self._process.stdin.flush()

    def cpu(self) -> float:
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / TICKS

    def peak_mb(self) -> float:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(15)


def main() -> int:
    found = run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
