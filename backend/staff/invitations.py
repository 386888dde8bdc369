"""招待: 職員は一度だけ使える札を受け取り、自分でパスワードを決める。管理者もパスワードを知らない。"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from backend.audit import trail
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Role
from backend.staff import passwords
from backend.store import work

HOURS = 72
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_SECTION = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True)
class Invitation:
    """まだ使える招待。"""

    login: str
    name: str
    role: Role
    section_name: str
    expires_at: datetime


async def add(
    login: str, name: str, role: Role, section_code: str, section_name: str, invited_by: Actor | None = None
) -> str:
    """職員を登録し、招待の札(一度だけ、72時間)を返す。札は保存しないので、ここでしか見られない。

    まだパスワードを決めていない職員なら、新しい札を出し直し、前の札は使えなくなる。決めた職員なら `Refused`。
    """
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise Refused("利用者名は、半角の英小文字・数字・._- で2〜40文字にしてください。")
    if not name.strip() or not _SECTION.fullmatch(section_code) or not section_name.strip():
        raise Refused("名前、所管課の符号(半角の英小文字・数字・-)、所管課の名前を書いてください。")
    await _ensure_section(section_code, section_name.strip())
    staff_id = await _ensure_member(login, name.strip(), role, section_code)
    await work.sql("delete from staff_invitation where staff_id = $1 and redeemed_at is null", staff_id)
    token = secrets.token_urlsafe(32)
    await work.sql(
        "insert into staff_invitation (staff_id, token_sha256, expires_at) "
        "values ($1, $2, ward_now() + make_interval(hours => $3))",
        staff_id,
        _digest(token),
        HOURS,
    )
    await trail.record(
        invited_by, "staff.invite", f"staff:{staff_id}", login=login, role=role.value, section=section_code
    )
    return token


async def find(token: str) -> Invitation:
    """札の招待。使われた、古い、知らない札は、区別せずに `NotFound`。"""
    rows = await work.sql(
        "select m.login, m.name, m.role, s.name as section_name, i.expires_at from staff_invitation i "
        "join staff_member m on m.id = i.staff_id join section s on s.code = m.section_code "
        "where i.token_sha256 = $1 and i.redeemed_at is null and i.expires_at > ward_now() and m.active",
        _digest(token),
    )
    if not rows:
        _gone()
    row = rows[0]
    return Invitation(row["login"], row["name"], Role(row["role"]), row["section_name"], row["expires_at"])


async def redeem(token: str, password_hash: str) -> str:
    """札を使い、パスワードを決める。同じ札は二度使えない。loginを返す。

    `password_hash` は `passwords.check` と `passwords.hash_password` を通したもの(計算に時間がかかるので、取引の外で作る)。
    """
    rows = await work.sql(
        "update staff_invitation i set redeemed_at = ward_now() from staff_member m "
        "where i.token_sha256 = $1 and i.redeemed_at is null and i.expires_at > ward_now() "
        "and m.id = i.staff_id and m.active returning i.staff_id",
        _digest(token),
    )
    if not rows:
        _gone()
    staff_id = rows[0]["staff_id"]
    await work.sql("delete from staff_session where staff_id = $1", staff_id)
    rows = await work.sql(
        "update staff_member set password_hash = $2 where id = $1 returning login", staff_id, password_hash
    )
    await trail.record(None, "staff.redeem", f"staff:{staff_id}")
    return rows[0]["login"]


async def set_password(login: str, password: str) -> None:
    """お試しの職員のパスワードを直に決める。招待は要らなくなるので消す。"""
    hashed = await passwords.hash_password(password)
    rows = await work.sql(
        "update staff_member set password_hash = $2 where login = $1 returning id", login.strip().lower(), hashed
    )
    if not rows:
        raise NotFound("その利用者名の職員はいません。")
    await work.sql("delete from staff_invitation where staff_id = $1", rows[0]["id"])


async def _ensure_section(code: str, name: str) -> None:
    await work.sql("insert into section (code, name) values ($1, $2) on conflict (code) do nothing", code, name)
    rows = await work.sql("select name from section where code = $1", code)
    if rows[0]["name"] != name:
        raise Refused(f"所管課の符号 {code} は「{rows[0]['name']}」に使われています。")


async def _ensure_member(login: str, name: str, role: Role, section_code: str) -> int:
    rows = await work.sql(
        "insert into staff_member (login, name, role, section_code) values ($1, $2, $3, $4) "
        "on conflict (login) do update set name = excluded.name, role = excluded.role, "
        "section_code = excluded.section_code where staff_member.password_hash is null returning id",
        login,
        name,
        role.value,
        section_code,
    )
    if not rows:
        raise Refused(f"利用者名 {login} はもう使われています。", next_step="別の利用者名にしてください。")
    return rows[0]["id"]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _gone() -> None:
    raise NotFound(
        "この招待は使えません。すでに使われたか、期限が過ぎています。",
        next_step="システム管理者に、新しい招待を頼んでください。",
    )
