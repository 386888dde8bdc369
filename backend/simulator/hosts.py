"""ホスト名で分ける: 製品のホストは製品へ取り次ぎ、localhost の電話は 127.0.0.1 へ移す。残りは模擬LINE。"""

from typing import Any
from urllib.parse import urlsplit

import httpx
from litestar.types import ASGIApp, Receive, Scope, Send

from backend.settings import Settings

UPSTREAM_SECONDS = 60.0
_OWN_HOP = {b"connection", b"keep-alive", b"transfer-encoding", b"te", b"upgrade", b"content-length"}


class Hosts:
    """`upstream` があれば、WARD_PUBLIC_URLのホスト名への頼みをそこへ渡す(ブラウザの試験が本物の束をhttpsで動かす)。"""

    def __init__(self, app: ASGIApp, settings: Settings, upstream: str = "") -> None:
        self._app = app
        self._product = urlsplit(settings.public_url).hostname or ""
        self._client = (
            httpx.AsyncClient(base_url=upstream, timeout=UPSTREAM_SECONDS, trust_env=False) if upstream else None
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        host = _header(scope, b"host")
        if self._client and host.partition(":")[0] == self._product:
            await self._pass_on(self._client, scope, receive, send)
        elif host.partition(":")[0] == "localhost" and scope["path"].startswith("/phone"):
            # localhost と 127.0.0.1 は別のサイトなので、LIFFのページのクッキーが失われる。
            query = scope["query_string"].decode("latin-1")
            address = f"http://127.0.0.1:{host.partition(':')[2] or 80}{scope['path']}" + (f"?{query}" if query else "")
            await _answer(send, 307, [(b"location", address.encode("latin-1"))])
        else:
            await self._app(scope, receive, send)

    async def _pass_on(self, client: httpx.AsyncClient, scope: Any, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name not in _OWN_HOP]
        headers += [(b"x-forwarded-proto", scope["scheme"].encode()), (b"x-forwarded-for", scope["client"][0].encode())]
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        request = client.build_request(scope["method"], path, headers=headers, content=await _body(receive))
        try:
            answer = await client.send(request, stream=True)
        except httpx.TransportError:
            await _answer(send, 502, [(b"content-type", b"text/plain")])
            return
        back = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in _OWN_HOP]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": back})
        try:
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            await answer.aclose()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message["body"])
        if not message["more_body"]:
            return b"".join(parts)


def _header(scope: Any, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")
