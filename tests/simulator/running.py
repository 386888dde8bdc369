"""動いている模擬LINE: 別のプロセスで起こし、HTTPだけで話す。止めても殺しても、同じポートとファイルで起き直す。"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from backend.simulator.people import user_id

READY_SECONDS = 20.0
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


class RunningSimulator:
    def __init__(
        self,
        folder: Path,
        *,
        channel_id: str,
        channel_secret: str,
        liff_id: str,
        login_secret: str = "f" * 32,
        public_url: str = "http://127.0.0.1:8000",
        demo_door: bool = False,
        tls: bool = False,
        ward_upstream: str = "",
        port: int = 0,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.tls_port = free_port() if tls else 0
        self.url = f"http://127.0.0.1:{self.port}"
        self.channel_id = channel_id
        self.channel_secret = channel_secret
        self._upstream = ward_upstream
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            "WARD_MODE": "demo",
            "WARD_LINE_CHANNEL_ID": channel_id,
            "WARD_LINE_CHANNEL_SECRET": channel_secret,
            "WARD_LINE_LOGIN_CHANNEL_SECRET": login_secret,
            "WARD_LIFF_ID": liff_id,
            "WARD_PUBLIC_URL": public_url,
            "WARD_SIMULATOR_URL": self.url,
            "WARD_DEMO_DOOR": "true" if demo_door else "false",
        }
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    # ── 生き死に ──

    def start(self) -> None:
        arguments = ["--port", str(self.port), "--data-dir", str(self.folder)]
        if self.tls_port:
            arguments += ["--tls-port", str(self.tls_port)]
        if self._upstream:
            arguments += ["--ward-upstream", self._upstream]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WARD_")}
        with (self.folder / "simulator.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backend.simulator.serve", *arguments],
                env={**environment, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )
        self._wait_ready()

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)
            self._process = None

    def kill(self) -> None:
        """kill -9。"""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """殺して、起こす。"""
        self.kill()
        self.start()

    @property
    def spki(self) -> str:
        """Chromiumの `--ignore-certificate-errors-spki-list` に渡すもの(`tls=True` のとき)。"""
        return (self.folder / "tls" / "spki.txt").read_text()

    # ── 読む ──

    def ledger(self) -> dict[str, Any]:
        return self._get("/_sim/ledger")

    def summary(self) -> dict[str, int]:
        """{calls, received, people, twice}。"""
        return self._get("/_sim/ledger?summary=1")

    def calls(self, ending: str = "") -> list[dict[str, Any]]:
        """道が `ending` で終わる呼び出し。"""
        return [call for call in self.ledger()["calls"] if call["endpoint"].endswith(ending)]

    def received(self, user: str | None = None) -> list[dict[str, Any]]:
        return [got for got in self.ledger()["received"] if user is None or got["user"] == user]

    def people(self, limit: int = 1000) -> list[dict[str, Any]]:
        return self._get(f"/_sim/people?limit={limit}")["people"]

    def now(self) -> datetime:
        return datetime.fromisoformat(self._get("/_sim/clock")["now"])

    def webhooks(self) -> list[dict[str, Any]]:
        """送った(送ろうとした)出来事: {event, state, attempts, status}。"""
        return self._get("/_sim/webhooks")["sent"]

    # ── 変える ──

    def reset(self) -> None:
        self._post("/_sim/reset")

    def clear_ledger(self) -> None:
        self.http.delete("/_sim/ledger").raise_for_status()

    def put_people(self, *people: dict[str, Any]) -> None:
        self._post("/_sim/people", people=list(people))

    def add_friends(self, *users: str) -> None:
        self.put_people(*({"user": user, "name": f"友だち{user[-4:]}"} for user in users))

    def generate(self, count: int, seed: Any = 1, first: int = 0) -> list[str]:
        """架空の友だちを加え、そのidを返す。"""
        self.http.post(
            "/_sim/people", json={"generate": count, "seed": seed, "first": first}, timeout=300
        ).raise_for_status()
        return [user_id(seed, number) for number in range(first, first + count)]

    def fault(self, endpoint: str, fault: str, *, every: int = 1, times: int | None = 1, **more: Any) -> None:
        self._post("/_sim/faults", endpoint=endpoint, fault=fault, every=every, times=times, **more)

    def clear_faults(self) -> None:
        self.http.delete("/_sim/faults").raise_for_status()

    def clock(self, *, advance_seconds: float | None = None, now: datetime | None = None) -> datetime:
        """進める、合わせる、どちらもなければ本当の時刻へ戻す。"""
        if advance_seconds is not None:
            return datetime.fromisoformat(self._post("/_sim/clock", advance_seconds=advance_seconds)["now"])
        return datetime.fromisoformat(self._post("/_sim/clock", now=now.isoformat() if now else None)["now"])

    def limits(self, **wanted: Any) -> None:
        """`enabled`、`latency_seconds`、`empty`。"""
        self._post("/_sim/limits", **wanted)

    def account(self, **wanted: Any) -> None:
        """`quota`、`used`、`verified`、`console_menu`、`job_seconds`、`chat_mode` など(control.ACCOUNT)。"""
        self._post("/_sim/account", **wanted)

    def finish_jobs(self) -> int:
        """202で受け付けた仕事を、いますぐ行う。"""
        return self._post("/_sim/jobs")["done"]

    def webhook(self, url: str, *, redelivery: bool = True) -> None:
        self._post("/_sim/webhook", url=url, redelivery=redelivery)

    def send_webhooks(self, **wanted: Any) -> list[int]:
        """もう一度送る、または作った出来事を送り、返事の状態を返す(control_cast.send_webhooks)。"""
        return self._post("/_sim/webhooks", **wanted).get("statuses", [])

    def tap(self, menu: str, area: int, users: list[str]) -> None:
        self._post("/_sim/taps", menu=menu, area=area, users=users)

    # ── 電話と本人 ──

    def touch(self, user: str, action: str, **body: Any) -> dict[str, Any]:
        """電話での操作: block・unblock・add・text・postback・switch・open・read。"""
        return self._post(f"/phone/api/people/{user}/{action}", **body)

    def block(self, user: str) -> None:
        self.touch(user, "block")

    def unblock(self, user: str) -> None:
        self.touch(user, "unblock")

    def screen(self, user: str) -> dict[str, Any]:
        """その人の電話に映るもの。"""
        return self._get(f"/phone/api/people/{user}")

    def login_faults(self, **wanted: Any) -> None:
        """`id_token`、`refuse`、`times`、`rotate`、`forget`。書かなかった故障は直る。"""
        self._post("/_sim/login", **wanted)

    def id_token(self, user: str, fault: str = "") -> str:
        return self.tokens(user, fault)["id_token"]

    def tokens(self, user: str, fault: str = "") -> dict[str, str]:
        """画面を通らずに {id_token, access_token}。"""
        return self._post("/_sim/login/token", user=user, fault=fault)

    def channel_token(self) -> str:
        """チャネルアクセストークン。"""
        form = {"grant_type": "client_credentials", "client_id": self.channel_id, "client_secret": self.channel_secret}
        answer = self.http.post("/oauth2/v3/token", data=form)
        answer.raise_for_status()
        return answer.json()["access_token"]

    def _get(self, path: str) -> Any:
        answer = self.http.get(path)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, **body: Any) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        assert self._process
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if self.http.get("/_sim/clock", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.03)
        raise AssertionError((self.folder / "simulator.log").read_text()[-2000:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _die_with_parent() -> None:
    """試験が殺されても残らない。"""
    if _LIBC:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
