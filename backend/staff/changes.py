"""二人で決める職員の変更: 一人の管理者が提案し、もう一人が承認して、その日から効く(RULES 32)。

力を与えること(招待、役割)と、管理者を外すことは、一人ではできない。ほかの職員を止めることは、急ぐので一人でできる
(`directory.deactivate`)。
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from backend.approval import foureyes
from backend.audit import trail
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission, Role
from backend.staff import directory, invitations
from backend.store import work


class What(StrEnum):
    INVITE = "invite"
    ASSIGN = "assign"
    DEACTIVATE = "deactivate"

    @property
    def label(self) -> str:
        return {"invite": "招待する", "assign": "役割か課を変える", "deactivate": "使えなくする"}[self.value]


@dataclass(frozen=True)
class Change:
    """まだ効いていない変更。`approved` は二人目が承認したこと、`due` は効く日が来たこと、`trouble` は効かせられない理由。"""

    id: int
    what: What
    staff_id: int | None
    login: str
    name: str
    role: Role
    section_code: str
    section_name: str
    starts_on: date
    proposed_by: int
    proposed_name: str
    confirmed_name: str
    trouble: str
    due: bool

    @property
    def approved(self) -> bool:
        return bool(self.confirmed_name)

    @property
    def subject(self) -> str:
        return f"staff-change:{self.id}"

    @property
    def digest(self) -> bytes:
        """二人目が見たもの。"""
        seen = [
            self.what,
            self.staff_id,
            self.login,
            self.name,
            self.role,
            self.section_code,
            self.starts_on.isoformat(),
        ]
        return hashlib.sha256(json.dumps(seen, ensure_ascii=False).encode()).digest()


async def waiting() -> list[Change]:
    """承認か、効く日を待っている変更。"""
    return [_change(row) for row in await work.sql(f"{_OPEN} order by starts_on, id")]


async def invite(
    actor: Actor, login: str, name: str, role: Role, section_code: str, section_name: str, starts_on: date | None
) -> int:
    """招待の提案。札は、二人目が承認したときに作られる。"""
    login = invitations.checked(login, name, section_code, section_name)
    if await work.sql("select 1 from staff_member where login = $1 and active and password_hash is not null", login):
        raise Refused(f"利用者名 {login} はもう使われています。", next_step="別の利用者名にしてください。")
    wanted = {"name": name.strip(), "role": role.value, "code": section_code, "section_name": section_name.strip()}
    return await _propose(actor, What.INVITE, None, {"login": login, **wanted}, starts_on)


async def assign(actor: Actor, staff_id: int, role: Role, section_code: str, starts_on: date | None) -> int:
    """役割と課を変える提案。"""
    now = await _member(staff_id)
    sections = dict(await directory.sections())
    if section_code not in sections:
        raise Refused("その課はありません。", next_step="一覧から課を選んでください。")
    if (role.value, section_code) == (now["role"], now["code"]):
        raise Refused("役割も課も、いまと同じです。")
    wanted = {"role": role.value, "code": section_code, "section_name": sections[section_code]}
    return await _propose(actor, What.ASSIGN, staff_id, {**now, **wanted}, starts_on)


async def leave(actor: Actor, staff_id: int, starts_on: date | None) -> int:
    """使えなくする提案。管理者を外すときと、日を決めて外すとき。"""
    return await _propose(actor, What.DEACTIVATE, staff_id, await _member(staff_id), starts_on)


async def confirm(actor: Actor, change_id: int) -> str | None:
    """二人目の承認。日が来ていれば、すぐに効く。招待なら、本人に渡す札を返す(ここでしか見られない)。"""
    actor.require(Permission.MANAGE_STAFF)
    change = await _locked(change_id)
    approval = await foureyes.approve(actor, change.subject, change.digest, change.proposed_by)
    await work.sql(
        "update staff_change set approval_id = $2, confirmed_name = $3 where id = $1", change.id, approval, actor.name
    )
    await trail.record(actor, "staff.confirm", change.subject, what=change.what.value, login=change.login)
    token = None
    if change.what is What.INVITE:
        token = await invitations.add(
            change.login, change.name, change.role, change.section_code, change.section_name, actor, change.starts_on
        )
    if change.due:
        await _apply(change)
    return token


async def withdraw(actor: Actor, change_id: int) -> None:
    """まだ効いていない変更をやめる。承認の後でも、一人でできる。"""
    actor.require(Permission.MANAGE_STAFF)
    change = await _locked(change_id)
    await work.sql("update staff_change set closed_at = ward_now() where id = $1", change.id)
    if change.what is What.INVITE and change.approved:
        await invitations.cancel(change.login)
    await trail.record(actor, "staff.withdraw", change.subject, what=change.what.value, login=change.login)


async def apply_due() -> int:
    """承認され、日の来た変更を効かせ、その数を返す。効かせられないものは、理由を添えて残す。作業の輪が呼ぶ。"""
    applied = 0
    for change in await waiting():
        if change.approved and change.due:
            try:
                applied += await work.run(_apply_one, change.id)
            except Refused as refusal:
                await work.sql("update staff_change set trouble = $2 where id = $1", change.id, refusal.message)
    return applied


async def _apply_one(change_id: int) -> int:
    rows = await work.sql(f"{_OPEN} and c.id = $1 and c.approval_id is not null for update of c", change_id)
    for row in rows:
        await _apply(_change(row))
    return len(rows)


async def _apply(change: Change) -> None:
    """変更を効かせる。承認の行と中身が違えば効かない。"""
    rows = await work.sql("select approval_id from staff_change where id = $1", change.id)
    if not await foureyes.valid(rows[0]["approval_id"], change.subject, change.digest):
        raise Refused("承認された内容と一致しません。", next_step="取り消して、もう一度提案してください。")
    match change.what:
        case What.INVITE:
            await work.sql("update staff_member set active = true where login = $1", change.login)
        case What.ASSIGN:
            await directory.assign(change.staff_id or 0, change.role, change.section_code)
        case What.DEACTIVATE:
            await directory.end(change.staff_id or 0)
    await work.sql("update staff_change set applied_at = ward_now(), trouble = '' where id = $1", change.id)
    await trail.record(
        None, f"staff.{_ACTIONS[change.what]}", change.subject, login=change.login, role=change.role.value
    )


async def _propose(
    actor: Actor, what: What, staff_id: int | None, wanted: dict[str, Any], starts_on: date | None
) -> int:
    actor.require(Permission.MANAGE_STAFF)
    today: date = (await work.sql(f"select {directory.TODAY} as today"))[0]["today"]
    if starts_on and starts_on < today:
        raise Refused("効く日が過ぎています。", next_step="今日か、これからの日を選んでください。")
    rows = await work.sql(
        "insert into staff_change (what, staff_id, login, name, role, section_code, section_name, starts_on, proposed_by, "
        "proposed_name) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
        "on conflict (login) where applied_at is null and closed_at is null do nothing returning id",
        what.value,
        staff_id,
        wanted["login"],
        wanted["name"],
        wanted["role"],
        wanted["code"],
        wanted["section_name"],
        starts_on or today,
        actor.staff_id,
        actor.name,
    )
    if not rows:
        raise Refused(
            f"{wanted['login']} には、まだ効いていない変更があります。",
            next_step="先に、それを承認するかやめてください。",
        )
    await trail.record(
        actor,
        "staff.propose",
        f"staff-change:{rows[0]['id']}",
        what=what.value,
        login=wanted["login"],
        role=wanted["role"],
    )
    return rows[0]["id"]


async def _member(staff_id: int) -> dict[str, Any]:
    rows = await work.sql(
        "select m.login, m.name, m.role, s.code, s.name as section_name from staff_member m "
        "join section s on s.code = m.section_code where m.id = $1 and m.active",
        staff_id,
    )
    if not rows:
        raise NotFound("その職員はいないか、止められています。")
    return rows[0]


async def _locked(change_id: int) -> Change:
    rows = await work.sql(f"{_OPEN} and c.id = $1 for update of c", change_id)
    if not rows:
        raise NotFound("その変更はないか、もう済んでいます。", next_step="職員の画面を開き直してください。")
    return _change(rows[0])


def _change(row: dict[str, Any]) -> Change:
    return Change(what=What(row.pop("what")), role=Role(row.pop("role")), **row)


_ACTIONS = {What.INVITE: "add", What.ASSIGN: "assign", What.DEACTIVATE: "deactivate"}
_OPEN = f"""
select c.id, c.what, c.staff_id, c.login, c.name, c.role, c.section_code, c.section_name, c.starts_on, c.proposed_by,
       c.proposed_name, c.confirmed_name, c.trouble, c.starts_on <= {directory.TODAY} as due
from staff_change c where c.applied_at is null and c.closed_at is null
"""  # noqa: S608  定数
