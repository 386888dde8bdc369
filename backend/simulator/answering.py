"""LINEの呼び出しに返すまで: 認可、上限、故障、再試行の鍵、request id、台帳。"""

import asyncio
import hashlib
import re
import socket
import struct
import uuid
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from litestar import Request, route
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler

from backend.simulator.faults import BEFORE, Fault
from backend.simulator.ledger import Entry
from backend.simulator.wire import MESSAGING, Answer, Answered, Call, Endpoint, World

STALL_SECONDS = 60.0
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


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
    path = request.scope["path"]
    fault = world.faults.next_for(endpoint.method, path) or {"fault": ""}
    body = await request.body()
    call = Call(
        world=world,
        path={name: str(value) for name, value in request.path_params.items()},
        query=dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        body=body,
        content_type=request.headers.get("content-type", ""),
        request_id=str(uuid.uuid4()),
        token=request.headers.get("authorization", ""),
        fault=fault["fault"],
    )
    entry = Entry(
        endpoint=f"{endpoint.method} {path}",
        request_id=call.request_id,
        retry_key=request.headers.get("x-line-retry-key"),
        body_sha256=hashlib.sha256(body).hexdigest(),
    )
    with world.platform.changing():
        answer = _answer(endpoint, call, entry, fault)
        entry.status, entry.requested, entry.delivered = answer.status, answer.requested, answer.delivered
        entry.messages, entry.silent = answer.messages, answer.silent
        number = world.ledger.record(entry)
    world.platform.tell(answer.delivered)
    if answer.after:
        answer.after()
    if answer.finish:
        answer = await answer.finish()
        world.ledger.restate(number, answer.status)
    return await _after(fault, world, number, request, call, answer)


def _answer(endpoint: Endpoint, call: Call, entry: Entry, fault: Fault) -> Answer:
    world = call.world
    try:
        _authorize(endpoint, call)
        if len(call.body) > endpoint.body_limit:
            raise Answered(413, {"message": "Request Entity Too Large"})
        if not world.limits.take(f"{endpoint.method} {endpoint.path}", endpoint.rate):
            raise Answered(429, {"message": "The API rate limit has been exceeded. Try again later."})
        if call.fault in BEFORE:
            raise _fault_before(fault)
        _check_retry_key(endpoint, call, entry, mismatch=call.fault == "body_mismatch")
        answer = endpoint.handle(call)
    except Answered as answered:
        answered.answer.requested = endpoint.addressed(call) if endpoint.addressed else []
        return answered.answer
    if endpoint.retry_key and entry.retry_key and answer.status == 200:
        world.ledger.accept_key(entry.retry_key.lower(), entry.endpoint, entry.body_sha256, call.request_id)
    return answer


def _authorize(endpoint: Endpoint, call: Call) -> None:
    if not endpoint.channel:
        return
    scheme, _, token = call.token.partition(" ")
    if scheme != "Bearer" or not token:
        raise Answered(401, {"message": "Authentication failed due to the following reason: missing bearer token"})
    if endpoint.channel == MESSAGING and token == call.world.settings.line_channel_access_token.get_secret_value():
        return
    if not call.world.platform.token_seconds(token, endpoint.channel):
        reason = "invalid token. Confirm that the access token in the authorization header is valid."
        raise Answered(401, {"message": f"Authentication failed due to the following reason: {reason}"})


def _fault_before(fault: Fault) -> Answered:
    """LINEが受け付ける前の故障。"""
    status, message = {
        "500_before": (500, "Internal server error"),
        "stall_before": (0, ""),
        "reset_before": (0, ""),
        "429_rate": (429, "The API rate limit has been exceeded. Try again later."),
        "429_quota": (429, "You have reached your monthly limit."),
        "400_to": (400, f"The property, to[{fault['index']}], in the request body is invalid (line: -, column: -)"),
        "401": (401, "Authentication failed. Confirm that the access token in the authorization header is valid."),
        "403": (403, "Access to this API is not available for your account"),
    }[fault["fault"]]
    return Answered(status, {"message": message})


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


async def _after(
    fault: Fault, world: World, number: int, request: Request[Any, Any, Any], call: Call, answer: Answer
) -> ASGIResponse:
    """返す。受け付けたあとの故障では、受け付けたことはもう台帳にある(状態は相手から見たもの、返事がなければ0)。"""
    kind = call.fault if answer.status < 300 else ""
    if kind == "500_after":
        world.ledger.restate(number, 500)
        answer = Answer(500, {"message": "Internal server error"})
    if kind in ("stall_after", "stall_before"):
        world.ledger.restate(number, 0)
        await asyncio.sleep(fault.get("seconds", STALL_SECONDS))
        answer = Answer(504, {"message": "Gateway Timeout"})
    if kind in ("reset_after", "reset_before"):
        world.ledger.restate(number, 0)
        _reset(request)
        await asyncio.sleep(0.05)
        answer = Answer(504, {"message": "Gateway Timeout"})
    is_json = answer.content_type == "application/json"
    body = msgspec.json.encode(answer.body) if is_json else answer.body
    headers = {"x-line-request-id": call.request_id, **answer.headers}
    return ASGIResponse(body=body, status_code=answer.status, media_type=answer.content_type, headers=headers)


def _reset(request: Request[Any, Any, Any]) -> None:
    """TCPの接続をRSTで切る。"""
    transport = request.scope.get("transport")  # type: ignore[misc]  # servers.pyが入れる
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
