"""確認コード(RFC 6238): 30秒ごとに変わる6桁。計算だけで、保存も回数も知らない。"""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

STEP_SECONDS = 30
DIGITS = 6
DRIFT = 1  # 時計のずれ。前後一つずつのコードを受け付ける
SECRET_BYTES = 20


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def step_of(now: datetime) -> int:
    """`now` の属する30秒の番号。"""
    return int(now.timestamp()) // STEP_SECONDS


def code(secret: bytes, step: int) -> str:
    """その番号の6桁(HMAC-SHA1、RFC 4226の切り出し)。"""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 0x0F
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def matching_step(secret: bytes, sent: str, now: datetime, used: int) -> int | None:
    """`sent` の合う番号。`used` 以下の番号は一度使われたので合わない(使い回しを断る)。"""
    current = step_of(now)
    found = None
    for step in range(current - DRIFT, current + DRIFT + 1):
        if hmac.compare_digest(code(secret, step).encode(), sent.encode()) and step > used:
            found = step
    return found


def key_text(secret: bytes) -> str:
    """認証アプリに手で打つ鍵: 4文字ずつに区切ったBase32。"""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def address(secret: bytes, login: str, issuer: str) -> str:
    """認証アプリが開くアドレス(otpauth)。"""
    key = base64.b32encode(secret).decode().rstrip("=")
    return f"otpauth://totp/{quote(issuer)}:{quote(login)}?secret={key}&issuer={quote(issuer)}&digits={DIGITS}&period={STEP_SECONDS}"
