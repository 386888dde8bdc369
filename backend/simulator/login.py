"""LINEログインの画面: 許可を聞くページと、LIFFのURLを開いたときの行き先(LINE.md 3.3)。"""

import hashlib
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from backend.errors import Refused
from backend.settings import Settings
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
_ASKED = (
    "app_id",
    "state",
    "response_type",
    "code_challenge_method",
    "code_challenge",
    "liff_sdk_version",
    "redirect_uri",
)

AnyRequest = Request[Any, Any, Any]
Page = Response[Any]


@get("/liff/v1/authorize", sync_to_thread=False)
def authorize(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Page:
    """初めての人には許可を聞き、前に許可した人はそのまま戻す。誰か分からなければ選んでもらう。"""
    asked = {name: request.query_params[name] for name in _ASKED if name in request.query_params}
    try:
        return_to = _return_address(asked, sign_in)
    except Refused as refusal:
        return _page(
            request,
            sign_in,
            "refused.html",
            status=400,
            title="開けません",
            refusal=refusal,
        )
    person = sign_in.people.person(request.cookies.get(FRIEND_COOKIE, ""))
    if sign_in.faults.refuses():
        return _refused(return_to, asked)
    if person is None:
        return _choose(request, sign_in, asked)
    if sign_in.permits.has_allowed(person.user):
        return _allowed(sign_in, person.user, return_to, asked)
    return _page(
        request,
        sign_in,
        "permission.html",
        title="許可の確認",
        person=person,
        asked=asked,
    )


@post("/liff/v1/authorize")
async def answer(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Page:
    """「許可する」「キャンセル」「この人にする」。"""
    form = await request.form()
    asked = {name: str(form[name]) for name in _ASKED if name in form}
    chosen = sign_in.people.person(str(form.get("friend", "")))
    if chosen:
        again = Redirect(f"{_door(request)}/liff/v1/authorize?{urlencode(asked)}", status_code=303)
        again.cookies = [friend_cookie(request, chosen.user)]
        return again
    try:
        return_to = _return_address(asked, sign_in)
    except Refused as refusal:
        return _page(
            request,
            sign_in,
            "refused.html",
            status=400,
            title="開けません",
            refusal=refusal,
        )
    person = sign_in.people.person(request.cookies.get(FRIEND_COOKIE, ""))
    if person is None:
        return _choose(request, sign_in, asked)
    if form.get("decision") != "allow":
        return _refused(return_to, asked)
    return _allowed(sign_in, person.user, return_to, asked)


@get(["/{app_id:str}", "/{app_id:str}/{rest:path}"], sync_to_thread=False)
def open_liff(
    request: AnyRequest, sign_in: NamedDependency[SignIn], app_id: FromPath[str], rest: FromPath[str] = ""
) -> Page:
    """`https://liff.line.me/{liffId}/道?q`。続きは `liff.state` に入れて、エンドポイントへ移る。

    `as=` (一度だけの札か利用者のid)が付いていれば、先にその人としてサインインする。
    """
    if app_id != sign_in.settings.liff_id:
        refusal = Refused("このLIFFアプリは見つかりません。", next_step="リンクを確かめてください。")
        return _page(
            request,
            sign_in,
            "refused.html",
            status=404,
            title="見つかりません",
            refusal=refusal,
        )
    query = [(key, value) for key, value in parse_qsl(request.url.query, keep_blank_values=True) if key != "as"]
    state = (f"/{rest.strip('/')}" if rest.strip("/") else "") + (f"?{urlencode(query)}" if query else "")
    target = with_query(sign_in.endpoint, {"liff.state": state} if state else {})
    ticket = request.query_params.get("as")
    if ticket is None:
        return Redirect(target, status_code=302)
    user = sign_in.permits.use_ticket(ticket) or ticket
    if sign_in.people.person(user) is None:
        refusal = Refused(
            "この札はもう使えません。",
            next_step="模擬スマートフォンで、もう一度開いてください。",
        )
        return _page(
            request,
            sign_in,
            "refused.html",
            status=400,
            title="開けません",
            refusal=refusal,
        )
    return _enter_as(request, sign_in, user, target)


def with_query(url: str, extra: dict[str, str]) -> str:
    """URLにいまの問い合わせを残したまま足す。断片はうしろに残す。"""
    base, hash_, fragment = url.partition("#")
    if extra:
        base += ("&" if urlsplit(base).query else "?") + urlencode(extra, quote_via=quote)
    return base + hash_ + fragment


def friend_cookie(request: AnyRequest, user: str) -> Cookie:
    """この端末を使っている人。LINEのホスト名で開いたときは、LINEのほかのホストでも同じ人になる。"""
    host = request.url.hostname or ""
    door = _door(request)
    return Cookie(
        key=FRIEND_COOKIE,
        value=user,
        path="/line" if door else "/",
        domain="line.me" if not door and host.endswith(".line.me") else None,
        httponly=True,
        samesite="lax",
        max_age=30 * 24 * 3600,
    )


def _return_address(asked: dict[str, str], sign_in: SignIn) -> str:
    """認可の頼みを確かめ、戻り先を返す。PKCE(S256)のない頼み、エンドポイントの外へ戻る頼みは断る。"""
    if asked.get("app_id") != sign_in.settings.liff_id or asked.get("response_type") != "code":
        raise Refused("このLIFFアプリは見つかりません。", next_step="リンクを確かめてください。")
    challenge = re.fullmatch(r"[A-Za-z0-9_-]{43}", asked.get("code_challenge", ""))
    if asked.get("code_challenge_method") != "S256" or not challenge:
        raise Refused(
            "安全の確認(PKCE)がない頼みは受け付けません。",
            next_step="ページを開き直してください。",
        )
    target = asked.get("redirect_uri") or sign_in.endpoint
    endpoint, there = urlsplit(sign_in.endpoint), urlsplit(target)
    below = there.path == endpoint.path or there.path.startswith(endpoint.path.rstrip("/") + "/")
    if (there.scheme, there.netloc) != (endpoint.scheme, endpoint.netloc) or not below:
        raise Refused(
            "登録していない戻り先です。",
            next_step="LIFFのエンドポイントURLを確かめてください。",
        )
    return target


def _allowed(sign_in: SignIn, user: str, return_to: str, asked: dict[str, str]) -> Page:
    extra = {
        "code": sign_in.permits.allow(user, return_to, asked["code_challenge"]),
        "state": asked.get("state", ""),
        "liffClientId": sign_in.channel_id,
        "liffRedirectUri": return_to,
    }
    return Redirect(with_query(return_to, extra), status_code=302)


def _refused(return_to: str, asked: dict[str, str]) -> Page:
    extra = {
        "error": "access_denied",
        "error_description": "The resource owner denied the request.",
        "state": asked.get("state", ""),
        "liffOAuth2Error": "1",
    }
    return Redirect(with_query(return_to, extra), status_code=302)


def _choose(request: AnyRequest, sign_in: SignIn, asked: dict[str, str]) -> Page:
    search = request.query_params.get("search", "")
    people, total = sign_in.people.search(search, 0, CHOICES)
    return _page(
        request,
        sign_in,
        "choose.html",
        title="だれとして開きますか",
        people=people,
        total=total,
        search=search,
        asked=asked,
    )


def _enter_as(request: AnyRequest, sign_in: SignIn, user: str, target: str) -> Page:
    """前の人のものを端末から消してから進む。スマートフォンを持ち替えたのと同じにするため。"""
    mark = hashlib.sha256(user.encode()).hexdigest()[:16]
    page = _page(request, sign_in, "enter.html", title="開いています", target=target, mark=mark)
    page.cookies = [friend_cookie(request, user)]
    if request.cookies.get(FRIEND_COOKIE) != user:
        # HttpOnlyのクッキーはページの台本からは消せない。
        page.cookies += [
            Cookie(key=name, value="", path="/", max_age=0) for name in request.cookies if "liff" in name.lower()
        ]
    return page


def _page(
    request: AnyRequest,
    sign_in: SignIn,
    template: str,
    *,
    title: str,
    status: int = 200,
    **context: Any,
) -> Page:
    door = _door(request)
    html = _PAGES.get_template(template).render(title=title, door=door, **context)
    settings: Settings = sign_in.settings
    endpoint = urlsplit(sign_in.endpoint)
    framers = f"'self' {settings.simulator_url}" if door else "'none'"
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


def _door(request: AnyRequest) -> str:
    """製品の同じ出どころの扉を通ってきたときの頭(`/line/access` など)。直に来たときは空。"""
    prefix = request.headers.get("x-forwarded-prefix", "")
    return prefix if _DOOR.fullmatch(prefix) else ""


routes: list[Any] = [authorize, answer, open_liff]
