"""招待: 職員は一度だけ使える札を受け取り、自分でパスワードを決める。管理者もパスワードを知らない。"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime

from backend.audit import trail
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Role
from backend.staff import passwords
from backend.staff.directory import TODAY
from backend.store import work

HOURS = 72
ENOUGH_ADMINISTRATORS = 2
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


async def add_first(login: str, name: str, role: Role, section_code: str, section_name: str) -> str:
    """機械の前の人の招待(`ward staff add`)。二人の管理者がそろうまで: その後は、画面で二人が行う(RULES 32)。"""
    rows = await work.sql(
        "select count(*) as n from staff_member where active and password_hash is not null and role = $1",
        Role.ADMINISTRATOR.value,
    )
    if rows[0]["n"] >= ENOUGH_ADMINISTRATORS:
        raise Refused(
            "システム管理者が二人いるので、ここからは招待できません。",
            next_step="職員の画面で一人が提案し、もう一人が承認してください。",
        )
    if not section_name.strip():  # 前からある課なら、名前は分かっている
        known = await work.sql("select name from section where code = $1", section_code)
        section_name = known[0]["name"] if known else ""
    return await add(login, name, role, section_code, section_name)


async def add(
    login: str,
    name: str,
    role: Role,
    section_code: str,
    section_name: str,
    invited_by: Actor | None = None,
    starts_on: date | None = None,
) -> str:
    """職員を登録し、招待の札(一度だけ、72時間)を返す。札は保存しないので、ここでしか見られない。

    まだパスワードを決めていない職員なら、新しい札を出し直し、前の札は使えなくなる。止められた職員は、招待からやり直す。
    使っている職員なら `Refused`。`starts_on`(日本の日付)より前は、パスワードを決められるが、サインインはできない。
    """
    login = checked(login, name, section_code, section_name)
    await _ensure_section(section_code, section_name.strip())
    staff_id = await _ensure_member(login, name.strip(), role, section_code, starts_on)
    await work.sql("delete from staff_invitation where staff_id = $1 and redeemed_at is null", staff_id)
    token = secrets.token_urlsafe(32)
    await work.sql(
        "insert into staff_invitation (staff_id, token_sha256, expires_at) values ($1, $2, "
        "greatest(ward_now(), $4::date::timestamp at time zone 'Asia/Tokyo') + make_interval(hours => $3))",
        staff_id,
        _digest(token),
        HOURS,
        starts_on,
    )
    await trail.record(
        invited_by, "staff.invite", f"staff:{staff_id}", login=login, role=role.value, section=section_code
    )
    return token


def checked(login: str, name: str, section_code: str, section_name: str) -> str:
    """書かれたものを確かめ、そろえた利用者名を返す。"""
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise Refused("利用者名は、半角の英小文字・数字・._- で2〜40文字にしてください。")
    if not name.strip() or not _SECTION.fullmatch(section_code) or not section_name.strip():
        raise Refused("名前、所管課の符号(半角の英小文字・数字・-)、所管課の名前を書いてください。")
    return login


async def cancel(login: str) -> None:
    """効く日の前の招待をやめる。"""
    await work.sql(
        "delete from staff_invitation i using staff_member m "
        "where m.id = i.staff_id and m.login = $1 and not m.active and i.redeemed_at is null",
        login,
    )


async def find(token: str) -> Invitation:
    """札の招待。使われた、古い、知らない札は、区別せずに `NotFound`。"""
    rows = await work.sql(
        "select m.login, m.name, m.role, s.name as section_name, i.expires_at from staff_invitation i "
        "join staff_member m on m.id = i.staff_id join section s on s.code = m.section_code "
        "where i.token_sha256 = $1 and i.redeemed_at is null and i.expires_at > ward_now()",
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
        "and m.id = i.staff_id returning i.staff_id",
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


async def _ensure_member(login: str, name: str, role: Role, section_code: str, starts_on: date | None) -> int:
    rows = await work.sql(_MEMBER, login, name, role.value, section_code, starts_on)
    if not rows:
        raise Refused(f"利用者名 {login} はもう使われています。", next_step="別の利用者名にしてください。")
    return rows[0]["id"]


_MEMBER = f"""
insert into staff_member (login, name, role, section_code, active)
values ($1, $2, $3, $4, coalesce($5::date, {TODAY}) <= {TODAY})
on conflict (login) do update set name = excluded.name, role = excluded.role, section_code = excluded.section_code,
  active = excluded.active, password_hash = null
where staff_member.password_hash is null or not staff_member.active
returning id
"""  # noqa: S608  定数


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _gone() -> None:
    raise NotFound(
        "この招待は使えません。すでに使われたか、期限が過ぎています。",
        next_step="システム管理者に、新しい招待を頼んでください。",
    )
