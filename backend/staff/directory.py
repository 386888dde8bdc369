"""職員の名簿: だれが、どの課で、何をできるか。"""

from dataclasses import dataclass
from datetime import datetime

from backend.audit import trail
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission, Role
from backend.store import work


@dataclass(frozen=True)
class Member:
    """名簿の一行。`signed_in` はいま開いているセッションの数、`second_factor` は認証アプリの登録の有無。"""

    id: int
    login: str
    name: str
    role: Role
    section_name: str
    active: bool
    invited: bool
    invitation_until: datetime | None
    signed_in: int
    second_factor: bool

    @property
    def condition(self) -> str:
        """利用中・招待中・招待切れ・停止中。"""
        if not self.active:
            return "停止中"
        if not self.invited:
            return "利用中"
        return "招待中" if self.invitation_until else "招待切れ"


_LIST = """
select m.id, m.login, m.name, m.role, s.name as section_name, m.active, m.password_hash is null as invited,
       (select max(i.expires_at) from staff_invitation i
         where i.staff_id = m.id and i.redeemed_at is null and i.expires_at > ward_now()) as invitation_until,
       (select count(*) from staff_session t where t.staff_id = m.id
          and not t.waits and t.seen_at > ward_now() - interval '45 minutes') as signed_in,
       exists (select 1 from staff_factor f where f.staff_id = m.id and f.confirmed_at is not null) as second_factor
from staff_member m join section s on s.code = m.section_code
order by m.active desc, s.name, m.role, m.name
"""


async def members() -> list[Member]:
    return [Member(role=Role(row.pop("role")), **row) for row in await work.sql(_LIST)]


async def names(staff_ids: set[int]) -> dict[int, str]:
    """番号から名前。いなくなった職員は含まれない。"""
    rows = await work.sql("select id, name from staff_member where id = any($1::bigint[])", list(staff_ids))
    return {row["id"]: row["name"] for row in rows}


async def approvers(excluding: set[int], *, chief_only: bool) -> list[str]:
    """いま承認できる職員の名前。`excluding` は書いた人たち(POL 5(4)イ)。"""
    roles = [Role.PR_CHIEF.value] if chief_only else [Role.PR.value, Role.PR_CHIEF.value]
    rows = await work.sql(
        "select name from staff_member where active and password_hash is not null and role = any($1::text[]) "
        "and not id = any($2::bigint[]) order by role, name",
        roles,
        list(excluding),
    )
    return [row["name"] for row in rows]


async def deactivate(actor: Actor, staff_id: int) -> None:
    """職員を使えなくし、開いているセッションをすべて終える。戻すのは二人で行う別の手順(RULES「一人で止め、二人で始める」)。"""
    actor.require(Permission.MANAGE_STAFF)
    if staff_id == actor.staff_id:
        raise Refused("自分自身を止めることはできません。", next_step="もう一人のシステム管理者に頼んでください。")
    rows = await work.sql("update staff_member set active = false where id = $1 and active returning login", staff_id)
    if not rows:
        raise NotFound("その職員はいないか、すでに止められています。")
    await work.sql("delete from staff_session where staff_id = $1", staff_id)
    await work.sql("delete from staff_invitation where staff_id = $1 and redeemed_at is null", staff_id)
    await trail.record(actor, "staff.deactivate", f"staff:{staff_id}", login=rows[0]["login"])
