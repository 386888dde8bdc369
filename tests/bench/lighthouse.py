"""Lighthouse: 製品の束の `/liff` を、既定の電話(412×823、遅い4G、4倍遅いCPU)で測る(CHECKS 2)。

`python -m tests.bench.lighthouse` は数を印字し、達しなければ1で終わる。道具は `make bench` が入れる。
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from backend.database import embedded, migrating
from tests import chromium
from tests.browser.phone import WARD, flags
from tests.browser.running_web import RunningWeb
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LIFF_ID, make_settings
from tests.simulator.running import RunningSimulator, free_port

RESULTS = Path(__file__).parent / "results" / "lighthouse.json"
NODE = Path(sys.executable).parent / "node"
TOOL = Path(__file__).parent / "node_modules" / "lighthouse" / "cli" / "index.js"
LEVELS = {"accessibility": 100, "best-practices": 100, "performance": 95}
TIMES = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "speed-index")
RUNS = 3  # 速さは揺れるので、真ん中を取る


def run(runs: int = RUNS) -> dict[str, Any]:
    """{"scores": {名: 点}, "levels": …, "times_ms": …, "bytes": …, "lighthouse": 版, "failed": [規則]}"""
    with tempfile.TemporaryDirectory(prefix="lighthouse-") as name:
        folder = Path(name)
        server = embedded.start(folder / "pg")
        line, web = _start(folder, server)
        try:
            found = [_measure(folder / f"{n}.json", line) for n in range(runs)]
        finally:
            web.stop()
            line.stop()
            server.stop("immediate")
    return _summary(found)


def _start(folder: Path, server: embedded.Server) -> tuple[RunningSimulator, RunningWeb]:
    asyncio.run(migrating.migrate(server.owner_url, application_role="ward_app", movable_clock=True))
    for part in ("line", "web"):
        (folder / part).mkdir()
    port = free_port()
    line = RunningSimulator(
        folder / "line",
        channel_id=CHANNEL_ID,
        channel_secret=CHANNEL_SECRET,
        liff_id=LIFF_ID,
        public_url=WARD,
        tls=True,
        ward_upstream=f"http://127.0.0.1:{port}",
    )
    line.start()
    web = RunningWeb(folder / "web", port=port)
    urls = {"database_url": server.app_url, "owner_url": server.owner_url}
    web.start(make_settings(folder / "web", **urls, simulator_url=line.url, public_url=WARD))
    return line, web


def _measure(answer: Path, line: RunningSimulator) -> dict[str, Any]:
    """一度の報告。ブラウザは毎回新しく、設定は既定(電話)のまま。"""
    browser = chromium.find()
    if browser is None or not TOOL.exists():
        raise SystemExit("LighthouseかChromiumがありません。`make bench` が入れます。")
    port = free_port()
    profile = answer.with_suffix("")
    opened = [browser, "--headless=new", f"--remote-debugging-port={port}", f"--user-data-dir={profile}", *flags(line)]
    command = [
        str(NODE), str(TOOL), f"{WARD}/liff", f"--port={port}", "--quiet", "--no-enable-error-reporting",
        "--output=json", f"--output-path={answer}", f"--only-categories={','.join(LEVELS)}",
    ]  # fmt: skip
    with subprocess.Popen([*opened, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as shown:
        try:
            _wait(port)
            done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        finally:
            shown.terminate()
    if done.returncode:
        raise SystemExit(f"Lighthouseが終わりませんでした。\n{done.stderr[-2000:]}")
    if kept := os.environ.get("LIGHTHOUSE_REPORT"):
        shutil.copy(answer, kept)
    return json.loads(answer.read_text(encoding="utf-8"))


def _wait(port: int) -> None:
    """ブラウザが話せるようになるまで。"""
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/json/version", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("Chromiumが起きませんでした。")


def _summary(reports: list[dict[str, Any]]) -> dict[str, Any]:
    def middle(values: list[float]) -> int:
        return round(statistics.median(values))

    audits = [report["audits"] for report in reports]
    return {
        "page": "/liff",
        "lighthouse": reports[0]["lighthouseVersion"],
        "runs": len(reports),
        "levels": LEVELS,
        "scores": {name: middle([100 * report["categories"][name]["score"] for report in reports]) for name in LEVELS},
        "times_ms": {name: middle([one[name]["numericValue"] for one in audits]) for name in TIMES},
        "layout_shift": max(one["cumulative-layout-shift"]["numericValue"] for one in audits),
        "bytes": middle([one["total-byte-weight"]["numericValue"] for one in audits]),
        "failed": sorted({name for one in audits for name, audit in one.items() if _failed(audit)}),
    }


def _failed(audit: dict[str, Any]) -> bool:
    """点の付く規則のうち、満点でないもの。"""
    return audit["scoreDisplayMode"] == "binary" and audit["score"] is not None and audit["score"] < 1


def main() -> int:
    found = run()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    print(json.dumps(found, ensure_ascii=False, indent=1))
    low = {name: score for name, score in found["scores"].items() if score < LEVELS[name]}
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
