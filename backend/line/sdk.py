"""line-bot-sdk への窓口: 一つの接続の束、必ず付ける時間切れ、答えの読み分け、記録。

本文をこちらで作った呼び出し(`Call`)はSDKの接続の束(aiohttp)へそのまま渡し、ほかはSDKの型付きの呼び出し
(`Ask`)を使う。SDKは本文を組み直す(500人で1ms、日本語は\\uに変わる)ので、承認されたバイト列には使えない。
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from linebot.v3.messaging import AsyncApiClient, AsyncMessagingApi, AsyncMessagingApiBlob, Configuration
from linebot.v3.messaging.exceptions import ApiException
from pydantic.v1 import ValidationError

from backend.errors import LineError, Outcome
from backend.settings import LINE_HOST

POOL = 64
IMAGE_SECONDS = 30.0
DATA_HOST = "https://api-data.line.me"
_POSITION = re.compile(r"\bto\[(\d+)\]")
_FAULTS = (aiohttp.ClientError, TimeoutError, OSError)
log = logging.getLogger("backend.line")
# SDKは返事の本文をDEBUGに書く。利用者のidが入りうるので、根の設定によらず黙らせる。
logging.getLogger("linebot.v3").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Call:
    """自分で本文を作る呼び出し。`endpoint` は記録に残る形(idを含まない)、`path` は実際の道。"""

    method: str
    endpoint: str
    path: str = ""
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 10.0


@dataclass(frozen=True)
class Ask:
    """SDKの型付きの呼び出し。`name` はSDKの関数の名。"""

    name: str
    endpoint: str
    arguments: tuple[Any, ...] = field(default=(), repr=False)
    keywords: Mapping[str, Any] = field(default_factory=dict, repr=False)
    blob: bool = False
    timeout: float = 10.0


@dataclass(frozen=True)
class Reply:
    status: int
    request_id: str
    accepted_request_id: str
    data: Any = field(repr=False)


class Connection:
    """開いた接続の束。動いている輪の中で作る(SDKは作るときに輪をつかむ)。"""

    def __init__(self, host: str, *, pool: int = POOL) -> None:
        real = host.rstrip("/") == LINE_HOST
        self._base = host.rstrip("/")
        self._configuration = Configuration(host=None if real else self._base, access_token="")
        self._configuration.connection_pool_maxsize = pool
        self._client = AsyncApiClient(self._configuration)
        self._api = AsyncMessagingApi(self._client)
        self._blob = AsyncMessagingApiBlob(self._client)
        self.loop = asyncio.get_running_loop()

    async def close(self) -> None:
        await self._client.close()

    async def call(self, call: Call, token: str = "") -> Reply:
        """2xxの返事。ほかは `LineError`。409は `Reply` で返し、意味は呼んだ側が決める。"""
        headers = {"User-Agent": self._client.user_agent, **call.headers}
        if call.body is not None:
            headers.setdefault("Content-Type", "application/json")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        session: aiohttp.ClientSession = self._client.rest_client.pool_manager
        name = f"{call.method} {call.endpoint}"
        try:
            async with session.request(
                call.method,
                self._base + (call.path or call.endpoint),
                data=call.body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=call.timeout),
                allow_redirects=False,
            ) as response:
                raw = await response.read()
        except _FAULTS as error:
            raise _lost(name, error) from error
        return _read(name, response.status, response.headers, raw)

    async def ask(self, ask: Ask, token: str) -> Reply:
        """SDKの型付きの呼び出し。`data` はSDKの型の値。"""
        self._configuration.access_token = token
        self._client.set_default_header("Authorization", f"Bearer {token}")
        api = self._blob if ask.blob else self._api
        verb = getattr(api, f"{ask.name}_with_http_info")
        try:
            answer = await verb(*ask.arguments, _request_timeout=ask.timeout, **ask.keywords)
        except ApiException as error:
            body = error.body if isinstance(error.body, str) else ""
            raise _failure(ask.endpoint, error.status or 0, error.headers or {}, body.encode()) from error
        except _FAULTS as error:
            raise _lost(ask.endpoint, error) from error
        except (ValidationError, UnicodeDecodeError) as error:
            raise _unreadable(ask.endpoint, 200, "") from error
        _log(ask.endpoint, answer.status_code, answer.headers)
        return _reply(answer.status_code, answer.headers, answer.data)


def _read(name: str, status: int, headers: Mapping[str, str], raw: bytes) -> Reply:
    if status == 409:
        _log(name, status, headers)
        return _reply(status, headers, None)
    if not 200 <= status < 300:
        raise _failure(name, status, headers, raw)
    try:
        data = msgspec.json.decode(raw) if raw.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(name, status, headers.get("x-line-request-id", "")) from error
    _log(name, status, headers)
    return _reply(status, headers, data)


def _reply(status: int, headers: Mapping[str, str], data: Any) -> Reply:
    return Reply(status, headers.get("x-line-request-id", ""), headers.get("x-line-accepted-request-id", ""), data)


def _failure(name: str, status: int, headers: Mapping[str, str], raw: bytes) -> LineError:
    """2xxでない返事の意味。言葉は予告なく変わるので、状態で決める(429の二つだけは言葉でしか分からない)。"""
    _log(name, status, headers)
    message, details = _words(raw)
    found = _POSITION.search(message) or next((m for p, w in details if (m := _POSITION.search(f"{p} {w}"))), None)
    return LineError(
        outcome(status, message),
        message,
        status=status,
        request_id=headers.get("x-line-request-id", ""),
        position=int(found[1]) if found and status == 400 else None,
        details=details,
    )


def outcome(status: int, message: str) -> Outcome:
    """返事の状態から、送信について言えること。408は途中の機械も返すので、受け付けられたかは分からない。"""
    if status == 429:
        return Outcome.QUOTA if "monthly limit" in message.lower() else Outcome.THROTTLED
    if 400 <= status < 500 and status not in (408, 409):
        return Outcome.REFUSED
    return Outcome.UNKNOWN


def _words(raw: bytes) -> tuple[str, list[tuple[str, str]]]:
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", []
    if not isinstance(body, dict):
        return "", []
    listed = body.get("details")
    details = [d for d in listed if isinstance(d, dict)] if isinstance(listed, list) else []
    message = body.get("message") or body.get("error_description") or body.get("error") or ""
    return str(message)[:500], [(str(d.get("property", "")), str(d.get("message", ""))) for d in details[:20]]


def _lost(name: str, error: BaseException) -> LineError:
    """返事が来なかった。受け付けられたかもしれない。"""
    _log(name, 0, {})
    reason = "時間切れ" if isinstance(error, TimeoutError) else type(error).__name__
    return LineError(Outcome.UNKNOWN, reason)


def _unreadable(name: str, status: int, request_id: str) -> LineError:
    _log(name, status, {"x-line-request-id": request_id})
    return LineError(Outcome.UNKNOWN, "返事を読み取れません", status=status, request_id=request_id)


def _log(name: str, status: int, headers: Mapping[str, str]) -> None:
    """LINEの開発指針「ログの保存」: 時刻(ログの側で付く)、方法、道、状態、request id。id や本文は残さない。"""
    level = logging.INFO if 200 <= status < 300 or status == 409 else logging.WARNING
    log.log(level, "LINE %s %s %s", name, status or "返事なし", headers.get("x-line-request-id", "-"))


async def found(asking: Awaitable[Reply]) -> Reply | None:
    """404をNoneにする。"""
    try:
        return await asking
    except LineError as error:
        if error.status == 404:
            return None
        raise


def value_of(reply: Reply, name: str) -> Any:
    """返事の中の、なければならない値。"""
    if not isinstance(reply.data, dict) or reply.data.get(name) is None:
        raise LineError(Outcome.UNKNOWN, "返事を読み取れません", status=reply.status, request_id=reply.request_id)
    return reply.data[name]
