"""職員の名簿: だれが、どの課で、何をできるか。"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backend.audit import trail
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission, Role
from backend.store import work


@dataclass(frozen=True)
class Member:
    """名簿の一行。`starts_on` は、その日より前の招待の効く日、`signed_in` はいま開いているセッションの数、`second_factor` は認証アプリの登録の有無。"""

    id: int
    login: str
    name: str
    role: Role
    section_name: str
    active: bool
    invited: bool
    invitation_until: datetime | None
    starts_on: date | None
    signed_in: int
    second_factor: bool

    @property
    def condition(self) -> str:
        """利用中・招待中・招待切れ・停止中・開始前。"""
        if self.starts_on:
            return "開始前"
        if not self.active:
            return "停止中"
        if not self.invited:
            return "利用中"
        return "招待中" if self.invitation_until else "招待切れ"


TODAY = "(ward_now() at time zone 'Asia/Tokyo')::date"
"""SQLでの、日本の今日。"""
_LIST = """
select m.id, m.login, m.name, m.role, s.name as section_name, m.active, m.password_hash is null as invited,
       (select max(i.expires_at) from staff_invitation i
         where i.staff_id = m.id and i.redeemed_at is null and i.expires_at > ward_now()) as invitation_until,
       (select c.starts_on from staff_change c where c.login = m.login and c.what = 'invite' and c.approval_id is not null
          and c.applied_at is null and c.closed_at is null) as starts_on,
       (select count(*) from staff_session t where t.staff_id = m.id
          and not t.waits and t.seen_at > ward_now() - interval '45 minutes') as signed_in,
       exists (select 1 from staff_factor f where f.staff_id = m.id and f.confirmed_at is not null) as second_factor
from staff_member m join section s on s.code = m.section_code where $1::bigint is null or m.id = $1
order by m.active desc, s.name, m.role, m.name
"""


async def members() -> list[Member]:
    return [_member(row) for row in await work.sql(_LIST, None)]


async def member(staff_id: int) -> Member:
    """名簿の一人。いなければ `NotFound`。"""
    rows = await work.sql(_LIST, staff_id)
    if not rows:
        raise NotFound("その職員はいません。", next_step="職員の一覧からお探しください。")
    return _member(rows[0])


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


async def sections() -> list[tuple[str, str]]:
    """所管課の (符号, 名前)。"""
    return [(row["code"], row["name"]) for row in await work.sql("select code, name from section order by name")]


async def without_chief() -> list[str]:
    """担当はいるのに、緊急配信のできる所管課長が一人もいない課の名前(RULES 32)。"""
    rows = await work.sql(
        "select s.name from section s where exists "
        "(select 1 from staff_member m where m.section_code = s.code and m.active and m.role = 'section_staff') "
        "and not exists (select 1 from staff_member m where m.section_code = s.code and m.active "
        "and m.password_hash is not null and m.role = 'section_chief') order by s.name"
    )
    return [row["name"] for row in rows]


async def deactivate(actor: Actor, staff_id: int) -> None:
    """職員を、一人で、すぐに使えなくする。管理者を外すのと、戻すのは二人で行う(RULES「一人で止め、二人で始める」)。"""
    actor.require(Permission.MANAGE_STAFF)
    rows = await work.sql("select login, role from staff_member where id = $1 and active", staff_id)
    if not rows:
        raise NotFound("その職員はいないか、すでに止められています。")
    if Role(rows[0]["role"]) is Role.ADMINISTRATOR:
        raise Refused(
            "システム管理者は、一人では止められません。",
            next_step="「役割を変える・日を決めて止める」から提案し、もう一人の管理者に承認を頼んでください。"
            "急ぐときは「サインアウトさせる」を押し、個人情報保護担当に知らせてください。",
        )
    await end(staff_id)
    await trail.record(actor, "staff.deactivate", f"staff:{staff_id}", login=rows[0]["login"])


async def end(staff_id: int) -> None:
    """使えなくし、開いているセッションと招待を終える。最後の一人なら `Refused`。"""
    await _keep_someone(staff_id, None)
    await work.sql("update staff_member set active = false where id = $1", staff_id)
    await work.sql("delete from staff_session where staff_id = $1", staff_id)
    await work.sql("delete from staff_invitation where staff_id = $1 and redeemed_at is null", staff_id)


async def assign(staff_id: int, role: Role, section_code: str) -> None:
    """役割と課を変え、開いているセッションを終える。最後の一人なら `Refused`。"""
    await _keep_someone(staff_id, role)
    await work.sql(
        "update staff_member set role = $2, section_code = $3 where id = $1", staff_id, role.value, section_code
    )
    await work.sql("delete from staff_session where staff_id = $1", staff_id)


def _member(row: dict[str, Any]) -> Member:
    return Member(role=Role(row.pop("role")), **row)


async def _keep_someone(staff_id: int, becomes: Role | None) -> None:
    """承認できる人・広報課長・システム管理者の、サインインできる最後の一人は外せない。"""
    await work.sql("select pg_advisory_xact_lock(hashtext('staff'))")  # 二つの変更が、互いを後任と数えない
    rows = await work.sql("select id, role from staff_member where active and password_hash is not null")
    left = {Role(row["role"]) for row in rows if row["id"] != staff_id} | {becomes}
    was = {Role(row["role"]) for row in rows if row["id"] == staff_id}
    for roles, words in _NEEDED:
        if was & roles and not left & roles:
            raise Refused(words, next_step="先に後任の職員を招待し、パスワードを決めてもらってください。")


_NEEDED = (
    ({Role.PR, Role.PR_CHIEF}, "依頼を承認できる最後の職員です。"),
    ({Role.PR_CHIEF}, "最後の広報課長です。"),
    ({Role.ADMINISTRATOR}, "最後のシステム管理者です。"),
)
