"""`/go/名前`: いまの行き先へ案内し、日ごとの数だけを数える。"""

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import QueryParameter
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import NotFound
from backend.links import register, taps
from backend.links.register import Link, State
from backend.texts.catalogue import N_
from backend.web.render import page

_NO_STORE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}


@get("/go/{code:str}")
async def go(
    request: Request[Any, Any, Any],
    code: str,
    source: Annotated[str, QueryParameter(name="from")] = "",
) -> Redirect | Template:
    """302で案内する。前の行き先をどこにも覚えさせない。知らない名前は404。"""
    link = await _target(code)
    if link is None:
        return page("links/unknown.html", title=N_("この案内は見つかりません"), status=404, headers=_NO_STORE)
    if request.method == "GET" and "prefetch" not in request.headers.get("sec-purpose", ""):
        await taps.count(link.code, source)
    if link.url.startswith("tel:"):
        return page("links/telephone.html", title=link.label, headers=_NO_STORE, link=link)
    return Redirect(link.url, status_code=302, headers=_NO_STORE)


async def _target(code: str) -> Link | None:
    """いまの行き先のあるリンク。やめたものは、代わりがあればそちら。"""
    for _ in range(3):
        try:
            link = await register.find(code)
        except NotFound:
            return None
        if link.state is not State.RETIRED:
            return link
        if not link.replacement:
            return None
        code = link.replacement
    return None


routes: list[ControllerRouterHandler] = [go]
