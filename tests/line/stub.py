"""決めた返事をする小さなLINE。模擬LINEでは起こせない壊れ方のためにある。"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Answer = Callable[["Got"], web.StreamResponse]


@dataclass
class Got:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Stub:
    """`answers` は道 → 返事の作り方。道がなければ 200 `{}`。`got` は届いた呼び出し。"""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    tokens: int = 0
    lifetime: int = 900
    delay: float = 0.0

    def paths(self) -> list[str]:
        return [got.path for got in self.got]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        got = Got(request.method, request.path, headers, await request.read())
        self.got.append(got)
        if self.delay:
            await asyncio.sleep(self.delay)
        if got.path in self.answers:
            return self.answers[got.path](got)
        if got.path == "/oauth2/v3/token":
            self.tokens += 1
            body = {"token_type": "Bearer", "access_token": f"token-{self.tokens}", "expires_in": self.lifetime}
            return answer(200, body)
        return answer(200, {})


def answer(status: int, body: Any = None, **headers: str) -> web.Response:
    named = {"x-line-request-id": "r-1", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return web.json_response(body if body is not None else {}, status=status, headers=named)


def raw(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


@asynccontextmanager
async def running() -> AsyncIterator[Stub]:
    stub = Stub()
    application = web.Application(client_max_size=4_000_000)
    application.router.add_route("*", "/{path:.*}", stub.handle)
    async with TestServer(application) as server:
        stub.url = str(server.make_url("")).rstrip("/")
        yield stub
