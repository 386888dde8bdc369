"""本人の確かめ: LIFFの生のIDトークンだけを信じる(LINE.md 3.1)。ページが言う userId は見ない。"""

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt.utils import base64url_decode

from backend.errors import LineError, Refused, Unavailable
from backend.line import limits

ISSUER = "https://access.line.me"
FRESH = timedelta(minutes=10)
"""出されてからこの時間のうちに、最初の引き換えに来なければならない。LIFFではnonceを決められないので、短くする。"""
SKEW = timedelta(seconds=60)
CERTS_SECONDS = 6 * 3600
REFETCHES = 5
"""知らないkidのために公開鍵を取り直してよい回数の貯え。`REFETCH_EVERY` 秒ごとに一つ戻る。"""
REFETCH_EVERY = 10.0
_MAX_TOKEN = 4096
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_USER = re.compile(limits.USER_ID)
log = logging.getLogger(__name__)

FetchKeys = Callable[[], Awaitable[Sequence[dict[str, Any]]]]


class Forged(Refused):
    """信じられないIDトークン(偽物、期限切れ、よその宛先)。扉は401で答える。`reason` は記録のための短い語。"""

    def __init__(self, reason: str) -> None:
        message = "LINEのサインインを確かめられませんでした。"
        super().__init__(message, next_step="もう一度、LINEでサインインしてください。")
        self.reason = reason


@dataclass(frozen=True)
class Identity:
    """確かめられた本人。`digest` はトークンのsha-256で、一度だけ使わせるために覚える(本人とは結び付かない)。"""

    user_id: str = field(repr=False)
    expires_at: datetime
    digest: bytes


class Certs:
    """LINEの公開鍵。覚えておき、知らないkidのときだけ取り直す。取り直しは同時に一つ、回数にも限りがある。"""

    def __init__(self, fetch: FetchKeys) -> None:
        self._fetch = fetch
        self._keys: dict[str, Any] = {}
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()
        self._left = float(REFETCHES)
        self._counted_at = time.monotonic()

    async def key(self, kid: str) -> Any:
        """`kid` の公開鍵。知らなければ `Forged`、LINEに届かなければ `Unavailable`。"""
        known = self._keys.get(kid)
        if known is None or self._stale:
            async with self._lock:
                known = self._keys.get(kid)
                if known is None or self._stale:
                    await self._refresh(needed=known is None)
            known = self._keys.get(kid)
        if known is None:
            raise Forged("unknown_kid")
        return known

    @property
    def _stale(self) -> bool:
        return time.monotonic() - self._fetched_at > CERTS_SECONDS

    async def _refresh(self, *, needed: bool) -> None:
        if not self._may_fetch():
            return
        try:
            found = await self._fetch()
        except LineError as error:
            if needed:
                raise Unavailable(
                    "ただいまLINEに確かめられません。何も保存していません。",
                    next_step="少し待ってから、もう一度お試しください。",
                ) from error
            return  # 古くても持っている鍵で確かめる
        self._keys = {jwk["kid"]: key for jwk in found if (key := _public_key(jwk))}
        self._fetched_at = time.monotonic()

    def _may_fetch(self) -> bool:
        now = time.monotonic()
        self._left = min(float(REFETCHES), self._left + (now - self._counted_at) / REFETCH_EVERY)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


async def verify(token: str, certs: Certs, channels: Sequence[str], now: datetime) -> Identity:
    """IDトークンを確かめる: ES256、kid、iss、aud(`channels` のどれか)、exp、iat、sub。だめなら `Forged`。"""
    if len(token) > _MAX_TOKEN:
        raise Forged("too_long")
    try:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if header.get("alg") != "ES256" or not isinstance(kid, str):
            raise Forged("algorithm")
        key = await certs.key(kid)
        # 時刻はデータベースの時計で、自分で見る(PyJWTはこの機械の時計を使う)。
        claims = jwt.decode(token, key, algorithms=["ES256"], options=_OWN_CHECKS)
    except (jwt.PyJWTError, ValueError, UnicodeError) as error:
        raise Forged("signature") from error
    return Identity(*_checked(claims, channels, now), _digest(token))


def _digest(token: str) -> bytes:
    """同じトークンの、どの綴りにも同じ値。

    ES256の署名は、鍵がなくても別の綴り(s → n-s、末尾の「=」や余りのビット)に直せるので、r と小さいほうの s で覚える。
    署名そのものも含める: 同じ秒に二度サインインすると、中身が同じで署名だけが違うトークンになる。
    """
    signed, _, signature = token.rpartition(".")
    raw = base64url_decode(signature)
    r, s = raw[:32], int.from_bytes(raw[32:])
    return hashlib.sha256(signed.encode() + r + min(s, _P256_ORDER - s).to_bytes(32)).digest()


def _checked(claims: dict[str, Any], channels: Sequence[str], now: datetime) -> tuple[str, datetime]:
    user, expires, issued = claims.get("sub"), _moment(claims.get("exp")), _moment(claims.get("iat"))
    if claims.get("iss") != ISSUER:
        raise Forged("issuer")
    if not isinstance(claims.get("aud"), str) or claims["aud"] not in channels:
        raise Forged("audience")
    if expires is None or expires <= now:
        raise Forged("expired")
    if issued is None or not now - FRESH <= issued <= now + SKEW:
        raise Forged("stale")
    if not isinstance(user, str) or not _USER.fullmatch(user):
        raise Forged("subject")
    return user, expires


def _moment(stamp: Any) -> datetime | None:
    if isinstance(stamp, bool) or not isinstance(stamp, int | float):
        return None
    try:
        return datetime.fromtimestamp(stamp, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _public_key(jwk: Any) -> Any:
    """P-256の公開鍵。ほかの形の鍵は、ないものとして扱う。"""
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid"), str) or jwk.get("crv") != "P-256":
        return None
    try:
        return jwt.PyJWK(jwk, algorithm="ES256").key
    except (jwt.PyJWTError, ValueError):
        log.warning("LINEの公開鍵の一つを読めません")
        return None


_OWN_CHECKS: Any = {f"verify_{name}": False for name in ("exp", "iat", "nbf", "aud", "iss", "sub")}
