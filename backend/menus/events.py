"""催しの予定: 催しの版を、いつからいつまで見せるか。版の中身・行き先・時間を、もう一人がまとめて認める。"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backend.approval import foureyes
from backend.audit import trail
from backend.errors import NotFound, Refused
from backend.links import register
from backend.menus import approving, links, versions
from backend.menus.versions import State, Version
from backend.permissions import Actor, Permission
from backend.store import work

AHEAD_HOURS = 24
"""催しのメニューは、始まるこの時間前にLINEへ置いておく。"""
LONGEST_DAYS = 92


@dataclass(frozen=True)
class Schedule:
    """一つの予定。`live` は、いま見せる時間の中か。`placed` はもうLINEに置いてあるか。

    `void` は、置く前に承認が消えたこと(行き先が変わったなど)。認め直すまで出ない。`mark` は、認める人が見た中身の印。
    """

    id: int
    version_id: int
    name: str
    starts_at: datetime
    ends_at: datetime
    staff_id: int
    staff_name: str
    approval_id: int | None
    approved_by: str | None
    cancelled_at: datetime | None
    live: bool
    over: bool
    placed: bool
    void: bool = False
    mark: str = ""

    @property
    def words(self) -> str:
        if self.cancelled_at:
            return "取りやめ"
        if self.over:
            return "終わりました"
        if self.approval_id is None:
            return "承認待ち"
        if self.void:
            return "承認の後にリンクの行き先が変わったので、出しません"
        return "いま出ています" if self.live else "予定"

    @property
    def waiting(self) -> bool:
        """承認を待っているか。"""
        return not self.cancelled_at and not self.over and (self.approval_id is None or self.void)

    @property
    def subject(self) -> str:
        return f"menu-schedule:{self.id}"


_SELECT = """
select s.*, v.name, s.starts_at <= ward_now() and s.ends_at > ward_now() as live, s.ends_at <= ward_now() as over,
       exists (select from menu_deployed d where d.version_id = s.version_id) as placed
