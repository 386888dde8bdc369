"""お試しの始まり: 何もない置き場からと、二度目(CHECKS 2)。ライブラリと束は、もうあるものとする。

`python -m tests.bench.starting` は数を印字し、`tests/bench/results/starting.json` に書く。計算時間は、起きたすべてのプロセスの合計。
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.demo.running import RunningDemo

RESULTS = Path(__file__).parent / "results" / "starting.json"
FRIENDS = 3000
LEVELS = {"first": 60.0, "second": 5.0}
TICKS = os.sysconf("SC_CLK_TCK")


def run() -> dict[str, Any]:
    """{"first"|"second": {"seconds", "cpu_seconds"}, "levels_seconds", "met", "load_average"}。"""
    with tempfile.TemporaryDirectory(prefix="start-bench-") as name:
        demo = RunningDemo(Path(name) / "ward", friends=FRIENDS)
        try:
            found: dict[str, Any] = {time: _start(demo) for time in LEVELS}
        finally:
            for pid in demo.pids():
                os.kill(pid, 9)
    met = {time: found[time]["seconds"] <= level for time, level in LEVELS.items()}
    return {**found, "levels_seconds": LEVELS, "met": met, "load_average": round(os.getloadavg()[0], 2)}


def _start(demo: RunningDemo) -> dict[str, float]:
    seconds = demo.start(120)
    used = sum(_cpu(pid) for pid in demo.pids())
    demo.interrupt()
    return {"seconds": round(seconds, 1), "cpu_seconds": round(used, 1)}


def _cpu(pid: int) -> float:
    """一つのプロセスと、その終わった子の計算時間。"""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(int(word) for word in words[11:15]) / TICKS


def main() -> int:
    found = run()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
