"""承認の扉: 一つの版の計画と行き先を見て、出す、認める、差し戻す、反映する。"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.menus import apply, approving, building, declaration, events, links, remarks, rules, runs, versions, view
from backend.menus.declaration import Finding
from backend.menus.places import Places
from backend.menus.versions import State, Version
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.staff import directory
from backend.store import work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]
PATIENCE = 2.5  # 秒。反映がこれより長いときは、進みを見る画面へ移る
_running: set[asyncio.Task[Any]] = set()


class SubmitForm(msgspec.Struct):
    edition: int
    reason: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class ApproveForm(msgspec.Struct):
    checksum: str = ""


class ApplyForm(msgspec.Struct):
    checksum: str
    accept_drift: str = ""


class ReturnForm(msgspec.Struct):
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


@dataclass(frozen=True)
class _Desk:
    """だれが、どの版の前にいるか。"""

    version_id: int
    actor: Actor
    settings: Settings
    line: Gateway


@get("/console/menus/{version_id:int}", **needs(Permission.READ_MENUS))
async def show(version_id: int, actor: Actor, settings: Settings, line: Gateway) -> Template:
    return await _page(_Desk(version_id, actor, settings, line))


@post("/console/menus/{version_id:int}/submit", **needs(Permission.MANAGE_MENUS))
async def submit(
    request: AnyRequest, version_id: int, actor: Actor, settings: Settings, line: Gateway
) -> Redirect | Template:
    desk, form = _Desk(version_id, actor, settings, line), await forms.read(request, SubmitForm)
    return await _tried(desk, _submit(desk, form))


@post("/console/menus/{version_id:int}/approve", **needs(Permission.APPROVE_MENUS))
async def approve(
    request: AnyRequest, version_id: int, actor: Actor, settings: Settings, line: Gateway
) -> Redirect | Template:
    desk, form = _Desk(version_id, actor, settings, line), await forms.read(request, ApproveForm)
    return await _tried(desk, _approve(desk, form.checksum))


@post("/console/menus/{version_id:int}/return", **needs(Permission.APPROVE_MENUS))
async def return_(
    request: AnyRequest, version_id: int, actor: Actor, settings: Settings, line: Gateway
) -> Redirect | Template:
    desk, form = _Desk(version_id, actor, settings, line), await forms.read(request, ReturnForm)
    return await _tried(desk, work.run(approving.return_, actor, version_id, form.note), "/console/menus")


@post("/console/menus/{version_id:int}/apply", **needs(Permission.MANAGE_MENUS))
async def apply_(
    request: AnyRequest, version_id: int, actor: Actor, settings: Settings, line: Gateway
) -> Redirect | Template:
    desk, form = _Desk(version_id, actor, settings, line), await forms.read(request, ApplyForm)
    return await _tried(desk, _apply(desk, form), f"/console/menus/{version_id}#progress")


async def _tried(desk: _Desk, verb: Awaitable[Any], to: str = "") -> Redirect | Template:
    """できたら次の画面へ。断られたら、理由を付けてこの版の画面に戻す。"""
    try:
        await verb
    except Refused as refusal:
        return await _page(desk, refusal)
    return Redirect(to or f"/console/menus/{desk.version_id}", status_code=303)


async def _submit(desk: _Desk, form: SubmitForm) -> None:
    found = await versions.find(desk.version_id)
    where = await links.places(desk.settings)
    built = await building.build(declaration.parse(found.text), where, found.role)
    checksum = await _checksum(desk, found) if found.role.kept and not built.blocked else ""
    await work.run(approving.submit, desk.actor, found.id, form.edition, form.reason, checksum, built)


async def _approve(desk: _Desk, checksum: str) -> None:
    found = await versions.find(desk.version_id)
    if not checksum or checksum != await _checksum(desk, found):
        raise Refused(
            "計画を見た後に、内容か、リンクの行き先か、LINEの姿が変わりました。",
            next_step="いまの計画と行き先を見直してください。",
        )
    await work.run(approving.approve, desk.actor, found.id, checksum)


async def _apply(desk: _Desk, form: ApplyForm) -> None:
    """画面を閉じても最後まで行う。プロセスごと死んだら、ワーカーが続ける。"""
    found = await versions.find(desk.version_id)
    where = await links.places(desk.settings)
    accepted = form.accept_drift == "1"
    task = asyncio.create_task(apply.run(desk.line, where, form.checksum, desk.actor, [found], accept_drift=accepted))
    _running.add(task)
    task.add_done_callback(_over)
    done, _ = await asyncio.wait({task}, timeout=PATIENCE)
    try:
        if done:
            task.result()
    except LineError as error:
        words = f"途中でLINEに断られました({error.status})。失われたものはありません。"
        raise Refused(words, next_step="まもなく自動で続きを行います。") from error


async def _page(desk: _Desk, refusal: Refused | None = None) -> Template:
    found = await versions.find(desk.version_id)
    where = await links.places(desk.settings)
    findings = await _findings(found, where, whole=refusal is not None)
    blocked = bool(rules.blocking(findings))
    waiting = found.state in (State.SUBMITTED, State.APPROVED) and not found.applied_at
    ready = found.role.kept and not blocked and (waiting or found.state.editable)
    planned = await view.planned(desk.line, where, found) if ready else view.Planned(None)
    before = (await versions.current()).get(found.role)
    replaces = before if before and before.id != found.id else None
    checksum = planned.proposal.plan.checksum if planned.proposal else ""
    run = next((run for run in await runs.latest(20) if found.id in run.versions), None)
    return page(
        "menus/show.html",
        title=f"{found.name}({found.title})",
        status=422 if refusal else 200,
        room="menus",
        refusal=refusal,
        found=found,
        findings=remarks.together(findings, found.declaration),
        blocked=blocked,
        after=view.saved(found, where),
        before=view.saved(replaces, where) if replaces else [],
        destinations=view.destinations(found.declaration, where, replaces and replaces.declaration),
        planned=planned,
        waiting=waiting,
        stale=found.state is State.APPROVED and waiting and bool(checksum) and checksum != found.plan_checksum,
        moved=await view.moved(found) if waiting else [],
        may_approve=desk.actor.may(Permission.APPROVE_MENUS) and desk.actor.staff_id not in found.hands,
        wrote=desk.actor.staff_id in found.hands,
        approvers=await directory.approvers(set(found.hands), chief_only=False),
        schedules=await events.of(found.id),
        history=await view.history(found),
        run=run,
        steps=await runs.steps(run.id) if run else [],
    )


async def _findings(found: Version, where: Places, *, whole: bool) -> Sequence[Finding]:
    """直せる版なら、描いてみなければ分からない指摘も。`whole` は、出したときと同じ大きさで描くか(一枚に約0.5秒)。"""
    parsed = declaration.parse(found.text)
    if not found.state.editable:
        return rules.check(parsed, where, found.role)
    return (await building.build(parsed, where, found.role, small=not whole)).findings


async def _checksum(desk: _Desk, found: Version) -> str:
    try:
        return (await apply.propose(desk.line, await links.places(desk.settings), [found])).plan.checksum
    except LineError as error:
        raise Refused(
            f"LINEにつながらないので、計画を確かめられません({error.status})。",
            next_step="少し待って、もう一度お試しください。",
        ) from error


def _over(task: asyncio.Task[Any]) -> None:
    """理由は反映の記録に残っている。ここでは、だれも受け取らない例外にしないだけ。"""
    _running.discard(task)
    if not task.cancelled():
        task.exception()


routes: list[ControllerRouterHandler] = [show, submit, approve, return_, apply_]
