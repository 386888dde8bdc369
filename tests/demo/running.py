"""外から動かすお試し: プロセスと、そこに残るものを見る。"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from backend.database import embedded, postmaster


class RunningDemo:
    """`ward demo` の一つの走り。"""

    def __init__(self, data_dir: Path, *, friends: int = 60) -> None:
        self.data_dir = data_dir
        self.friends = friends
        self.port, self.simulator_port = free_port(), free_port()
        self.process: subprocess.Popen[str] | None = None
        self.words = data_dir.with_suffix(".out")

    def start(self, seconds: float = 60) -> float:
        """準備ができるまで待ち、かかった秒を返す。"""
        began = time.monotonic()
        (self.data_dir / "demo.json").unlink(missing_ok=True)
        process = self.process = self.spawn()
        self.wait(lambda: (self.data_dir / "demo.json").exists() or process.poll() is not None, seconds)
        assert process.poll() is None, self.words.read_text(encoding="utf-8")
        return time.monotonic() - began

    def spawn(self) -> "subprocess.Popen[str]":
        command = [
            sys.executable, "-m", "backend.cli", "demo", "--friends", str(self.friends),
            "--port", str(self.port), "--simulator-port", str(self.simulator_port),
        ]  # fmt: skip
        with self.words.open("w") as out:
            return subprocess.Popen(
                command, env=self.environment, stdout=out, stderr=out, text=True, start_new_session=True
            )

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("WARD_", "DATABASE_URL"))}
        return {**clean, "WARD_DATA_DIR": str(self.data_dir), "PYTHONUNBUFFERED": "1"}

    @property
    def described(self) -> dict[str, Any]:
        return json.loads((self.data_dir / "demo.json").read_text(encoding="utf-8"))

    def ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def people(self) -> int:
        try:
            answer = httpx.get(
                f"http://127.0.0.1:{self.simulator_port}/_sim/people?limit=1", timeout=2, trust_env=False
            )
        except httpx.TransportError:
            return 0
        return answer.json()["total"]

    def screen(self, user: str) -> dict[str, Any]:
        """その人の電話に映るもの。"""
        return self._ask(f"/phone/api/people/{user}")

    def where(self, user: str, uri: str) -> dict[str, Any]:
        """その人の電話で `uri` を押したときの行き先。"""
        address = f"http://127.0.0.1:{self.simulator_port}/phone/api/people/{user}/open"
        return httpx.post(address, json={"uri": uri}, timeout=30, trust_env=False).raise_for_status().json()

    def received(self) -> list[dict[str, Any]]:
        """模擬LINEの台帳にある、届いたもの。"""
        return self._ask("/_sim/ledger")["received"]

    @property
    def database(self) -> embedded.Server:
        return embedded.Server(self.data_dir, postmaster.socket_dir((self.data_dir / "postgres").resolve()))

    def _ask(self, path: str) -> Any:
        answer = httpx.get(f"http://127.0.0.1:{self.simulator_port}{path}", timeout=30, trust_env=False)
        return answer.raise_for_status().json()

    def pids(self, word: str = "") -> list[int]:
        """このお試しのプロセス。`word` は命令の中の語(serve、worker、simulator、postgres)。"""
        found: list[int] = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                mine = f"WARD_DATA_DIR={self.data_dir}\0".encode() in (folder / "environ").read_bytes()
                words = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if mine and words and word.encode() in words:
                found.append(int(folder.name))
        return sorted(found)

    def kill(self, word: str) -> None:
        for pid in self.pids(word):
            os.kill(pid, signal.SIGKILL)

    def interrupt(self, seconds: float = 40) -> int:
        """端末のCtrl-C。終わりの値を返す。"""
        assert self.process
        self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            left = [Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ") for pid in self.pids()]
            raise AssertionError(f"{self.words.read_text(encoding='utf-8')}\n残り: {left}") from None

    @staticmethod
    def wait(true: Callable[[], bool], seconds: float = 15) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, "待っても変わりませんでした"
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
