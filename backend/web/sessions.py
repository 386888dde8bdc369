"""クッキーの名前と属性。"""

import base64
import hashlib
import hmac

from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie

CONSOLE = "ward-console"
LIFF = "ward-liff"


def cookie_name(base: str, *, secure: bool) -> str:
    """httpsでは `__Host-` を付ける。httpのお試しでは、受け取らないブラウザがあるので付けない。"""
    return f"__Host-{base}" if secure else base


def cookie(base: str, value: str, *, secure: bool, max_age: int) -> Cookie:
    """HttpOnly, SameSite=Lax, Path=/ のクッキー。`max_age` は秒、0なら消す。"""
    return Cookie(
        key=cookie_name(base, secure=secure),
        value=value,
        httponly=True,
        secure=secure,
        samesite="lax",
        path="/",
        max_age=max_age,
    )


def console_cookie(connection: ASGIConnection, *, secure: bool) -> str | None:  # type: ignore[type-arg]
    return connection.cookies.get(cookie_name(CONSOLE, secure=secure))


def csrf_token(session_token: str) -> str:
    """セッションの札から導く。札を知らない者には作れず、保存も要らない。"""
    digest = hmac.new(session_token.encode(), b"csrf", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
