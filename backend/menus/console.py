"""メニューの扉: いま見えているもの、版の一覧、計画、承認、反映、戻す。"""

import asyncio
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.account import state
from backend.errors import LineError, NotFound, Refused
from backend.line.gateway import Gateway
from backend.menus import apply, building, composing, declaration, links, rules, schedule, switch, versions, view
from backend.menus.roles import Role
from backend.menus.versions import State, Version
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.staff import directory
from backend.store import clock, work
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


@get("/console/menus", **needs(Permission.READ_MENUS))
async def index(settings: Settings) -> Template:
    return await _index(settings)


@get("/console/menus/{version_id:int}", **needs(Permission.READ_MENUS))
async def show(version_id: int, actor: Actor, settings: Settings, line: Gateway) -> Template:
    return await _page(version_id, actor, settings, line)


@get("/console/menus/{version_id:int}/image/{position:int}", **needs(Permission.READ_MENUS))
async def image(version_id: int, position: int) -> Response[bytes]:
    pictures = await versions.images(version_id)
    if position >= len(pictures):
        raise NotFound("その絵はありません。")
    return Response(pictures[position].body, media_type=pictures[position].content_type)


@post("/console/menus/{version_id:int}/submit", **needs(Permission.MANAGE_MENUS))
async def submit(
    request: AnyRequest, version_id: int, actor: Actor, settings: Settings, line: Gateway
) -> Redirect | Template:
    form = await forms.read(request, SubmitForm)
    try:
        found = await versions.find(version_id)
        where = await links.places(settings)
        built = await building.build(declaration.parse(found.text), where, found.role)
        checksum = ""
        if found.role.kept and not built.blocked:
            checksum = await _checksum(line, settings, found)
        await work.run(versions.submit, actor, version_id, form.edition, form.reason, checksum, built)
    except Refused as refusal:
        return await _page(version_id, actor, settings, line, refusal)
    return Redirect(f"/console/menus/{version_id}", status_code=303)


@post("/console/menus/{version_id:int}/approve", **needs(Permission.APPROVE_MENUS))
async def approve(
    request: AnyRequest, version_id: int, actor: Actor, settings: Settings, line: Gateway
) -> Redirect | Template:
    form = await forms.read(request, ApproveForm)
    try:
        found = await versions.find(version_id)
        if not form.checksum or form.checksum != await _checksum(line, settings, found):
            raise Refused("計画を見た後に、内容かLINEの姿が変わりました。", next_step="いまの計画を見直してください。")
        await work.run(versions.approve, actor, version_id, form.checksum)
    except Refused as refusal:
        return await _page(version_id, actor, settings, line, refusal)
    return Redirect(f"/console/menus/{version_id}", status_code=303)


@post("/console/menus/{version_id:int}/return", **needs(Permission.APPROVE_MENUS))
async def return_(
    request: AnyRequest, version_id: int, actor: Actor, settings: Settings, line: Gateway
) -> Redirect | Template:
    form = await forms.read(request, ReturnForm)
    try:
        await work.run(versions.return_, actor, version_id, form.note)
    except Refused as refusal:
        return await _page(version_id, actor, settings, line, refusal)
    return Redirect("/console/menus", status_code=303)


@post("/console/menus/{version_id:int}/withdraw", **needs(Permission.MANAGE_MENUS))
async def withdraw(version_id: int, actor: Actor) -> Redirect:
    await work.run(versions.withdraw, actor, version_id)
    return Redirect("/console/menus", status_code=303)


@post("/console/menus/{version_id:int}/copy", **needs(Permission.MANAGE_MENUS))
async def copy(version_id: int, actor: Actor) -> Redirect:
    """この版をもとにした書きかけ。前の版に戻すときも、ここから。"""
    made = await work.run(versions.copy, actor, version_id)
    return Redirect(f"/console/menus/{made}", status_code=303)


@post("/console/menus/{version_id:int}/apply", **needs(Permission.MANAGE_MENUS))
async def apply_(
    request: AnyRequest, version_id: int, actor: Actor, settings: Settings, line: Gateway
) -> Redirect | Template:
    form = await forms.read(request, ApplyForm)
    try:
        found = await versions.find(version_id)
        where = await links.places(settings)
        task = asyncio.create_task(
            apply.run(line, where, form.checksum, actor, [found], accept_drift=form.accept_drift == "1")
        )
        _running.add(task)  # 画面を閉じても最後まで行う。プロセスごと死んだら、ワーカーが続ける
        task.add_done_callback(_over)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE)
        if done:
            task.result()
    except Refused as refusal:
        return await _page(version_id, actor, settings, line, refusal)
    except LineError as error:
        words = f"途中でLINEに断られました({error.status})。失われたものはありません。"
        refusal = Refused(words, next_step="まもなく自動で続きを行います。")
        return await _page(version_id, actor, settings, line, refusal)
    return Redirect(f"/console/menus/{version_id}#progress", status_code=303)


