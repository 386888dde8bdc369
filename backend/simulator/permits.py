"""許可: 署名の鍵、一度だけの認可コード、アクセストークン、本人がした「許可する」。kill -9 のあとも残る。"""

import base64
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from backend.simulator.id_tokens import SigningKey

CODE_SECONDS = 600
ACCESS_TOKEN_SECONDS = 12 * 3600  # LINE.md 3.1
TICKET_SECONDS = 300
KEPT_KEYS = 2  # 回した直後は、前の鍵で署名したトークンもまだ生きている

SCHEMA = """
create table if not exists login_key (position integer primary key autoincrement, kid text not null, pem text not null);
create table if not exists login_code (
  code text primary key, user text not null, redirect_uri text not null, challenge text not null, expires_at real not null);
create table if not exists login_token (token text primary key, user text not null, expires_at real not null);
create table if not exists login_permission (user text primary key);
create table if not exists login_ticket (ticket text primary key, user text not null, expires_at real not null);
"""


@dataclass(frozen=True)
class Code:
    user: str
    redirect_uri: str
    challenge: str


class Permits:
    """`now` は模擬環境の時計。"""

    def __init__(self, db: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self._db = db
        self.now = now
        db.executescript(SCHEMA)

    def signing_keys(self) -> list[SigningKey]:
        """新しい順。まだ無ければ一つ作る。"""
        rows = self._db.execute(
            "select kid, pem from login_key order by position desc limit ?",
            (KEPT_KEYS,),
        ).fetchall()
        return [SigningKey.load(kid, pem) for kid, pem in rows] or [self.rotate()]

    def rotate(self) -> SigningKey:
        """署名の鍵を新しくする。前の鍵は、もう一度回すまで公開し続ける。"""
        key = SigningKey.make()
        with self._db:
            self._db.execute("insert into login_key (kid, pem) values (?, ?)", (key.kid, key.pem()))
        return key

    def allow(self, user: str, redirect_uri: str, challenge: str) -> str:
        """「許可する」を覚え、一度だけ使えるコードを返す。"""
        code = secrets.token_urlsafe(15)
        with self._db:
            self._db.execute("insert or ignore into login_permission values (?)", (user,))
            self._db.execute(
                "insert into login_code values (?, ?, ?, ?, ?)",
                (code, user, redirect_uri, challenge, self._until(CODE_SECONDS)),
            )
        return code

    def has_allowed(self, user: str) -> bool:
        return self._db.execute("select 1 from login_permission where user = ?", (user,)).fetchone() is not None

    def redeem(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        """コードの持ち主。使い終えたコード、合わない検証子や戻り先は `ValueError`。"""
        with self._db:
            row = self._db.execute(
                "delete from login_code where code = ? and expires_at > ? returning user, redirect_uri, challenge",
                (code, self.now().timestamp()),
            ).fetchone()
        if row is None:
            raise ValueError("invalid authorization code")
        found = Code(*row)
        if not hmac.compare_digest(challenge_of(verifier), found.challenge):
            raise ValueError("invalid code_verifier")
        if redirect_uri != found.redirect_uri:
            raise ValueError("redirect_uri does not match")
        return found.user

    def access_token(self, user: str) -> str:
        token = secrets.token_urlsafe(48)
        with self._db:
            self._db.execute(
                "insert into login_token values (?, ?, ?)",
                (token, user, self._until(ACCESS_TOKEN_SECONDS)),
            )
        return token

    def holder(self, access_token: str) -> tuple[str, int] | None:
        """(利用者, 残りの秒数)。知らないトークンと切れたトークンは None。"""
        now = self.now().timestamp()
        row = self._db.execute("select user, expires_at from login_token where token = ?", (access_token,)).fetchone()
        return (row[0], int(row[1] - now)) if row and row[1] > now else None

    def revoke(self, access_token: str) -> str | None:
        """連携を解く: その人の許可とトークンをすべて捨てる。知らないトークンは None。"""
        found = self.holder(access_token)
        if found:
            self.forget(found[0])
        return found[0] if found else None

    def forget(self, user: str) -> None:
        with self._db:
            for table in ("login_permission", "login_token", "login_code"):
                self._db.execute(f"delete from {table} where user = ?", (user,))  # noqa: S608  表の名前は上の三つだけ

    def ticket(self, user: str) -> str:
        """模擬スマートフォンがLIFFを開くときの、一度だけの札。利用者のidをURLに出さない。"""
        ticket = secrets.token_urlsafe(15)
        with self._db:
            self._db.execute(
                "insert into login_ticket values (?, ?, ?)",
                (ticket, user, self._until(TICKET_SECONDS)),
            )
        return ticket

    def use_ticket(self, ticket: str) -> str | None:
        with self._db:
            row = self._db.execute(
                "delete from login_ticket where ticket = ? and expires_at > ? returning user",
                (ticket, self.now().timestamp()),
            ).fetchone()
        return row[0] if row else None

    def reset(self) -> None:
        """鍵だけを残して空にする。"""
        with self._db:
            for table in (
                "login_permission",
                "login_token",
                "login_code",
                "login_ticket",
            ):
                self._db.execute(f"delete from {table}")  # noqa: S608  表の名前は上の四つだけ

    def _until(self, seconds: int) -> float:
        return self.now().timestamp() + seconds


def challenge_of(verifier: str) -> str:
    """PKCEのS256。"""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
