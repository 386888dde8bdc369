"""LINEからの知らせ `/line/webhook`: 署名を生のバイトで確かめ、確定してから200を返す。話された中身は、残さず、記録せず、答えない。"""

from typing import Any

from litestar import Request, Response, post
from litestar.types import ControllerRouterHandler

from backend.line import events
from backend.line.events import BadSignature, Unreadable
from backend.residents import erasure, sent
from backend.residents.address import AddressKeys
from backend.settings import Settings
from backend.store import work

MAX_BODY = 1_000_000


@post("/line/webhook", status_code=200)
async def receive(request: Request[Any, Any, Any], settings: Settings, keys: AddressKeys) -> Response[Any]:
    """友だち追加とブロックだけを扱う。データベースに書けなければ503で、LINEがもう一度送ってくる(README: 再送を入れる)。"""
    if not sent.fits(request.headers.get("content-length"), MAX_BODY):
        return _refuse(413)
    raw = await request.body()
    if len(raw) > MAX_BODY:
        return _refuse(413)
    secrets = [settings.line_channel_secret.get_secret_value(), settings.line_channel_secret_next.get_secret_value()]
    try:
        events.verify(raw, request.headers.get("x-line-signature"), secrets)
        parsed = events.parse(raw)
    except (BadSignature, Unreadable):
        return _refuse(400)
    if parsed:
        await work.run(erasure.settle, keys, parsed)
    return Response({}, status_code=200, media_type="application/json")


def _refuse(status: int) -> Response[Any]:
    return Response({"message": "受け取れません。"}, status_code=status, media_type="application/json")


routes: list[ControllerRouterHandler] = [receive]