@get("/console/menus/runs/{run_id:int}", **needs(Permission.READ_MENUS))
async def progress(run_id: int) -> Template:
    """反映の進み。画面の一部として、1秒ごとに取り直される。"""
    run = next((run for run in await apply.latest(50) if run.id == run_id), None)
    if run is None:
        raise NotFound("その反映はありません。")
    return page("menus/_run.html", title="", run=run, steps=await apply.steps(run_id))


@post("/console/menus/follow", **needs(Permission.SWITCH_DISASTER))
async def follow(actor: Actor, line: Gateway, settings: Settings) -> Redirect | Template:
    """口座の状態に、いますぐLINEを合わせる(ふだんはワーカーが1秒ごとに行う)。"""
    try:
        done = await switch.follow(line, actor.name)
    except LineError as error:
        return await _index(
            settings, Refused(f"LINEに断られました({error.status})。", next_step="自動でやり直します。")
        )
    if done and done.problem:
        return await _index(settings, Refused(done.problem))
    return Redirect("/console/menus" if actor.may(Permission.READ_MENUS) else "/console/stop", status_code=303)


async def _index(settings: Settings, refusal: Refused | None = None) -> Template:
    where = await links.places(settings)
    try:
        composition = await composing.compose()
    except Refused:
        composition = None
    found = await versions.listing()
    known = (await work.sql("select problem, shown from menu_known"))[0]
    runs = await apply.latest(1)
    schedules = await schedule.listing()
    return page(
        "menus/list.html",
        title="メニュー",
        status=422 if refusal else 200,
        room="menus",
        refusal=refusal,
        account_now=await state.current(),
        shown=composition.shown if composition else None,
        pictures=view.saved(composition.shown, where) if composition else [],
        lagging=bool(composition and known["shown"] is not None and known["shown"] != composition.key),
        problem=known["problem"],
        unfinished=runs[0] if runs and not runs[0].finished_at else None,
        groups=_groups(found),
        currents=[version for version in found if version.current],
        schedules=schedules,
        weeks=view.weeks(schedules, await clock.now()),
        roles=list(Role),
    )


def _groups(found: list[Version]) -> list[tuple[str, list[Version]]]:
    """「いましなければならないこと」を先に。"""
    parted = (
        ("承認を待っているもの", [v for v in found if v.state is State.SUBMITTED]),
        (
            "承認され、反映を待っているもの",
            [v for v in found if v.state is State.APPROVED and not v.applied_at and v.role.kept],
        ),
        ("書きかけ・差戻し", [v for v in found if v.state.editable]),
        ("いま使われているもの", [v for v in found if v.current]),
        ("催しのメニュー", [v for v in found if v.state is State.APPROVED and not v.role.kept]),
        ("これまでの版", [v for v in found if v.applied_at and not v.current and v.role.kept]),
    )
    return [(title, members) for title, members in parted if members]


async def _page(
    version_id: int, actor: Actor, settings: Settings, line: Gateway, refusal: Refused | None = None
) -> Template:
    found = await versions.find(version_id)
    where = await links.places(settings)
    findings = rules.check(declaration.parse(found.text), where, found.role)
    blocked = bool(rules.blocking(findings))
    waiting = found.state in (State.SUBMITTED, State.APPROVED) and not found.applied_at
    ready = found.role.kept and not blocked and (waiting or found.state.editable)
    planned = await view.planned(line, where, found) if ready else view.Planned(None)
    before = (await versions.current()).get(found.role)
    checksum = planned.proposal.plan.checksum if planned.proposal else ""
    run = next((run for run in await apply.latest(20) if version_id in run.versions), None)
    return page(
        "menus/show.html",
        title=f"{found.name}({found.title})",
        status=422 if refusal else 200,
        room="menus",
        refusal=refusal,
        found=found,
        findings=view.together(findings),
        blocked=blocked,
        after=view.saved(found, where),
        before=view.saved(before, where) if before and before.id != found.id else [],
        planned=planned,
        waiting=waiting,
        stale=found.state is State.APPROVED and waiting and bool(checksum) and checksum != found.plan_checksum,
        may_approve=actor.may(Permission.APPROVE_MENUS) and actor.staff_id not in found.hands,
        wrote=actor.staff_id in found.hands,
        approvers=await directory.approvers(set(found.hands), chief_only=False),
        history=await view.history(found),
        run=run,
        steps=await apply.steps(run.id) if run else [],
    )


async def _checksum(line: Gateway, settings: Settings, found: Version) -> str:
    try:
        return (await apply.propose(line, await links.places(settings), [found])).plan.checksum
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


routes: list[ControllerRouterHandler] = [
    index,
    show,
    image,
    submit,
    approve,
    return_,
    withdraw,
    copy,
    apply_,
    progress,
    follow,
]
