"""測定のすべて: 一つずつ別のプロセスで測り、`tests/bench/results/latest.json` に集める(`make bench`)。

`python -m tests.bench [名 …]` は、その名だけを測り、ほかは前の数を残す。数は、静かな機械で測ったものだけを信じる:
それぞれに、測ったときの込み具合(load average)が付いている。
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NAMES = ("starting", "counting", "webhooks", "delivery", "lighthouse")
"""短いものから。"""
FOLDER = Path(__file__).parent / "results"
LATEST = FOLDER / "latest.json"


def main(names: list[str]) -> int:
    """終わりの値: 0 すべて測れた、1 測れないものがあった、2 知らない名。"""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"知らない名です: {'、'.join(unknown)}。選べるもの: {'、'.join(NAMES)}", file=sys.stderr)
        return 2
    FOLDER.mkdir(exist_ok=True)
    latest: dict[str, Any] = json.loads(LATEST.read_text(encoding="utf-8")) if LATEST.exists() else {}
    failed = False
    for name in names or NAMES:
        latest[name] = _measure(name)
        failed = failed or "failed" in latest[name]
        latest["machine"] = _machine()
        LATEST.write_text(json.dumps(latest, ensure_ascii=False, indent=1), encoding="utf-8")
    print(f"\n{LATEST.relative_to(Path.cwd()) if LATEST.is_relative_to(Path.cwd()) else LATEST} に書きました。")
    return 1 if failed else 0


def _measure(name: str) -> dict[str, Any]:
    """一つを測る。測れなければ `{"failed": 終わりの値}`。"""
    print(f"── {name}(込み具合 {os.getloadavg()[0]:.1f})", flush=True)
    result = FOLDER / f"{name}.json"
    result.unlink(missing_ok=True)
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False)
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    if done.returncode != 0:
        found["failed"] = done.returncode
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return {**found, "measured_at": at, "measured_in_seconds": round(time.monotonic() - began, 1)}


def _machine() -> dict[str, Any]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cores": os.cpu_count(), "memory_gb": round(memory / 1e9, 1), "python": platform.python_version()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
