"""お試しのプロセスを起こし、見守り、片付ける。"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from backend.errors import Refused

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # 自分の機械なので、プロキシは通らない
READY_SECONDS = 45.0
STOP_SECONDS = 8.0


class Child:
    """見守る一つのプロセス。倒れたら `revive` で起こし直す。"""

    def __init__(
        self, name: str, arguments: list[str], environment: dict[str, str], log: Path, ready_url: str = ""
    ) -> None:
        self.name = name
        self.ready_url = ready_url
        self._command = [sys.executable, "-m", "backend.cli", *arguments]
        self._environment = environment
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._born = 0.0
        self._falls = 0

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-Cは親が受け、順に片付ける
                preexec_fn=_die_with_parent,
            )
        self._born = time.monotonic()

    def wait_ready(self) -> None:
        """`ready_url` が200になるまで待つ。先に倒れたら記録の最後を添えて `Refused`。"""
        deadline = time.monotonic() + READY_SECONDS
        while self.ready_url and time.monotonic() < deadline:
            if not self.alive():
                raise Refused(f"{self.name}が起動できませんでした。\n{self._last_words()}")
            if _answers(self.ready_url):
                return
            time.sleep(0.05)
        if self.ready_url:
            raise Refused(f"{self.name}の準備が{READY_SECONDS:.0f}秒で終わりませんでした。\n{self._last_words()}")

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def revive(self) -> bool:
        """倒れていれば起こし直して真を返す。すぐ倒れ続けるときは、間を一秒から三十秒まで広げる。"""
        if self.alive():
            return False
        lived = time.monotonic() - self._born
        pause = min(2.0**self._falls, 30.0)
        if lived < pause:
            return False
        self._falls = 0 if lived > 60 else self._falls + 1
        self.start()
        return True

    def ask_to_stop(self) -> None:
        if self._process and self.alive():
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """静かに終わるのを待ち、終わらなければ殺す。"""
        self.ask_to_stop()
        if self._process and self.alive():
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-8:]) + f"\n(記録の全体: {self.log})"


def stop_all(children: Sequence[Child]) -> None:
    """後に起こしたものから、すべてに終わりを告げ、終わるのを待つ。"""
    for child in reversed(children):
        child.ask_to_stop()
    for child in reversed(children):
        child.stop()


def refuse_used_port(port: int, variable: str) -> None:
    """ほかのプログラムが使っているポートなら `Refused`。"""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Refused(
                f"ポート{port}は、ほかのプログラムが使っています。",
                next_step=f"`make demo {variable}={port + 100}` のように別の番号を指定してください。",
            ) from error


def _answers(url: str) -> bool:
    try:
        with _OPENER.open(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _die_with_parent() -> None:
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # どこで殺されても失わない作りなので、ポートをすぐ空ける
