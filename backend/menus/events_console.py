"""催しの扉: 催しのメニューの予定を作る、認める、取りやめる。"""

from datetime import datetime
from typing import Any

import msgspec
from litestar import Request, post
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.menus import events
from backend.permissions import Actor, Permission
from backend.store import work
from backend.store.clock import JST
from backend.web import forms
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]


class ScheduleForm(msgspec.Struct):
    version: int
    start_date: str = ""
    start_time: str = ""
    end_date: str = ""
    end_time: str = ""


class ApproveForm(msgspec.Struct):
    mark: str = ""


@post("/console/menus/schedules", **needs(Permission.MANAGE_MENUS))
async def add_schedule(request: AnyRequest, actor: Actor) -> Redirect:
    form = await forms.read(request, ScheduleForm)
    starts_at, ends_at = _moment(form.start_date, form.start_time), _moment(form.end_date, form.end_time)
    await work.run(events.add, actor, form.version, starts_at, ends_at)
    return Redirect("/console/menus#schedules", status_code=303)


@post("/console/menus/schedules/{schedule_id:int}/approve", **needs(Permission.APPROVE_MENUS))
async def approve_schedule(request: AnyRequest, schedule_id: int, actor: Actor) -> Redirect:
    form = await forms.read(request, ApproveForm)
    await work.run(events.approve, actor, schedule_id, form.mark)
    return Redirect("/console/menus#schedules", status_code=303)


@post("/console/menus/schedules/{schedule_id:int}/cancel", **needs(Permission.MANAGE_MENUS))
async def cancel_schedule(schedule_id: int, actor: Actor) -> Redirect:
    await work.run(events.cancel, actor, schedule_id)
    return Redirect("/console/menus#schedules", status_code=303)


def _moment(day: str, clock: str) -> datetime:
    try:
        return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=JST)
    except ValueError as error:
        raise Refused("日時を読み取れません。", next_step="日付と時刻の両方を入れてください。") from error


routes: list[ControllerRouterHandler] = [add_schedule, approve_schedule, cancel_schedule]
