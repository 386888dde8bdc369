"""電話で押したアドレスの行き先: LIFFのページ、友だち追加、電話の中で開く区のページ、外のページ。"""

import re
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from backend.settings import Settings
from backend.simulator.login import with_query
from backend.simulator.sign_in import Person, SignIn

HOPS = 3
ASK_SECONDS = 5.0
Destination = dict[str, Any]


async def find(uri: str, person: Person, sign_in: SignIn) -> Destination:
    """`{kind: liff | friend | inside | page, url?, host?}`。`inside` は電話の中で開ける区のページ。"""
    liff_id = sign_in.settings.liff_id
    liff = re.fullmatch(rf"https://(?:liff|miniapp)\.line\.me/{re.escape(liff_id)}(?P<rest>[/?#].*)?", uri)
    if liff and liff_id:
        address = with_query(f"{sign_in.liff_base}/{liff_id}{liff['rest'] or ''}", _as(person, sign_in))
        return {"kind": "liff", "url": address, "host": urlsplit(sign_in.endpoint).netloc}
    if re.match(r"https://(line\.me/R/ti/p/|lin\.ee/)", uri):
        return {"kind": "friend"}
    return await _page(uri, sign_in.settings)


def _as(person: Person, sign_in: SignIn) -> dict[str, str]:
    return {"as": sign_in.permits.ticket(person.user)}


async def _page(uri: str, settings: Settings) -> Destination:
    """区のページは開いてみて、転送の先と、枠に入れてよいかを知る。`/go/…` はLINEと同じく、開いた一回に数えられる。"""
    async with httpx.AsyncClient(timeout=ASK_SECONDS, trust_env=False) as client:
        for _ in range(HOPS):
            if _origin(uri) != _origin(settings.public_url):
                break
            try:
                async with client.stream("GET", uri) as answer:  # 見出しだけでよい
                    onward = answer.headers.get("location") if answer.is_redirect else None
            except httpx.HTTPError:
                break
            if onward is None:
                return {"kind": "inside" if _may_be_framed(answer, settings) else "page", "url": uri}
            uri = urljoin(uri, onward)
    return {"kind": "page", "url": uri}


def _may_be_framed(answer: httpx.Response, settings: Settings) -> bool:
    """ページが自分の見出しで、この電話の枠に入ってよいと言っているか。職員の画面は、お試しでも言わない。"""
    ancestors = re.search(r"frame-ancestors ([^;]*)", answer.headers.get("content-security-policy", ""))
    allowed = ancestors[1].split() if ancestors else []
    return _origin(settings.simulator_url) in allowed and "x-frame-options" not in answer.headers


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
