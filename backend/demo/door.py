"""お試しだけの扉 `/line/{api|access|liff}/…`: 同じ出どころから模擬LINEへ取り次ぐ(LINE.md 3.3 の方法3)。"""

from typing import Any

import httpx
from litestar import Request, route
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler

from backend.settings import Mode, Settings

_HOSTS = {"api", "access", "liff"}
_PASSED_ON = {"accept", "accept-language", "authorization", "content-type", "cookie", "user-agent"}
_PASSED_BACK = {"content-type", "location", "set-cookie", "cache-control", "content-security-policy"}


def routes(settings: Settings) -> list[ControllerRouterHandler]:
    """お試しのときだけ、取り次ぎの道を返す。"""
    if settings.mode is not Mode.DEMO or not settings.demo_door:
        return []
    client = httpx.AsyncClient(base_url=settings.simulator_url, timeout=15, trust_env=False)

    @route(
        ["/line/{host:str}", "/line/{host:str}/{rest:path}"],
        http_method=["GET", "POST", "PUT", "DELETE", "OPTIONS"],
        status_code=200,
    )
    async def to_simulator(request: Request[Any, Any, Any], host: str, rest: str = "") -> ASGIResponse:
        if host not in _HOSTS:
            return ASGIResponse(body=b'{"message":"Not found"}', status_code=404, media_type="application/json")
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        headers["x-forwarded-prefix"] = f"/line/{host}"
        headers["x-forwarded-host"] = request.headers.get("host", "")
        query = request.scope["query_string"].decode("latin-1")
        try:
            answer = await client.request(
                request.method,
                f"{rest or '/'}" + (f"?{query}" if query else ""),
                headers=headers,
                content=await request.body(),
                follow_redirects=False,
            )
        except httpx.TransportError:
            return ASGIResponse(body="模擬LINEに届きません。".encode(), status_code=502, media_type="text/plain")
        headers_back = [(name, value) for name, value in answer.headers.multi_items() if name in _PASSED_BACK]
        return ASGIResponse(body=answer.content, status_code=answer.status_code, headers=headers_back)

    return [to_simulator]
