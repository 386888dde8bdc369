"""LINEログインの画面: 許可、だれとして開くか、断り。扉(`/line/…`)を通ってきたときは、道もその下に置く。"""

import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie

from backend.errors import Refused
from backend.simulator.sign_in import SignIn

FRIEND_COOKIE = "line_friend"
CHOICES = 30
_DOOR = re.compile(r"/line/(api|access|liff)")
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

AnyRequest = Request[Any, Any, Any]
Page = Response[Any]


def choose(request: AnyRequest, sign_in: SignIn, asked: dict[str, str]) -> Page:
    search = request.query_params.get("search", "")
    people, total = sign_in.people.search(search, 0, CHOICES)
    return page(
        request,
        sign_in,
        "choose.html",
        title="だれとして開きますか",
        people=people,
        total=total,
        search=search,
        asked=asked,
    )


def enter_as(request: AnyRequest, sign_in: SignIn, user: str, target: str) -> Page:
    """前の人のものを端末から消してから進む。スマートフォンを持ち替えたのと同じにするため。"""
    mark = hashlib.sha256(user.encode()).hexdigest()[:16]
    made = page(request, sign_in, "enter.html", title="開いています", target=target, mark=mark)
    made.cookies = [friend_cookie(request, user)]
    if request.cookies.get(FRIEND_COOKIE) != user:
        # HttpOnlyのクッキーはページの台本からは消せない。
        made.cookies += [
            Cookie(key=name, value="", path="/", max_age=0) for name in request.cookies if "liff" in name.lower()
        ]
    return made


def cannot_open(
    request: AnyRequest, sign_in: SignIn, refusal: Refused, *, title: str = "開けません", status: int = 400
) -> Page:
    return page(request, sign_in, "refused.html", status=status, title=title, refusal=refusal)


def page(
    request: AnyRequest,
    sign_in: SignIn,
    template: str,
    *,
    title: str,
    status: int = 200,
    **context: Any,
) -> Page:
    door = door_of(request)
    html = _PAGES.get_template(template).render(title=title, door=door, **context)
    endpoint = urlsplit(sign_in.endpoint)
    framers = f"'self' {sign_in.settings.simulator_url}" if door else "'none'"
    # 許可のあとの転送もform-actionで見られるので、エンドポイントの出どころを加える。
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; "
        f"form-action 'self' {endpoint.scheme}://{endpoint.netloc}; "
        f"frame-ancestors {framers}"
    )
    headers = {
        "content-security-policy": policy,
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
    }
    return Response(html, media_type=MediaType.HTML, status_code=status, headers=headers)


def friend_cookie(request: AnyRequest, user: str) -> Cookie:
    """この端末を使っている人。LINEのホスト名で開いたときは、LINEのほかのホストでも同じ人になる。"""
    host = request.url.hostname or ""
    door = door_of(request)
    return Cookie(
        key=FRIEND_COOKIE,
        value=user,
        path="/line" if door else "/",
        domain="line.me" if not door and host.endswith(".line.me") else None,
        httponly=True,
        samesite="lax",
        max_age=30 * 24 * 3600,
    )


def door_of(request: AnyRequest) -> str:
    """製品の同じ出どころの扉を通ってきたときの頭(`/line/access` など)。直に来たときは空。"""
    prefix = request.headers.get("x-forwarded-prefix", "")
    return prefix if _DOOR.fullmatch(prefix) else ""
