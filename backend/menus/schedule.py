"""予定: 催しのメニューを、いつからいつまで見せるか。時計の仕事 `tick` は、ワーカーが数秒ごとに呼ぶ。"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from backend.approval import foureyes
from backend.audit import trail
from backend.errors import LineError, NotFound, Refused
from backend.line.gateway import Gateway
from backend.menus import apply, budget, composing, links, switch, versions
from backend.menus.places import Places
from backend.menus.versions import State
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.store import work

LONGEST_DAYS = 92


@dataclass(frozen=True)
class Schedule:
    """一つの予定。`live` は、いま見せる時間の中か。"""

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

    @property
    def words(self) -> str:
        if self.cancelled_at:
            return "取りやめ"
        if self.over:
            return "終わりました"
        if self.approval_id is None:
            return "承認待ち"
        return "いま出ています" if self.live else "予定"


_SELECT = """
select s.*, v.name, s.starts_at <= ward_now() and s.ends_at > ward_now() as live, s.ends_at <= ward_now() as over
from menu_schedule s join menu_version v on v.id = s.version_id
"""


async def listing() -> list[Schedule]:
    return [_schedule(row) for row in await work.sql(f"{_SELECT} order by s.starts_at desc limit 60")]


async def find(schedule_id: int) -> Schedule:
    rows = await work.sql(f"{_SELECT} where s.id = $1", schedule_id)
    if not rows:
        raise NotFound("その予定はありません。")
    return _schedule(rows[0])


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


async def approve(actor: Actor, schedule_id: int) -> None:
    """版の中身と時間を、まとめて認める。決めた人・書いた人にはできない。"""
    actor.require(Permission.APPROVE_MENUS)
    found = await find(schedule_id)
    if found.cancelled_at or found.over or found.approval_id:
        raise Refused("この予定は、承認を待っていません。", next_step="画面を開き直してください。")
    version = await versions.find(found.version_id, lock=True)
    if version.state not in (State.SUBMITTED, State.APPROVED):  # 差戻しの版は、認めた後に書き直せてしまう
        raise Refused(
            "この版は差し戻されたか、取り下げられています。", next_step="先に、版を出し直してもらってください。"
        )
    times = f"{found.starts_at.isoformat()}/{found.ends_at.isoformat()}"
    content = versions.digest(version, await versions.images(version.id), times)
    seen = hashlib.sha256(content + str(found.id).encode()).digest()
    approval = await foureyes.approve(actor, f"menu-schedule:{found.id}", seen, found.staff_id, *version.hands)
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
    await trail.record(actor, "menu.schedule_approve", f"menu-schedule:{schedule_id}")


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


async def tick(line: Gateway, settings: Settings) -> None:
    """ワーカーの仕事: 止まった反映の続き、口座の状態への追従、予定の開け閉め、結び付きを外すことの続き。

    LINEやデータベースの失敗は残して次に回す。人が変えたところ(drift)は、勝手に上書きしない。
    """
    where = await links.places(settings)
    try:
        await apply.resume(line, where)
        await switch.follow(line)
        await _events(line, where)
        await switch.continue_unlinking(line)
    except budget.Spent:
        return
    except (LineError, Refused) as error:
        await _trouble(error.message)


async def _events(line: Gateway, where: Places) -> None:
    """置いておくべき組が変わっていたら(催しが近い、終わった)、反映する。"""
    known = await composing.known()
    if known.shown is None or not await _due():
        return
    proposal = await apply.propose(line, where)
    if not proposal.plan.steps:
        await _mark_kept(proposal)
        return
    if proposal.plan.drift:
        await _trouble(f"予定の反映を待っています。{proposal.plan.drift[0]}")
        return
    await apply.run(line, where, proposal.plan.checksum, None)
    await _mark_kept(proposal)


async def _due() -> bool:
    """LINEに置いてある版の集まりと、置くべき版の集まりが違うか。"""
    composition = await composing.compose()
    wanted = {version.id for version in composition.sets}
    rows = await work.sql("select distinct version_id from menu_deployed")
    return wanted != {row["version_id"] for row in rows}


async def _mark_kept(proposal: apply.Proposal) -> None:
    """中身の同じ版が入れ替わっただけのとき、置いてある版の番号を合わせる。"""
    for menu in proposal.declared.menus:
        await work.sql("update menu_deployed set version_id = $2 where name = $1", menu.name, menu.version_id)


async def _trouble(words: str) -> None:
    await work.sql("update menu_known set problem = $1", words)


def _schedule(row: dict[str, object]) -> Schedule:
    return Schedule(**{name: row[name] for name in Schedule.__dataclass_fields__})  # type: ignore[arg-type]
