"""メニューの扉: いま見えているもの、版の一覧、写しと取下げ、反映の進み。"""

from collections.abc import Awaitable
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.account import state
from backend.errors import LineError, NotFound, Refused
from backend.line.gateway import Gateway
from backend.menus import (
    apply,
    approving,
    composing,
    drafting,
    effects,
    events,
    links,
    runs,
    switch,
    versions,
    view,
    watching,
)
from backend.menus.roles import Role
from backend.menus.versions import State, Version
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.store import clock, work
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]


@get("/console/menus", **needs(Permission.READ_MENUS))
async def index(settings: Settings) -> Template:
    return await _index(settings)


@get("/console/menus/{version_id:int}/image/{position:int}", **needs(Permission.READ_MENUS))
async def image(version_id: int, position: int) -> Response[bytes]:
    pictures = await versions.images((await versions.find(version_id)).id)
    if position >= len(pictures):
        raise NotFound("その絵はありません。")
    return Response(pictures[position].body, media_type=pictures[position].content_type)


@post("/console/menus/{version_id:int}/withdraw", **needs(Permission.MANAGE_MENUS))
async def withdraw(version_id: int, actor: Actor) -> Redirect:
    await work.run(approving.withdraw, actor, version_id)
    return Redirect("/console/menus", status_code=303)


@post("/console/menus/{version_id:int}/copy", **needs(Permission.MANAGE_MENUS))
async def copy(version_id: int, actor: Actor) -> Redirect:
    """この版をもとにした書きかけ。前の版に戻すときも、ここから。"""
    made = await work.run(drafting.copy, actor, version_id)
    return Redirect(f"/console/menus/{made}", status_code=303)


@get("/console/menus/runs/{run_id:int}", **needs(Permission.READ_MENUS))
async def progress(run_id: int) -> Template:
    """反映の進み。画面の一部として、1秒ごとに取り直される。"""
    run = next((run for run in await runs.latest(50) if run.id == run_id), None)
    if run is None:
        raise NotFound("その反映はありません。")
    return page("menus/_run.html", title="", run=run, steps=await runs.steps(run_id))


@post("/console/menus/runs/{run_id:int}/resume", **needs(Permission.MANAGE_MENUS))
async def resume(run_id: int, line: Gateway, settings: Settings) -> Redirect | Template:
    """止まった反映の続きを、自動の回りを待たずに行う。"""
    return await _carried(run_id, settings, apply.resume(line, await links.places(settings)))


@post("/console/menus/runs/{run_id:int}/abandon", **needs(Permission.MANAGE_MENUS))
async def abandon(run_id: int, actor: Actor, line: Gateway, settings: Settings) -> Redirect | Template:
    """止まった反映をやめて、いまの版に戻す。"""
    return await _carried(run_id, settings, apply.abandon(actor, line, await links.places(settings), run_id))


async def _carried(run_id: int, settings: Settings, verb: Awaitable[object]) -> Redirect | Template:
    try:
        await verb
    except LineError as error:
        return await _index(settings, Refused(switch.trouble(error)))
    except Refused as refused:
        return await _index(settings, refused)
    run = next((run for run in await runs.latest(50) if run.id == run_id), None)
    place = f"/{run.versions[0]}#progress" if run and run.versions else ""
    return Redirect(f"/console/menus{place}", status_code=303)


@get("/console/menus/following", **needs(Permission.READ_DELIVERIES))
async def following() -> Template:
    """アカウントの状態に、LINEのメニューが従ったか。「止める・再開する」の画面の一部。"""
    return page("menus/_following.html", title="", now=await watching.following())


@get("/console/menus/statistics.csv", **needs(Permission.READ_MENUS))
async def effects_csv() -> Response[bytes]:
    """替える前と後の数。"""
    headers = {"Content-Disposition": 'attachment; filename="menus.csv"', "Cache-Control": "no-store"}
    return Response(effects.csv_file(await effects.report()), media_type="text/csv", headers=headers)


@post("/console/menus/follow", **needs(Permission.SWITCH_DISASTER))
async def follow(actor: Actor, line: Gateway, settings: Settings) -> Redirect | Template:
    """アカウントの状態に、いますぐLINEを合わせる(ふだんはワーカーが1秒ごとに行う)。"""
    try:
        done = await switch.follow(line, await links.places(settings), actor.name)
    except LineError as error:
        return await _index(settings, Refused(switch.trouble(error)))
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
    known = (await work.sql("select problem, waiting, drift, shown, looked_at from menu_known"))[0]
    unfinished = await runs.unfinished()
    schedules = await events.listing()
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
        problem=" ".join(filter(None, [known["problem"], known["waiting"]])),
        drift=known["drift"],
        looked_at=known["looked_at"],
        unfinished=unfinished,
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


routes: list[ControllerRouterHandler] = [
    index,
    image,
    withdraw,
    copy,
    progress,
    resume,
    abandon,
    following,
    effects_csv,
    follow,
]
