"""Webhookの署名と出来事。署名は届いたバイト列そのものについて確かめ、それから読む(CHECKS 4)。"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from backend.errors import Refused
from backend.line import limits

_USER = re.compile(limits.USER_ID)


class BadSignature(Refused):
    """LINEが署名したものではない。扉は400で答える。"""


class Unreadable(Refused):
    """署名は正しいが、JSONとして読めない。扉は400で答える。"""


@dataclass(frozen=True)
class Event:
    """一つの出来事。製品が使うのは、だれが・いつ・何をしたかだけで、話した中身は読まない。

    `at` は出来事が起きた時刻(届いた時刻ではない)。`active` が偽なら、別のシステムが答える番(standby)。
    """

    kind: str
    user_id: str | None = field(repr=False)
    event_id: str
    at: datetime
    active: bool


def verify(raw: bytes, signature: str | None, secrets: Sequence[str]) -> None:
    """`x-line-signature` を確かめる。違えば `BadSignature`。

    `secrets` は現在と次のチャネルシークレット(切り替えの間は両方を認める)。
    """
    try:
        sent = base64.b64decode((signature or "").encode("ascii"), validate=True)
    except ValueError:
        sent = b""
    # 早く抜けない: 何番目の鍵で合ったかを、かかった時間から読まれないようにする。
    matched = [hmac.compare_digest(_digest(raw, secret), sent) for secret in secrets if secret]
    if not any(matched):
        raise BadSignature("署名が正しくありません。")


def parse(raw: bytes) -> list[Event]:
    """出来事の並び。知らない種類もそのまま返す。時刻か番号のない、形の壊れた出来事だけを飛ばす(LINE.md 2)。"""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable("Webhookの本文を読めません。") from error
    events = body.get("events") if isinstance(body, dict) else None
    if not isinstance(events, list):
        raise Unreadable("Webhookの本文に events がありません。")
    return [event for item in events if isinstance(item, dict) and (event := _event(item))]


def _event(item: dict[str, Any]) -> Event | None:
    event_id, stamp, source = item.get("webhookEventId"), item.get("timestamp"), item.get("source")
    if not isinstance(event_id, str) or not event_id or isinstance(stamp, bool) or not isinstance(stamp, int):
        return None
    try:
        at = datetime.fromtimestamp(stamp / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    user = source.get("userId") if isinstance(source, dict) else None
    known = user if isinstance(user, str) and _USER.fullmatch(user) else None
    return Event(str(item.get("type", "")), known, event_id, at, item.get("mode", "active") == "active")


def _digest(raw: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), raw, hashlib.sha256).digest()
