"""チャネルアクセストークン: 15分で切れるものを、切れる前に取り替える。同時の取り替えは一つだけ。"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from backend.errors import LineError, Outcome
from backend.line import limits
from backend.line.sdk import Call, Reply

EARLY_SECONDS = 120.0
"""切れるこの秒数前から取り替える。"""

Send = Callable[[Call], Awaitable[Reply]]


class ChannelToken:
    """一つのチャネルのトークン。`fixed` があれば、それをいつも使う(取り替えない)。"""

    def __init__(self, channel_id: str, channel_secret: str, *, fixed: str = "") -> None:
        self._form = {"grant_type": "client_credentials", "client_id": channel_id, "client_secret": channel_secret}
        self._fixed = fixed
        self._token = ""
        self._renew_at = 0.0
        self._lock = asyncio.Lock()

    async def get(self, send: Send) -> str:
        """いま使えるトークン。"""
        if self._fixed:
            return self._fixed
        if time.monotonic() >= self._renew_at:
            async with self._lock:
                if time.monotonic() >= self._renew_at:
                    await self._renew(send)
        return self._token

    async def after_refusal(self, send: Send, refused: str) -> str | None:
        """`refused` が401で断られた後のトークン。ほかの呼び出しがもう取り替えていれば、それを使う。固定ならNone。"""
        if self._fixed:
            return None
        async with self._lock:
            if self._token == refused:
                await self._renew(send)
        return self._token

    async def _renew(self, send: Send) -> None:
        call = Call(
            "POST",
            "/oauth2/v3/token",
            body=urlencode(self._form).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        try:
            reply = await send(call)
        except LineError as error:
            if error.outcome is not Outcome.UNKNOWN:
                # チャネルの秘密が違う。送る側は、401と同じく、直るまで手を止める。
                raise LineError(error.outcome, error.message, status=401, request_id=error.request_id) from error
            # トークンがなければ送信も始まっていない。「受け付けられたかもしれない」と言わせない。
            raise LineError(Outcome.THROTTLED, f"トークンを取れません({error.message})", status=error.status) from error
        token = reply.data.get("access_token") if isinstance(reply.data, dict) else None
        if reply.status != 200 or not isinstance(token, str) or not token:
            raise LineError(Outcome.THROTTLED, "トークンを取れません", status=reply.status)
        lifetime = reply.data.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float) else float(limits.CHANNEL_TOKEN_SECONDS)
        self._token = token
        self._renew_at = time.monotonic() + max(seconds - EARLY_SECONDS, seconds / 2)
