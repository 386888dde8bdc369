"""動いている送り手: 別のプロセスで `ward worker` を起こす。HTTPの口はないので、働いたことはLINEの台帳で知る。"""

import signal
import subprocess
import sys
from pathlib import Path

from backend.settings import Settings
from tests.browser.running_web import environment
from tests.simulator.running import _die_with_parent


class RunningWorker:
    """`settings` のとおりの送り手。起きるのを待たない: 物語が先へ進む間に起きる。"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, settings: Settings) -> None:
        with (self.folder / "worker.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backend.cli", "worker"],
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9。"""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """SIGTERM。出ている呼び出しの返事を待って終わる。"""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def log(self) -> str:
        return (self.folder / "worker.log").read_text(encoding="utf-8")
