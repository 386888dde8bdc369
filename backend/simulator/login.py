"""LINEログインの扉: 許可を聞き、戻す。LIFFのURLを開いたときは、その続きをエンドポイントへ(LINE.md 3.3)。"""

import re
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect

from backend.errors import Refused
from backend.simulator.login_pages import (
    FRIEND_COOKIE,
    AnyRequest,
    Page,
    cannot_open,
    choose,
    door_of,
    enter_as,
    friend_cookie,
    page,
)
from backend.simulator.sign_in import SignIn

_ASKED = (
    "app_id",
    "state",
    "response_type",
    "code_challenge_method",
    "code_challenge",
    "liff_sdk_version",
    "redirect_uri",
)


@get("/liff/v1/authorize", sync_to_thread=False)
def authorize(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Page:
    """初めての人には許可を聞き、前に許可した人はそのまま戻す。誰か分からなければ選んでもらう。"""
    asked = {name: request.query_params[name] for name in _ASKED if name in request.query_params}
    try:
        return_to = _return_address(asked, sign_in)
    except Refused as refusal:
        return cannot_open(request, sign_in, refusal)
    person = sign_in.people.person(request.cookies.get(FRIEND_COOKIE, ""))
    if sign_in.faults.refuses():
        return _refused(return_to, asked)
    if person is None:
        return choose(request, sign_in, asked)
    if sign_in.permits.has_allowed(person.user):
        return _allowed(sign_in, person.user, return_to, asked)
    return page(request, sign_in, "permission.html", title="許可の確認", person=person, asked=asked)


@post("/liff/v1/authorize")
async def answer(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Page:
    """「許可する」「キャンセル」「この人にする」。"""
    form = await request.form()
    asked = {name: str(form[name]) for name in _ASKED if name in form}
    chosen = sign_in.people.person(str(form.get("friend", "")))
    if chosen:
        again = Redirect(f"{door_of(request)}/liff/v1/authorize?{urlencode(asked)}", status_code=303)
        again.cookies = [friend_cookie(request, chosen.user)]
        return again
    try:
        return_to = _return_address(asked, sign_in)
    except Refused as refusal:
        return cannot_open(request, sign_in, refusal)
    person = sign_in.people.person(request.cookies.get(FRIEND_COOKIE, ""))
    if person is None:
        return choose(request, sign_in, asked)
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
        return cannot_open(request, sign_in, refusal, title="見つかりません", status=404)
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
        return cannot_open(request, sign_in, refusal)
    return enter_as(request, sign_in, user, target)


def with_query(url: str, extra: dict[str, str]) -> str:
    """URLにいまの問い合わせを残したまま足す。断片はうしろに残す。"""
    base, hash_, fragment = url.partition("#")
    if extra:
        base += ("&" if urlsplit(base).query else "?") + urlencode(extra, quote_via=quote)
    return base + hash_ + fragment


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


routes: list[Any] = [authorize, answer, open_liff]
