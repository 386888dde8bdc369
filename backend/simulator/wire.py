"""LINEの呼び出しに共通のこと: 認可、上限、再試行の鍵、故障、request id、台帳。"""

import asyncio
import hashlib
import json
import re
import socket
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, route
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler

from backend.settings import Settings
from backend.simulator.faults import BEFORE, Faults
from backend.simulator.ledger import Entry, Ledger
from backend.simulator.limits import USUAL, Limits, Rate
from backend.simulator.platform import Platform
from backend.simulator.richmenus import RichMenus
from backend.simulator.sign_in import SignIn
from backend.simulator.webhooks import Webhooks

BODY_LIMIT = 2_000_000
STALL_SECONDS = 60.0
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass
class World:
    """模擬LINEのすべて。"""

    settings: Settings
    platform: Platform
    ledger: Ledger
    menus: RichMenus
    webhooks: Webhooks
    limits: Limits
    faults: Faults
    sign_in: SignIn


@dataclass
class Call:
    """届いた一つの呼び出し。"""

    world: World
    path: dict[str, str]
    query: dict[str, str]
    body: bytes
    content_type: str
    request_id: str

    def json(self) -> dict[str, Any]:
        """本文のJSONオブジェクト。違えば400。"""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Answered(400, {"message": "The request body could not be parsed as JSON"})
        return value

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass
class Answer:
    """返事。`requested`・`delivered`・`messages` は台帳に残る。"""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    requested: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    messages: str | None = None
    silent: bool = False
    after: Callable[[], None] | None = None


class Answered(Exception):
    """途中で決まった返事。"""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = Answer(status, body, headers or {})


@dataclass(frozen=True)
class Endpoint:
    """`path` は `/v2/bot/user/{user:str}/richmenu` のような道。"""

    method: str
    path: str
    handle: Callable[[Call], Answer]
    rate: Rate = USUAL
    retry_key: bool = False
    is_open: bool = False
    body_limit: int = BODY_LIMIT


def invalid(details: list[dict[str, str]]) -> Answered:
    plural = "error" if len(details) == 1 else "errors"
    return Answered(400, {"message": f"The request body has {len(details)} {plural}", "details": details})


def not_found(message: str = "Not found") -> Answered:
    return Answered(404, {"message": message})


def routes(endpoints: list[Endpoint], world: World) -> list[ControllerRouterHandler]:
    """呼び出しの表をLitestarの道にする。"""
    return [_route(endpoint, world) for endpoint in endpoints]


def _route(endpoint: Endpoint, world: World) -> ControllerRouterHandler:
    @route(endpoint.path, http_method=[endpoint.method], status_code=200)  # type: ignore[list-item]
    async def handler(request: Request[Any, Any, Any]) -> ASGIResponse:
        return await _serve(endpoint, world, request)

    return handler


async def _serve(endpoint: Endpoint, world: World, request: Request[Any, Any, Any]) -> ASGIResponse:
    if world.limits.latency_seconds:
        await asyncio.sleep(world.limits.latency_seconds)
    body = await request.body()
    call = Call(
        world=world,
        path={name: str(value) for name, value in request.path_params.items()},
        query={name: str(value) for name, value in request.query_params.items()},
        body=body,
        content_type=request.headers.get("content-type", ""),
        request_id=str(uuid.uuid4()),
    )
    entry = Entry(
        endpoint=f"{endpoint.method} {request.url.path}",
        request_id=call.request_id,
        retry_key=request.headers.get("x-line-retry-key"),
        body_sha256=hashlib.sha256(body).hexdigest(),
    )
    fault = world.faults.next_for(request.url.path)
    with world.platform.changing():
        answer = _answer(endpoint, call, entry, fault, request.headers.get("authorization", ""))
        entry.status, entry.requested, entry.delivered = answer.status, answer.requested, answer.delivered
        entry.messages, entry.silent = answer.messages, answer.silent
        world.ledger.record(entry)
    _tell(world, answer)
    return await _after(fault, world, request, call, answer)


