"""例外を日本語の画面(またはJSON)にする。"""

import logging
import secrets
from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from backend.errors import Forbidden, NotFound, Refused, Unavailable
from backend.store.pool import LOST
from backend.texts.catalogue import N_
from backend.web.render import page
from backend.web.security import Fields, SignInRequired, StaleForm

log = logging.getLogger(__name__)
_REFUSALS: dict[type[Refused], int] = {Forbidden: 403, NotFound: 404, Unavailable: 503}
_WORDS = {
    400: (N_("送られた内容を読み取れませんでした。"), N_("前の画面に戻り、もう一度お試しください。")),
    404: (N_("お探しのページはありません。"), N_("アドレスを確かめるか、最初のページからお進みください。")),
    405: (N_("この操作はできません。"), N_("前の画面に戻ってください。")),
    413: (N_("送られた内容が大きすぎます。"), N_("小さくしてから、もう一度お試しください。")),
    429: (N_("続けて操作されたため、しばらく受け付けられません。"), N_("1分ほど待ってから、もう一度お試しください。")),
}
_TITLES = {
    403: N_("この操作はできません"),
    404: N_("ページがありません"),
    503: N_("ただいま使えません"),
    500: N_("処理できませんでした"),
}
_LEFT = "client disconnected prematurely"
"""本文の途中で相手がいなくなったときの、Litestarの言い方(型では見分けられない)。"""
Answer = Response[Any]


def handlers() -> dict[Any, Any]:
    """Litestarの `exception_handlers`。"""
    return {
        Refused: refused,
        SignInRequired: sign_in,
        HTTPException: http,
        **dict.fromkeys(LOST, lost),
        Exception: bug,
    }


def refused(request: Request[Any, Any, Any], error: Refused) -> Answer:
    status = next((code for kind, code in _REFUSALS.items() if isinstance(error, kind)), 422)
    if isinstance(error, StaleForm) and error.sent:
        return _again(request, status, error.message, error.next_step, error.sent, error.csrf)
    return _answer(request, status, error.message, error.next_step)


def sign_in(request: Request[Any, Any, Any], error: SignInRequired) -> Answer:
    if request.method == "GET" and not _wants_json(request) and "hx-request" not in request.headers:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return Redirect(f"/console/sign-in?next={quote(target)}", status_code=303)
    message, next_step = (
        "サインインの時間が切れました。",
        "別の画面でサインインし直すと、書きかけの内容を失わずに続けられます。",
    )
    if error.sent:
        return _again(request, 401, message, next_step, error.sent, "")
    return _answer(request, 401, message, next_step)


def http(request: Request[Any, Any, Any], error: HTTPException) -> Answer:
    if error.detail == _LEFT:
        log.info("本文の途中で相手が切りました(%s %s)", request.method, request.url.path)
        return Response(None, status_code=400)  # 読む人はもういない
    if error.status_code >= 500:
        return bug(request, error)
    message, next_step = _WORDS.get(error.status_code, _WORDS[400])
    return _answer(request, error.status_code, message, next_step)


def lost(request: Request[Any, Any, Any], error: Exception) -> Answer:
    log.warning("データベースに届きません(%s)", type(error).__name__)
    return _answer(
        request,
        503,
        N_("ただいまデータベースにつながりません。何も保存していません。"),
        N_("少し待ってから、もう一度お試しください。"),
    )


def bug(request: Request[Any, Any, Any], error: Exception) -> Answer:
    number = f"{secrets.randbelow(10**8):08d}"
    log.error("予期しない誤り %s (%s %s)", number, request.method, request.url.path, exc_info=error)
    return _answer(
        request,
        500,
        N_("処理の途中で問題が起きました。"),
        N_("もう一度お試しください。続くときは、番号 {number} を広報課にお知らせください。"),
        number=number,
    )


def _answer(request: Request[Any, Any, Any], status: int, message: str, next_step: str, **values: str) -> Answer:
    """`values` は `next_step` に差し込む。"""
    headers = {"Cache-Control": "no-store"}
    if _wants_json(request):
        body = {"message": message, "next_step": next_step.format(**values) if values else next_step}
        return Response(body, status_code=status, headers=headers, media_type="application/json")
    title = _TITLES.get(status, N_("受け付けられませんでした"))
    return page(
        "error.html", title=title, status=status, headers=headers, message=message, next_step=next_step, values=values
    )


def _again(
    request: Request[Any, Any, Any], status: int, message: str, next_step: str, sent: Fields, csrf: str
) -> Answer:
    """書いた欄を隠れた欄に持ったまま、もう一度送れる画面。打った文章を失わせない。"""
    if _wants_json(request):
        return _answer(request, status, message, next_step)
    return page(
        "again.html",
        title="まだ受け付けていません",
        status=status,
        headers={"Cache-Control": "no-store"},
        message=message,
        next_step=next_step,
        path=request.url.path,
        sent=sent,
        csrf=csrf,
    )


def _wants_json(request: Request[Any, Any, Any]) -> bool:
    path = request.url.path
    return path.startswith(("/liff/api", "/liff/session", "/line/")) or "application/json" in request.headers.get(
        "accept", ""
    )
