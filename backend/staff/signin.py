"""サインイン: 合っているかを確かめ、続けて失敗する相手を待たせ、セッションを始める。"""

import hashlib
import secrets
from typing import Any

from backend.audit import trail
from backend.errors import Refused
from backend.permissions import Actor, Permission, Role
from backend.staff import passwords
from backend.store import work

WINDOW_MINUTES = 15
LIMIT_LOGIN_AND_SOURCE = 10
LIMIT_SOURCE = 50
LIMIT_LOGIN = 100  # 多くの場所からの総当たり
KNOWN_DAYS = 30
"""この間にサインインできた場所からは、その人の分だけを数える。よその総当たりで職員を締め出せないように。"""


class TooMany(Refused):
    """続けて失敗したので、しばらく受け付けない。"""


async def sign_in(login: str, password: str, source: str, old_token: str | None = None) -> str:
    """正しければ新しいセッションの札を返す。違えば `Refused`、続けて違えば `TooMany`。

    自分で取引を二つ使う: パスワードの計算は0.1秒ほどかかり、その間データベースの接続を持たない。
    `source` は接続元。`old_token` は、いまのブラウザが持っている札で、新しい札と入れ替えに消える。
    """
    login = login.strip().lower()
    attempt = await work.run(begin, login, source)
    stored = await work.sql(
        "select id, password_hash from staff_member where login = $1 and active and password_hash is not null", login
    )
    right = await passwords.matches(password, stored[0]["password_hash"] if stored else None)
    if not right:
        raise Refused(
            "利用者名かパスワードが違います。",
            next_step="大文字・小文字や、日本語入力になっていないかを確かめてください。",
        )
    return await work.run(start, stored[0]["id"], stored[0]["password_hash"], attempt, old_token)


async def begin(login: str, source: str) -> list[bytes]:
    """試みを数えてから受け付ける。数えるのが先なので、同時に何百送っても上限は越えない。"""
    pair, alone, any_source = _who("pair", login, source), _who("source", source), _who("login", login)
    keys = [pair, alone, any_source]
    for key in sorted(keys):
        await work.sql("select pg_advisory_xact_lock($1)", int.from_bytes(key[:8], "big", signed=True))
    await work.sql("delete from sign_in_failure where at < ward_now() - interval '1 day'")
    limits = ((pair, LIMIT_LOGIN_AND_SOURCE), (alone, LIMIT_SOURCE), (any_source, LIMIT_LOGIN))
    for key, limit in limits[:1] if await _known(pair) else limits:
        rows = await work.sql(
            "select count(*) as tries from sign_in_failure where who = $1 and at > ward_now() - make_interval(mins => $2)",
            key,
            WINDOW_MINUTES,
        )
        if rows[0]["tries"] >= limit:
            raise TooMany(
                "サインインの失敗が続いたため、しばらく受け付けません。",
                next_step=f"{WINDOW_MINUTES}分ほど待ってから、もう一度お試しください。お急ぎのときはシステム管理者へ。",
            )
    await work.sql("insert into sign_in_failure (who) select unnest($1::bytea[])", keys)
    return keys


async def _known(pair: bytes) -> bool:
    """この人が、この接続元から近ごろサインインできたか。古い覚えは消す。"""
    await work.sql("delete from sign_in_place where at < ward_now() - make_interval(days => $1)", KNOWN_DAYS)
    return bool(await work.sql("select 1 from sign_in_place where who = $1", pair))


async def start(staff_id: int, password_hash: str, attempt: list[bytes], old_token: str | None) -> str:
    """セッションを始める。確かめている間にパスワードや在職が変わっていたら断る。"""
    rows = await work.sql(
        "select m.id, exists (select 1 from staff_factor f where f.staff_id = m.id and f.confirmed_at is not null) as waits "
        "from staff_member m where m.id = $1 and m.active and m.password_hash = $2 for share of m",
        staff_id,
        password_hash,
    )
    if not rows:
        raise Refused("いまはサインインできません。", next_step="もう一度お試しください。")
    await forgive(attempt)
    if old_token:
        await work.sql("delete from staff_session where token_sha256 = $1", digest(old_token))
    return await open_session(staff_id, waits=rows[0]["waits"])


async def forgive(attempt: list[bytes]) -> None:
    """うまくいった本人の分だけ数え直す。接続元の数は残す: ほかの人への総当たりを隠さない。"""
    await work.sql("delete from sign_in_failure where who = any($1::bytea[])", [attempt[0], attempt[2]])
    await work.sql(
        "delete from sign_in_failure where id = (select max(id) from sign_in_failure where who = $1)", attempt[1]
    )
    await work.sql(
        "insert into sign_in_place (who) values ($1) on conflict (who) do update set at = ward_now()", attempt[0]
    )


async def open_session(staff_id: int, *, waits: bool) -> str:
    """新しい札。`waits` なら二つ目の確かめ(`factors.verify`)が済むまで、どの扉も開かない。"""
    token = secrets.token_urlsafe(32)
    await work.sql(
        "insert into staff_session (token_sha256, staff_id, waits) values ($1, $2, $3)", digest(token), staff_id, waits
    )
    if not waits:
        rows = await work.sql(
            "select m.id, m.login, m.name, m.role, s.code, s.name as section_name from staff_member m "
            "join section s on s.code = m.section_code where m.id = $1",
            staff_id,
        )
        await trail.record(_actor(rows[0]), "staff.sign_in", f"staff:{staff_id}")
    return token


async def sign_out(actor: Actor, token: str) -> None:
    """このブラウザのセッションを終える。"""
    await work.sql("delete from staff_session where token_sha256 = $1", digest(token))
    await trail.record(actor, "staff.sign_out", f"staff:{actor.staff_id}")


async def sign_out_everywhere(actor: Actor, staff_id: int) -> None:
    """ある職員のすべてのセッションを終える。自分のもの、または管理者が人のものを。"""
    if staff_id != actor.staff_id:
        actor.require(Permission.MANAGE_STAFF)
    await work.sql("delete from staff_session where staff_id = $1", staff_id)
    await trail.record(actor, "staff.sign_out_everywhere", f"staff:{staff_id}")


def digest(token: str) -> bytes:
    """保存する形。札そのものはどこにも残さない。"""
    return hashlib.sha256(token.encode()).digest()


def _actor(row: dict[str, Any]) -> Actor:
    return Actor(row["id"], row["login"], row["name"], Role(row["role"]), row["code"], row["section_name"])


def _who(*words: str) -> bytes:
    return hashlib.sha256("\0".join(words).encode()).digest()