def _answer(endpoint: Endpoint, call: Call, entry: Entry, fault: str, authorization: str) -> Answer:
    world = call.world
    try:
        _authorize(endpoint, world, authorization)
        if len(call.body) > endpoint.body_limit:
            raise Answered(413, {"message": "Request Entity Too Large"})
        if not world.limits.take(f"{endpoint.method} {endpoint.path}", endpoint.rate):
            raise Answered(429, {"message": "The API rate limit has been exceeded. Try again later."})
        if fault in BEFORE:
            raise _fault_before(fault)
        _check_retry_key(endpoint, call, entry, mismatch=fault == "body_mismatch")
        answer = endpoint.handle(call)
    except Answered as answered:
        return answered.answer
    if endpoint.retry_key and entry.retry_key and answer.status == 200:
        world.ledger.accept_key(entry.retry_key.lower(), entry.endpoint, entry.body_sha256, call.request_id)
    return answer


def _authorize(endpoint: Endpoint, world: World, authorization: str) -> None:
    if endpoint.is_open:
        return
    scheme, _, token = authorization.partition(" ")
    fixed = world.settings.line_channel_access_token.get_secret_value()
    if scheme != "Bearer" or not token:
        raise Answered(401, {"message": "Authentication failed due to the following reason: missing bearer token"})
    if token != fixed and not world.platform.token_is_valid(token):
        reason = "invalid token. Confirm that the access token in the authorization header is valid."
        raise Answered(401, {"message": f"Authentication failed due to the following reason: {reason}"})


def _fault_before(fault: str) -> Answered:
    return {
        "500_before": Answered(500, {"message": "Internal server error"}),
        "429_rate": Answered(429, {"message": "The API rate limit has been exceeded. Try again later."}),
        "429_quota": Answered(429, {"message": "You have reached your monthly limit."}),
        "400_to": Answered(
            400, {"message": "The property, to[0], in the request body is invalid (line: -, column: -)"}
        ),
    }[fault]


def _check_retry_key(endpoint: Endpoint, call: Call, entry: Entry, *, mismatch: bool) -> None:
    if entry.retry_key is None:
        return
    if not endpoint.retry_key:
        raise Answered(400, {"message": "The retry key is not supported on this endpoint"})
    if not _UUID.fullmatch(entry.retry_key):
        raise Answered(400, {"message": "The retry key is invalid"})
    known = call.world.ledger.accepted_before(entry.retry_key.lower())
    if known is None:
        return
    body_sha256, request_id = known
    if mismatch and body_sha256 != entry.body_sha256:
        raise Answered(400, {"message": "The retry key is already used with a different request body"})
    headers = {"x-line-accepted-request-id": request_id}
    raise Answered(409, {"message": "The retry key is already accepted"}, headers)


def _tell(world: World, answer: Answer) -> None:
    if len(answer.delivered) > 50:
        world.platform.tell("message")
    for user in answer.delivered[:50] if len(answer.delivered) <= 50 else ():
        world.platform.tell("message", user)
    world.platform.tell("call")
    if answer.after:
        answer.after()


async def _after(
    fault: str, world: World, request: Request[Any, Any, Any], call: Call, answer: Answer
) -> ASGIResponse:
    """受け付けたあとの故障。受け付けたことは、もう台帳にある。"""
    if answer.status < 300 and fault == "500_after":
        world.ledger.restate(call.request_id, 500)
        answer = Answer(500, {"message": "Internal server error"})
    if answer.status < 300 and fault == "stall_after":
        world.ledger.restate(call.request_id, 0)
        await asyncio.sleep(STALL_SECONDS)
    if answer.status < 300 and fault == "reset_after":
        world.ledger.restate(call.request_id, 0)
        _reset(request)
        await asyncio.sleep(0.05)
    is_json = answer.content_type == "application/json"
    body = json.dumps(answer.body, ensure_ascii=False).encode() if is_json else answer.body
    headers = {"x-line-request-id": call.request_id, **answer.headers}
    return ASGIResponse(body=body, status_code=answer.status, media_type=answer.content_type, headers=headers)


def _reset(request: Request[Any, Any, Any]) -> None:
    """TCPの接続をRSTで切る。"""
    transport = request.scope.get("transport")  # type: ignore[misc]  # serve.pyが入れる
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
