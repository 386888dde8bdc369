"""署名つきWebhook: 作り、覚え、送り、届かなければ送り直す(LINE.md 2)。"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

import httpx

from backend.settings import Settings
from backend.simulator.platform import Platform

SCHEMA = """
create table if not exists webhook (
  id integer primary key, event text not null, state text not null, attempts integer not null, next_at real not null,
  status integer not null);
create index if not exists webhook_waiting on webhook (state, id);
"""
ANSWER_SECONDS = 2.0  # これより遅い返事は、LINEでは時間切れになる
PAUSES = (1, 2, 4, 8, 15, 30, 60)
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Webhooks:
    def __init__(self, platform: Platform, settings: Settings) -> None:
        self._platform = platform
        self._secret = settings.line_channel_secret.get_secret_value()
        self._wake = asyncio.Event()
        self._client = httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False)
        platform.db.executescript(SCHEMA)

    @property
    def url(self) -> str:
        return self._platform.recall("webhook_url", "")

    def set_url(self, url: str) -> None:
        self._platform.remember("webhook_url", url)
        self._wake.set()

    @property
    def destination(self) -> str:
        return bot_user_id(self._platform)

    def emit(self, user: str, kind: str, **extra: Any) -> dict[str, Any]:
        """一つの出来事を覚え、送る列に並べる。"""
        event = self.event(user, kind, **extra)
        with self._platform.changing() as db:
            db.execute(
                "insert into webhook (event, state, attempts, next_at, status) values (?, 'waiting', 0, ?, 0)",
                (json.dumps(event, ensure_ascii=False), time.time()),
            )
        self._wake.set()
        return event

    def event(self, user: str, kind: str, **extra: Any) -> dict[str, Any]:
        """どの出来事にもある項目のそろった、新しい出来事。"""
        return {
            "type": kind,
            "mode": "active",
            "timestamp": int(self._platform.now().timestamp() * 1000),
            "source": {"type": "user", "userId": user},
            "webhookEventId": self._ulid(),
            "deliveryContext": {"isRedelivery": False},
            **extra,
        }

    async def run(self) -> None:
        """送る輪。取り消されるまで続く。"""
        while True:
            self._wake.clear()
            if self.url:
                await self._send_waiting()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 0.5)

    async def post(
        self, events: list[dict[str, Any]], *, signature: str | None = None, url: str = ""
    ) -> tuple[int, str]:
        """いますぐ送り、(返事の状態, 届かなかったわけ)を返す。届かなければ0。`signature` はわざと違う署名。"""
        body = json.dumps(
            {"destination": self.destination, "events": events}, ensure_ascii=False, separators=(",", ":")
        )
        raw = body.encode()
        headers = {"content-type": "application/json; charset=utf-8", "user-agent": "LineBotWebhook/2.0"}
        headers["x-line-signature"] = self.sign(raw) if signature is None else signature
        try:
            # 接続、送り、受け取りのそれぞれでなく、合わせて2秒。
            async with asyncio.timeout(ANSWER_SECONDS):
                return (await self._client.post(url or self.url, content=raw, headers=headers)).status_code, ""
        except (TimeoutError, httpx.TimeoutException):
            return 0, "REQUEST_TIMEOUT"
        except (httpx.HTTPError, httpx.InvalidURL):
            return 0, "COULD_NOT_CONNECT"

    def sign(self, raw: bytes) -> str:
        return base64.b64encode(hmac.new(self._secret.encode(), raw, hashlib.sha256).digest()).decode()

    def sent(self) -> list[dict[str, Any]]:
        """送った(送ろうとした)出来事。古い順。"""
        rows = self._platform.db.execute("select event, state, attempts, status from webhook order by id").fetchall()
        return [{"event": json.loads(e), "state": s, "attempts": a, "status": c} for e, s, a, c in rows]

    async def repeat(
        self, *, times: int = 1, shuffle: bool = False, together: bool = False, redelivery: bool = True
    ) -> list[int]:
        """済んだ出来事をもう一度送る(再送・重複・順番違いの試験)。返事の状態の列。

        `together` なら一つのPOSTにまとめる。`redelivery` が偽なら、再送の印のない重複になる。
        """
        events = [
            {**row["event"], "deliveryContext": {"isRedelivery": redelivery}}
            for row in self.sent()
            for _ in range(times)
        ]
        if shuffle:
            secrets.SystemRandom().shuffle(events)
        groups = [events] if together else [[event] for event in events]
        return [(await self.post(group))[0] for group in groups if group]

    async def close(self) -> None:
        await self._client.aclose()

    async def _send_waiting(self) -> None:
        rows = self._platform.db.execute(
            "select id, event, attempts from webhook where state = 'waiting' and next_at <= ? order by id limit 50",
            (time.time(),),
        ).fetchall()
        for number, text, attempts in rows:
            event = json.loads(text)
            event["deliveryContext"]["isRedelivery"] = attempts > 0
            status, _ = await self.post([event])
            self._settle(number, attempts + 1, status)

    def redeliver(self, on: bool) -> None:
        """届かなかった出来事を送り直すか(LINEの既定は送り直さない)。"""
        self._platform.remember("redelivery", on)

    def retry_now(self) -> None:
        """次の送り直しまでの待ちをなくす。"""
        with self._platform.changing() as db:
            db.execute("update webhook set next_at = 0 where state = 'waiting'")
        self._wake.set()

    def _settle(self, number: int, attempts: int, status: int) -> None:
        again = self._platform.recall("redelivery", True) and attempts <= len(PAUSES)
        state = "done" if 200 <= status < 300 else "waiting" if again else "failed"
        pause = PAUSES[min(attempts, len(PAUSES)) - 1]
        with self._platform.changing() as db:
            db.execute(
                "update webhook set state = ?, attempts = ?, status = ?, next_at = ? where id = ?",
                (state, attempts, status, time.time() + pause, number),
            )

    def _ulid(self) -> str:
        value = (int(self._platform.now().timestamp() * 1000) << 80) | secrets.randbits(80)
        return "".join(_ULID[(value >> shift) & 31] for shift in range(125, -1, -5))


def bot_user_id(platform: Platform) -> str:
    """公式アカウント自身の利用者id。一度決めたら変わらない。"""
    known = platform.recall("bot_user_id")
    if known is None:
        known = "U" + hashlib.sha256(b"bunkyocity").hexdigest()[:32]
        platform.remember("bot_user_id", known)
    return known
