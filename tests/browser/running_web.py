"""動いている画面のサーバー: 別のプロセスで `ward serve` を起こし、HTTPだけで話す。"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx

from backend.settings import Settings
from tests.simulator.running import _die_with_parent, free_port

READY_SECONDS = 120.0
_PASSED = (
    "mode", "data_dir", "public_url", "console_url", "line_api_host", "simulator_url", "liff_id", "line_channel_id",
    "line_channel_secret", "line_login_channel_secret", "address_index_keys", "address_cipher_keys", "session_keys",
    "erasure_key", "receipt_signing_key", "demo_door", "chief_check",
)  # fmt: skip


class RunningWeb:
    """`settings` のとおりのサーバー。`port` は、模擬LINEが取り次ぐ先を先に知るために、作るときに決まる。"""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, settings: Settings) -> None:
        with (self.folder / "web.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backend.cli", "serve", "--port", str(self.port)],
                env=environment(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        raise AssertionError(self.log()[-3000:])

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
            self._process = None

    def kill(self) -> None:
        """kill -9。"""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def log(self) -> str:
        return (self.folder / "web.log").read_text(encoding="utf-8")


def environment(settings: Settings) -> dict[str, str]:
    """設定を環境変数に戻す。いまの `WARD_…` は引き継がない。"""
    values = {name: value for name, value in os.environ.items() if not name.startswith("WARD_")}
    for name in _PASSED:
        value = getattr(settings, name)
        plain = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        values[f"WARD_{name.upper()}"] = str(plain).lower() if isinstance(plain, bool) else str(plain)
    assert settings.database_url
    assert settings.database_owner_url
    return {
        **values,
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "WARD_DATABASE_OWNER_URL": settings.database_owner_url.get_secret_value(),
        "WARD_LINE_LOGIN_CHANNEL_IDS": ",".join(settings.line_login_channel_ids),
        "PYTHONUNBUFFERED": "1",
    }
