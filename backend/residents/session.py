"""住民のページの短いセッション: 暗号にしたクッキーだけ。同意の前に、サーバーには何も残さない(DESIGN 6)。

終わらせたセッションだけは、乱数のsha-256を期限まで覚える。写し取られたクッキーも、そこで終わる。
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from backend.errors import Refused
from backend.line.identity import Forged, Identity
from backend.settings import Settings, current_version, keyring
from backend.store import clock, work

MINUTES = 30
WRITES_PER_MINUTE = 30
_PURPOSE = b"ward-liff/1"
_NONCE = 12


class Over(Refused):
    """セッションが無い、終わった、読めない。扉は401で答え、ページは一度だけサインインし直す。"""

    def __init__(self) -> None:
        super().__init__(
            "ページを開いてから時間がたちました。まだ何も保存していません。",
            next_step="もう一度、LINEでサインインしてください。",
        )


class TooOften(Refused):
    """一つのセッションからの書き込みが多すぎる。扉は429で答える。"""


@dataclass(frozen=True)
class Session:
    """一つのページの間の本人。`id` は乱数、`token` は引き換えたIDトークンのハッシュ(16進)。"""

    user_id: str
    until: datetime
    id: str
    token: str

    def __repr__(self) -> str:
        return "Session(…)"


async def start(identity: Identity, previous: Session | None) -> Session:
    """確かめられた本人のセッションを始める。一度使われたIDトークンは、そのセッションの持ち主だけがまた使える。

    覚えるのはトークンのsha-256と期限だけ。だれのものかは残らない。再利用は `Forged`。
    """
    digest = identity.digest.hex()
    rows = await work.sql(
        "insert into id_token_seen (digest, expires_at) values ($1, $2) on conflict do nothing returning 1 as fresh",
        identity.digest,
        identity.expires_at,
    )
    if rows:
        until = await clock.now() + timedelta(minutes=MINUTES)
        return Session(identity.user_id, until, secrets.token_hex(16), digest)
    if previous and previous.token == digest and previous.user_id == identity.user_id:
        return previous
    raise Forged("replayed")


def seal(session: Session, settings: Settings) -> str:
    """クッキーの値。先頭の1バイトは鍵の版。"""
    ring = keyring(settings.session_keys)
    version = current_version(settings.session_keys)
    nonce = secrets.token_bytes(_NONCE)
    plain = msgspec.json.encode([session.user_id, session.until.timestamp(), session.id, session.token])
    box = _cipher(ring[version]).encrypt(nonce, plain, _PURPOSE)
    return base64.urlsafe_b64encode(bytes([version]) + nonce + box).decode()


async def current(cookie: str | None, settings: Settings) -> Session | None:
    """いま生きているセッション。読めないもの、期限の切れたもの、終わらせたもの、「個人設定を閉じる」の前のもの(RULES 42)はNone。"""
    found = unseal(cookie, settings)
    if found is None:
        return None
    seen = (await work.sql(_SEEN, _digest(found)))[0]
    began = found.until - timedelta(minutes=MINUTES)
    closed = seen["closed_at"] is not None and began <= seen["closed_at"]
    return None if found.until <= seen["now"] or seen["ended"] or closed else found


async def end(session: Session) -> None:
    """終わらせる。同じクッキーの写しも、もう使えない。覚えるのは乱数のハッシュと期限だけで、だれのものかは残らない。"""
    await work.sql(
        "insert into liff_ended (digest, expires_at) values ($1, $2) on conflict do nothing",
        _digest(session),
        session.until,
    )


def unseal(cookie: str | None, settings: Settings) -> Session | None:
    """クッキーの中身。無い・壊れている・別の鍵のものはNone。期限はまだ見ていない。"""
    try:
        raw = base64.b64decode((cookie or "").encode("ascii"), altchars=b"-_", validate=True)
        key = keyring(settings.session_keys)[raw[0]]
        plain = _cipher(key).decrypt(raw[1 : 1 + _NONCE], raw[1 + _NONCE :], _PURPOSE)
        user_id, until, identity, token = msgspec.json.decode(plain, type=tuple[str, float, str, str])
    except (ValueError, KeyError, IndexError, InvalidTag, msgspec.DecodeError):
        return None
    return Session(user_id, datetime.fromtimestamp(until, UTC), identity, token)


async def count_write(session: Session) -> None:
    """書き込みを数える。一分に `WRITES_PER_MINUTE` 回を越えたら `TooOften`。数えるのは乱数のハッシュだけ。"""
    rows = await work.sql(
        "insert into liff_rate as r (bucket) values ($1) on conflict (bucket) do update set "
        "hits = case when r.since < ward_now() - interval '1 minute' then 1 else r.hits + 1 end, "
        "since = case when r.since < ward_now() - interval '1 minute' then ward_now() else r.since end returning hits",
        _digest(session),
    )
    if rows[0]["hits"] > WRITES_PER_MINUTE:
        raise TooOften("続けて操作されたため、しばらく受け付けられません。", next_step="1分ほど待ってください。")


# 一度の問い合わせで、いまの時刻と、終わりの印を見る。
_SEEN = """
select ward_now() as now, exists (select from liff_ended where digest = $1) as ended,
       (select at from personal_switch where closed order by id desc limit 1) as closed_at
"""


def _digest(session: Session) -> bytes:
    return hashlib.sha256(session.id.encode()).digest()


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(hashlib.sha256(_PURPOSE + key).digest())
