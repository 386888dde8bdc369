"""番人と安全の見出し: 権限を宣言しない画面は403、出どころの違う書き込みは403。"""

import hmac
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Message, Scope

from backend.errors import Forbidden
from backend.permissions import Actor, Permission
from backend.settings import LINE_HOST, Mode, Settings
from backend.web.sessions import console_cookie, csrf_token

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_NEVER_RESENT = {"csrf", "password", "again", "code"}
Fields = Sequence[tuple[str, str]]
FindActor = Callable[[ASGIConnection[Any, Any, Any, Any]], Awaitable[Actor | None]]
Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


class SignInRequired(Exception):
    """サインインしていない。画面はサインインへ導かれる。`sent` は送られてきた欄で、書いたものを失わせないために持つ。"""

    def __init__(self, sent: Fields = ()) -> None:
        super().__init__()
        self.sent = sent


class StaleForm(Forbidden):
    """札の合わないフォーム。同じ出どころから来たときだけ、`sent` を確かめてもう一度送れる。"""

    def __init__(self, sent: Fields = (), csrf: str = "") -> None:
        super().__init__(
            "画面を開いてから時間がたったため、操作を受け付けませんでした。何も変わっていません。",
            next_step="書いた内容はこの画面が持っています。もう一度送ってください。"
            if sent
            else "画面を開き直して、もう一度操作してください。",
        )
        self.sent = sent
        self.csrf = csrf


def needs(permission: Permission) -> dict[str, Any]:
    """コンソールの扉が要る権限を宣言する: `@get("/console/…", **needs(Permission.REVIEW))`。"""
    return {"opt": {"permission": permission}}


def open_to_all() -> dict[str, Any]:
    """サインインの前に開くコンソールの扉(サインイン、招待)。"""
    return {"opt": {"open_to_all": True}}


def console_guard(settings: Settings, find_actor: FindActor) -> Guard:
    """`/console` の下のすべての扉の番人。ほかの道には触れない。"""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        # 頼まれたアドレスの綴りではなく、つながった道で決める。`//console` のような綴りで番人を抜けられない。
        template = str(connection.scope.get("path_template", ""))
        if not template.startswith("/console") and "permission" not in handler.opt:
            return
        if connection.scope["method"] not in SAFE_METHODS:  # type: ignore[typeddict-item]
            _refuse_foreign_origin(connection, settings)
        if handler.opt.get("open_to_all"):
            return
        permission = handler.opt.get("permission")
        if not isinstance(permission, Permission):
            raise Forbidden("この画面は開けません。")
        actor = await find_actor(connection)
        if actor is None:
            raise SignInRequired(await _sent(connection, settings))
        actor.require(permission)
        token = csrf_token(console_cookie(connection, secure=settings.secure_cookies) or "")
        if connection.scope["method"] not in SAFE_METHODS:  # type: ignore[typeddict-item]
            await _check_csrf(connection, settings, token)
        connection.state.actor = actor
        connection.state.csrf = token

    return guard


def security_headers(settings: Settings) -> Callable[[Message, Scope], Awaitable[None]]:
    """すべての応答に安全の見出しを付ける `before_send`。道のないアドレスの404にも付く(ミドルウェアはそこを通らない)。"""
    console, public, resident = _policies(settings)

    async def add(message: Message, scope: Scope) -> None:
        path = scope.get("path", "")
        if message["type"] != "http.response.start" or path.startswith("/line/"):
            return
        on_liff = path.startswith("/liff")
        private = on_liff or path.lstrip("/").startswith("console")
        headers = message["headers"] = [*message["headers"]]
        present = {name.lower() for name, _ in headers}
        policy = resident if on_liff else console if private else public
        wanted = _headers(policy, private, settings)
        headers += [(name, value) for name, value in wanted if name not in present]

    return add


def _headers(policy: bytes, private: bool, settings: Settings) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-security-policy", policy),
        (b"x-content-type-options", b"nosniff"),
        # no-referrer では、自分あてのフォームの Origin まで null になり、出どころを確かめられない。
        (b"referrer-policy", b"same-origin" if private else b"no-referrer"),
        (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
        (b"cross-origin-opener-policy", b"same-origin"),
    ]
    if private:
        headers.append((b"cache-control", b"no-store"))  # 共用の机で「戻る」を押しても、前の人の画面は出ない
    if b"frame-ancestors 'none'" in policy:
        headers.append((b"x-frame-options", b"DENY"))
    if settings.secure_cookies:
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    return headers


def _policies(settings: Settings) -> tuple[bytes, bytes, bytes]:
    """(コンソール, 公開ページ, 住民のページ) のCSP。お試しでは、コンソールのほかは模擬スマートフォンの中で開ける。"""
    base = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "form-action 'self'; base-uri 'none'"
    )
    frames = "'none'"
    if settings.mode is Mode.DEMO:
        port = urlsplit(settings.simulator_url).port
        origins = (settings.simulator_url, f"http://127.0.0.1:{port}", f"http://localhost:{port}")
        frames = " ".join(dict.fromkeys(origins))
    console = f"{base}; connect-src 'self'; frame-ancestors 'none'"
    public = f"{base}; connect-src 'self'; frame-ancestors {frames}"
    # LIFF SDKがブラウザから話す相手は api.line.me だけ(LINE.md 3.2)。お試しの束では自分の中で済む。
    resident = (
        f"{base}; connect-src 'self' {LINE_HOST}; frame-ancestors {frames}; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )
    return console.encode(), public.encode(), resident.encode()


def _refuse_foreign_origin(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> None:
    if connection.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("ほかのサイトからの操作は受け付けません。", next_step="画面を開き直してください。")
    origin = connection.headers.get("origin")
    allowed = {settings.console_url, settings.public_url}
    if origin and origin not in allowed:
        raise Forbidden("ほかのサイトからの操作は受け付けません。", next_step="画面を開き直してください。")


async def _check_csrf(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings, expected: str) -> None:
    sent = connection.headers.get("x-csrf")
    if sent is None:
        sent = (await _form(connection)).get("csrf")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise StaleForm(await _sent(connection, settings), expected)


async def _sent(connection: ASGIConnection[Any, Any, Any, Any], settings: Settings) -> Fields:
    """送られてきた欄。同じ出どころと分かる画面遷移だけを返す: よそのサイトが仕込んだ欄を送り直させない。"""
    if connection.scope["method"] in SAFE_METHODS or "hx-request" in connection.headers:  # type: ignore[typeddict-item]
        return ()
    proven = connection.headers.get("sec-fetch-site") == "same-origin" or connection.headers.get("origin") in {
        settings.console_url,
        settings.public_url,
    }
    if not proven:
        return ()
    fields = (await _form(connection)).multi_items()
    return [(name, value) for name, value in fields if isinstance(value, str) and name not in _NEVER_RESENT]


async def _form(connection: ASGIConnection[Any, Any, Any, Any]) -> Any:
    # 本文はscopeに残るので、扉も同じフォームを読める。
    request: Request[Any, Any, Any] = Request(connection.scope, connection.receive, connection.send)  # type: ignore[arg-type]
    return await request.form()
