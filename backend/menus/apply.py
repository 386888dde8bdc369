"""反映: 見た計画だけを、一歩ずつ。どこで殺されても、もう一度で同じところに着く。

一歩ごとに、先にLINEの姿を見て、済んでいれば飛ばす。メニューは中身の指紋を名前に持つので、作った直後に死んでも見つけ直せる。
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.audit import trail
from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.links import register
from backend.menus import budget, composing, deployed, links, plan, switch, versions, walking
from backend.menus.places import Places
from backend.menus.plan import Declared, Deployed, Kind, MenuPlan, Step
from backend.menus.versions import Version
from backend.permissions import Actor
from backend.store import work
from backend.store.pool import raw

SYSTEM = "システム"
_LOCK = "menu_apply"


@dataclass(frozen=True)
class Proposal:
    """計画と、それを立てたときの姿。"""

    plan: MenuPlan
    declared: Declared
    deployed: Deployed
    versions: tuple[Version, ...]


@dataclass(frozen=True)
class Progress:
    """反映の一歩のようす。"""

    position: int
    kind: Kind
    words: str
    done_at: datetime | None
    result: str


@dataclass(frozen=True)
class Run:
    id: int
    checksum: str
    shown: str
    versions: tuple[int, ...]
    staff_name: str
    started_at: datetime
    finished_at: datetime | None
    problem: str


async def propose(line: Gateway, where: Places, candidates: Sequence[Version] = ()) -> Proposal:
    """いまLINEへ行って読み、候補の版を置いたときの計画を立てる。何も変えない。"""
    composition = await composing.compose(candidates)
    wanted = await composing.declared(composition, where)
    found = await deployed.read(line)
    return Proposal(plan.plan(wanted, found, await composing.known()), wanted, found, composition.sets)


async def run(
    line: Gateway,
    where: Places,
    checksum: str,
    actor: Actor | None,
    candidates: Sequence[Version] = (),
    *,
    accept_drift: bool = False,
) -> Run:
    """印が `checksum` の計画だけを行う。途中で止まった同じ計画があれば、その続きから。

    計画がもう変わっている、承認がない、ほかの変更を承知していない、別の反映の途中なら `Refused`。
    """
    async with _alone():
        unfinished = await _unfinished()
        if unfinished is None:
            proposal = await propose(line, where, candidates)
            await _check(proposal, checksum, candidates, accept_drift)
            unfinished = await work.run(_begin, proposal, actor, [v.id for v in candidates], accept_drift)
        elif unfinished.checksum != checksum:
            raise Refused("ほかの反映の途中です。", next_step="終わるのを待つか、「続きを行う」を押してください。")
        return await _carry(line, where, unfinished)


async def resume(line: Gateway, where: Places) -> Run | None:
    """途中で止まった反映があれば、続きを行う。別のところで進んでいれば何もしない。"""
    if await _unfinished() is None:
        return None
    try:
        async with _alone():
            unfinished = await _unfinished()
            return await _carry(line, where, unfinished) if unfinished else None
    except Busy:
        return None


async def latest(limit: int = 10) -> list[Run]:
    rows = await work.sql(f"{_RUN} order by id desc limit $1", limit)
    return [_run(row) for row in rows]


async def steps(run_id: int) -> list[Progress]:
    rows = await work.sql(
        "select position, kind, words, done_at, result from menu_step where run_id = $1 order by position", run_id
    )
    return [Progress(r["position"], Kind(r["kind"]), r["words"], r["done_at"], r["result"]) for r in rows]


class Busy(Refused):
    """ほかのプロセスが反映している。"""


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """反映は一度に一つ。持ち主が死ねば、データベースが鍵を返す。"""
    async with raw() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock(hashtext($1))", _LOCK):
            raise Busy("いま、ほかの反映が進んでいます。", next_step="少し待ってから、画面を開き直してください。")
        try:
            yield
        finally:
            if not connection.is_closed():
                await connection.execute("select pg_advisory_unlock(hashtext($1))", _LOCK)


async def _check(proposal: Proposal, checksum: str, candidates: Sequence[Version], accept_drift: bool) -> None:
    if proposal.plan.checksum != checksum:
        raise Refused(
            "計画を見た後に、内容かLINEの姿が変わりました。何も変えていません。",
            next_step="いまの計画を見直してください。",
        )
    for version in candidates:
        await versions.require_approved(version, checksum)
    if proposal.plan.drift and not accept_drift:
        raise Refused(
            f"この仕組みの外で変えられたところがあります。{proposal.plan.drift[0]}",
            next_step="中身を確かめ、上書きしてよいときだけ「承知して反映する」を選んでください。",
        )
    await budget.require("create", proposal.plan.creations)


async def _begin(proposal: Proposal, actor: Actor | None, version_ids: list[int], accept_drift: bool) -> Run:
    rows = await work.sql(
        "insert into menu_run (checksum, shown, versions, staff_id, staff_name, accepted_drift) "
        "values ($1, $2, $3, $4, $5, $6) returning *",
        proposal.plan.checksum,
        proposal.declared.shown,
        version_ids,
        actor.staff_id if actor else None,
        actor.name if actor else SYSTEM,
        accept_drift,
    )
    for position, step in enumerate(proposal.plan.steps):
        await work.sql(
            "insert into menu_step (run_id, position, kind, target, other, words) values ($1, $2, $3, $4, $5, $6)",
            rows[0]["id"],
            position,
            step.kind.value,
            step.target,
            step.other,
            step.words,
        )
    subject = f"menu:{version_ids[0]}" if version_ids else "menu"
    await trail.record(actor, "menu.apply", subject, checksum=proposal.plan.checksum, steps=len(proposal.plan.steps))
    return _run(rows[0])


async def _carry(line: Gateway, where: Places, unfinished: Run) -> Run:
    """残りの歩みを順に行う。LINEに断られたら、理由を残して止まる(続きはワーカーか人が行う)。"""
    candidates = [await versions.find(version_id) for version_id in unfinished.versions]
    composition = await composing.compose(candidates)
    wanted = await composing.declared(composition, where)
    menus = {menu.name: menu for menu in wanted.menus}
    rows = await work.sql(
        "select position, kind, target, other, words from menu_step where run_id = $1 and done_at is null order by position",
        unfinished.id,
    )
    pending = [(row["position"], Step(Kind(row["kind"]), row["target"], row["other"], row["words"])) for row in rows]
    try:
        for _, step in pending:
            if step.kind is Kind.CREATE and step.target in menus:
                await line.validate_rich_menu(walking.body(menus[step.target]))
        walk = walking.Walk(line, unfinished.id, unfinished.shown, menus)
        for position, step in pending:
            result = await walk.take(step)
            await work.sql(
                "update menu_step set done_at = ward_now(), result = $3 where run_id = $1 and position = $2",
                unfinished.id,
                position,
                result,
            )
    except LineError as error:
        await _stumble(unfinished.id, f"LINEに断られました({error.status} {error.message})。")
        raise
    except budget.Spent as spent:
        await _stumble(unfinished.id, spent.message)
        raise
    return await _settle(line, unfinished, candidates)


async def _settle(line: Gateway, unfinished: Run, candidates: list[Version]) -> Run:
    """LINEの姿を読み直して覚え、反映を閉じる。そのあいだに口座の状態が変わっていれば、向きを合わせる。"""
    found = await deployed.read(line)
    closed = await work.run(_close, unfinished, candidates, found)
    await switch.follow(line)
    return closed


async def _close(unfinished: Run, candidates: list[Version], found: Deployed) -> Run:
    for version in candidates:
        # 出ているメニューの行き先は、二人でなければ変えられない(RULES 28)。
        await register.note_uses(version.subject, links.codes(version.declaration))
        if version.role.kept:
            await work.sql(
                "insert into menu_current (role, version_id) values ($1, $2) "
                "on conflict (role) do update set version_id = excluded.version_id",
                version.role.value,
                version.id,
            )
        await work.sql(
            "update menu_version set applied_at = coalesce(applied_at, ward_now()) where id = $1", version.id
        )
    await work.sql("delete from menu_deployed where not rich_menu_id = any($1::text[])", list(found.menus))
    await switch.remember(unfinished.shown, found.default, dict(found.aliases))
    rows = await work.sql(
        "update menu_run set finished_at = ward_now(), problem = '' where id = $1 returning *", unfinished.id
    )
    return _run(rows[0])


_RUN = "select id, checksum, shown, versions, staff_name, started_at, finished_at, problem from menu_run"


async def _unfinished() -> Run | None:
    rows = await work.sql(f"{_RUN} where finished_at is null")
    return _run(rows[0]) if rows else None


async def _stumble(run_id: int, problem: str) -> None:
    await work.sql("update menu_run set problem = $2 where id = $1", run_id, problem)


def _run(row: dict[str, Any]) -> Run:
    fields: dict[str, Any] = {name: row[name] for name in Run.__dataclass_fields__}
    fields["versions"] = tuple(row["versions"])
    return Run(**fields)
