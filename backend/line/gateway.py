"""LINEへの道。一つのプロセスに一つあり、`cli.py` で作って下へ渡す。一人あてに送る道はない(POL 5)。

データベースの取引を開いたまま呼んではならない(DESIGN 3)。どの呼び出しにも時間切れがあり、失敗は `LineError` になる。
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from backend.errors import LineError, Outcome
from backend.line import identity, limits
from backend.line.channel_token import ChannelToken
from backend.line.identity import Certs, Identity
from backend.line.message import dump, validate_body
from backend.line.rich_menu_calls import RichMenuCalls
from backend.line.sdk import IMAGE_SECONDS, Ask, Call, Connection, Reply, found, value_of
from backend.settings import Settings
from backend.store import pool

RETRY_KEY = "X-Line-Retry-Key"


@dataclass(frozen=True)
class Accepted:
    """LINEが受け付けた(届いたかどうかは分からない)。`already` は、前の試みがもう受け付けられていたとき(409)。"""

    request_id: str
    already: bool


@dataclass(frozen=True)
class BotInfo:
    user_id: str = field(repr=False)
    basic_id: str
    display_name: str
    chat_mode: str
    mark_as_read_mode: str


@dataclass(frozen=True)
class Quota:
    """今月の上限(なければNone)と、使った数(LINEの概数)。"""

    limit: int | None
    used: int


class Gateway(RichMenuCalls):
    """LINE(または模擬LINE)との話し手。接続は、初めに使うときに動いている輪の中で開く。"""

    def __init__(
        self,
        host: str,
        channel_id: str,
        channel_secret: str,
        *,
        fixed_token: str = "",
        login_channel_ids: Sequence[str] = (),
        login_channel_secret: str = "",
        send_timeout: float = 10.0,
    ) -> None:
        self._host = host
        self._token = ChannelToken(channel_id, channel_secret, fixed=fixed_token)
        self._logins = tuple(login_channel_ids)
        self._login_token = ChannelToken(self._logins[0], login_channel_secret) if self._logins else None
        self._send_timeout = send_timeout
        self._certs = Certs(self._fetch_certs)
        self._opened: Connection | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Gateway":
        return cls(
            settings.line_api_host,
            settings.line_channel_id,
            settings.line_channel_secret.get_secret_value(),
            fixed_token=settings.line_channel_access_token.get_secret_value(),
            login_channel_ids=settings.line_login_channel_ids,
            login_channel_secret=settings.line_login_channel_secret.get_secret_value(),
        )

    async def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened and opened.loop is asyncio.get_running_loop():
            await opened.close()

    # ── 送る ──

    async def multicast(self, body: bytes, retry_key: UUID) -> Accepted:
        """`message.multicast_body` の本文を、同じ鍵なら何度呼んでも一度だけ受け付けさせる(LINE.md 1.2)。"""
        return await self._deliver("/v2/bot/message/multicast", body, retry_key)

    async def broadcast(self, body: bytes, retry_key: UUID) -> Accepted:
        """`message.broadcast_body` の本文を、友だち全員へ。1時間に60回まで。取り消せない。"""
        return await self._deliver("/v2/bot/message/broadcast", body, retry_key)

    async def validate(self, messages: bytes, how: str = "multicast") -> None:
        """送らずに、メッセージの形だけをLINEに見せる。だめなら `LineError(REFUSED)` の `details` に理由。"""
        await self._call(Call("POST", f"/v2/bot/message/validate/{how}", body=validate_body(messages)))

    async def delivered(self, kind: str, day: date) -> int | None:
        """`kind`(multicast, broadcast)で `day`(日本の日付)に送った数。まだ数えていなければNone。翌日に出る。"""
        endpoint = f"/v2/bot/message/delivery/{kind}"
        data = (await self._ask(f"get_number_of_sent_{kind}_messages", f"GET {endpoint}", f"{day:%Y%m%d}")).data
        return data.success if data.status == "ready" else None

    async def quota(self) -> Quota:
        allowed = (await self._ask("get_message_quota", "GET /v2/bot/message/quota")).data
        used = (await self._ask("get_message_quota_consumption", "GET /v2/bot/message/quota/consumption")).data
        limited = str(getattr(allowed.type, "value", allowed.type)) == "limited"
        return Quota(allowed.value if limited else None, used.total_usage)

    # ── アカウントと人 ──

    async def bot_info(self) -> BotInfo:
        info = (await self._ask("get_bot_info", "GET /v2/bot/info")).data
        return BotInfo(info.user_id, info.basic_id, info.display_name, info.chat_mode, info.mark_as_read_mode)

    async def is_friend(self, user_id: str) -> bool:
        """友だちで、ブロックもしていない。"""
        call = Call("GET", "/v2/bot/profile/{userId}", f"/v2/bot/profile/{quote(user_id, safe='')}")
        return await found(self._call(call)) is not None

    async def follower_ids(self, start: str | None) -> tuple[list[str], str | None]:
        """友だちのid(最大1000)と、続きの札。認証済みアカウントでなければ403。"""
        more: dict[str, Any] = {"limit": limits.FOLLOWERS_PAGE, **({"start": start} if start else {})}
        page = (await self._ask("get_followers", "GET /v2/bot/followers/ids", **more)).data
        return list(page.user_ids), page.next

    async def verify_id_token(self, token: str, now: datetime) -> Identity:
        """生のIDトークンを確かめる。だめなら `identity.Forged`、公開鍵を取れなければ `Unavailable`。"""
        return await identity.verify(token, self._certs, self._logins, now)

    async def deauthorize(self, user_access_token: str) -> None:
        """LINEに、この人のアプリへの許可を消させる(LINE.md 3.1 withdrawal)。ログインの側のチャネルの名で呼ぶ。"""
        if self._login_token is None:
            raise LineError(Outcome.REFUSED, "WARD_LINE_LOGIN_CHANNEL_IDS がありません")
        body = dump({"userAccessToken": user_access_token})
        await self._call(Call("POST", "/user/v1/deauthorize", body=body), self._login_token)

    # ── 共通の呼び方 ──

    async def _deliver(self, endpoint: str, body: bytes, retry_key: UUID) -> Accepted:
        # 再試行の鍵は送信だけに付ける: ほかの道では、あるだけで400になる(LINE.md 1.2)。
        headers = {RETRY_KEY: str(retry_key)}
        reply = await self._call(Call("POST", endpoint, body=body, headers=headers, timeout=self._send_timeout))
        if reply.status == 409:
            return Accepted(reply.accepted_request_id, already=True)
        if reply.status != 200 or not isinstance(reply.data, dict):
            raise LineError(Outcome.UNKNOWN, "返事を読み取れません", status=reply.status, request_id=reply.request_id)
        return Accepted(reply.request_id, already=False)

    async def _call(self, call: Call, channel: ChannelToken | None = None) -> Reply:
        reply = await self._authorized(lambda token: self._connection().call(call, token), channel or self._token)
        if reply.status == 409 and not (RETRY_KEY in call.headers and reply.accepted_request_id):
            raise LineError(Outcome.UNKNOWN, "予想しない409", status=409, request_id=reply.request_id)
        return reply

    async def _ask(self, name: str, endpoint: str, *arguments: Any, blob: bool = False, **keywords: Any) -> Reply:
        ask = Ask(name, endpoint, arguments, keywords, blob, IMAGE_SECONDS if blob else 10.0)
        return await self._authorized(lambda token: self._connection().ask(ask, token), self._token)

    async def _authorized(self, ask: Callable[[str], Awaitable[Reply]], channel: ChannelToken) -> Reply:
        """トークンを付けて呼ぶ。401なら一度だけ取り替えて、もう一度呼ぶ(401は受け付けられていない)。"""
        if pool.DB.current_transaction.get() is not None:
            raise AssertionError("データベースの取引の中からLINEを呼んではなりません。")
        token = await channel.get(self._anonymous)
        try:
            return await ask(token)
        except LineError as error:
            if error.status != 401:
                raise
            renewed = await channel.after_refusal(self._anonymous, token)
            if renewed is None:
                raise
        return await ask(renewed)

    async def _anonymous(self, call: Call) -> Reply:
        return await self._connection().call(call)

    async def _fetch_certs(self) -> list[dict[str, Any]]:
        reply = await self._anonymous(Call("GET", "/oauth2/v2.1/certs", timeout=5.0))
        return list(value_of(reply, "keys"))

    def _connection(self) -> Connection:
        loop = asyncio.get_running_loop()
        if self._opened is None or self._opened.loop is not loop:
            self._opened = Connection(self._host)
        return self._opened