from menu_schedule s join menu_version v on v.id = s.version_id
"""


async def listing() -> list[Schedule]:
    return [await _schedule(row) for row in await work.sql(f"{_SELECT} order by s.starts_at desc limit 60")]


async def of(version_id: int) -> list[Schedule]:
    """その版の、終わっていない予定。始まりの順。"""
    rows = await work.sql(
        f"{_SELECT} where s.version_id = $1 and s.cancelled_at is null and s.ends_at > ward_now() order by s.starts_at",
        version_id,
    )
    return [await _schedule(row) for row in rows]


async def coming() -> list[tuple[Version, bool]]:
    """承認された催しの版と、いま開いているか。始まりの遅いものが先(重なったら後から始まるものを見せる)。

    LINEに置く前に承認が消えたものは入らない。置いた後の行き先の変更は、リンクの二人が認めている。
    """
    rows = await work.sql(
        f"{_SELECT} where v.state = 'approved' and s.cancelled_at is null and s.approval_id is not null "
        "and s.ends_at > ward_now() and s.starts_at < ward_now() + make_interval(hours => $1) "
        "order by s.starts_at desc, s.id desc",
        AHEAD_HOURS,
    )
    found = [await _schedule(row) for row in rows]
    return [(await versions.find(one.version_id), one.live) for one in found if not one.void]


async def find(schedule_id: int) -> Schedule:
    rows = await work.sql(f"{_SELECT} where s.id = $1", schedule_id)
    if not rows:
        raise NotFound("その予定はありません。")
    return await _schedule(rows[0])


async def add(actor: Actor, version_id: int, starts_at: datetime, ends_at: datetime) -> int:
    """催しの版に時間を決める。承認されるまで、何も起きない。"""
    actor.require(Permission.MANAGE_MENUS)
    version = await versions.find(version_id)
    if version.role.kept:
        raise Refused(
            "予定を決められるのは、催しのメニューだけです。", next_step="役目を「催し」にした版を作ってください。"
        )
    if version.state not in (State.SUBMITTED, State.APPROVED):
        raise Refused("この版は、まだ提出されていません。", next_step="先に版を出してください。")
    now = (await work.sql("select ward_now() as now"))[0]["now"]
    if not now < ends_at or not starts_at < ends_at:
        raise Refused("終わりが、始まりか今より前です。", next_step="日時を確かめてください。")
    if (ends_at - starts_at).days > LONGEST_DAYS:
        raise Refused(
            f"長すぎます({LONGEST_DAYS}日まで)。", next_step="長く出すなら、ふだんのメニューを変えてください。"
        )
    rows = await work.sql(
        "insert into menu_schedule (version_id, starts_at, ends_at, staff_id, staff_name) values ($1, $2, $3, $4, $5) "
        "returning id",
        version_id,
        starts_at,
        ends_at,
        actor.staff_id,
        actor.name,
    )
    await trail.record(actor, "menu.schedule", f"menu-schedule:{rows[0]['id']}", version=version_id)
    return rows[0]["id"]


async def approve(actor: Actor, schedule_id: int, mark: str) -> None:
    """見た中身 `mark` のまま、版・行き先・時間をまとめて認める。決めた人・書いた人にはできない。"""
    actor.require(Permission.APPROVE_MENUS)
    found = await find(schedule_id)
    if not found.waiting:
        raise Refused("この予定は、承認を待っていません。", next_step="画面を開き直してください。")
    version = await versions.find(found.version_id, lock=True)
    if version.state not in (State.SUBMITTED, State.APPROVED):  # 差戻しの版は、認めた後に書き直せてしまう
        raise Refused(
            "この版は差し戻されたか、取り下げられています。", next_step="先に、版を出し直してもらってください。"
        )
    # ここから先、行き先を変えるのにも、やめるのにも、ひとりではできない(RULES 28)。
    await register.note_uses(version.subject, links.codes(version.declaration))
    await approving.refuse_unusable(version)
    seen = await _digest(found, version)
    if mark != _mark(seen):
        raise Refused("見た後に、中身かリンクの行き先が変わりました。", next_step="いまの行き先を見直してください。")
    approval = await foureyes.approve(actor, found.subject, seen, found.staff_id, *version.hands)
    await work.sql(
        "update menu_schedule set approval_id = $2, approved_by = $3 where id = $1", schedule_id, approval, actor.name
    )
    # 版も一緒に認めたことになる: 後から版を直せないように、状態を進める。
    await work.sql(
        "update menu_version set state = 'approved', approved_by = $2, approved_at = ward_now(), approval_id = $3, "
        "updated_at = ward_now() where id = $1 and state = 'submitted'",
        version.id,
        actor.name,
        approval,
    )
    await trail.record(actor, "menu.schedule_approve", found.subject)


async def cancel(actor: Actor, schedule_id: int) -> None:
    """取りやめる(一人で)。出ていれば、ふだんのメニューに戻る。"""
    actor.require(Permission.MANAGE_MENUS)
    rows = await work.sql(
        "update menu_schedule set cancelled_at = ward_now() where id = $1 and cancelled_at is null and "
        "ends_at > ward_now() returning id",
        schedule_id,
    )
    if not rows:
        raise Refused("この予定は、もう終わっています。")
    await trail.record(actor, "menu.schedule_cancel", f"menu-schedule:{schedule_id}")


async def let_go() -> None:
    """終わったか取りやめた催しは、もうリンクを使っていない。やめてよいリンクを、いつまでも引き止めない。"""
    rows = await work.sql(
        "select v.id from menu_version v where v.role = 'event' "
        "and exists (select from link_use u where u.used_by = 'menu:' || v.id) "
        "and exists (select from menu_schedule s where s.version_id = v.id) "
        "and not exists (select from menu_schedule s where s.version_id = v.id and s.cancelled_at is null "
        "and s.ends_at > ward_now()) for update of v skip locked"
    )
    for row in rows:
        await register.note_uses(f"menu:{row['id']}", ())


async def _digest(schedule: Schedule, version: Version) -> bytes:
    """承認が結び付くもの: 版の中身と行き先、始まりと終わり、予定の番号。"""
    return await approving.digest(
        version, f"{schedule.id}:{schedule.starts_at.isoformat()}/{schedule.ends_at.isoformat()}"
    )


async def _schedule(row: dict[str, Any]) -> Schedule:
    found = Schedule(**{name: row[name] for name in Schedule.__dataclass_fields__ if name in row})
    if found.over or found.cancelled_at or (found.placed and found.approval_id):
        return found
    seen = await _digest(found, await versions.find(found.version_id))
    void = found.approval_id is not None and not await foureyes.valid(found.approval_id, found.subject, seen)
    return replace(found, void=void, mark=_mark(seen))


def _mark(digest: bytes) -> str:
    return digest.hex()[:20]
