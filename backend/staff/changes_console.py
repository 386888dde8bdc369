"""二人で決める職員の変更の扉: 招待、役割と課、日を決めて止める、もう一人の承認。"""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.permissions import Actor, Permission, Role
from backend.settings import Settings
from backend.staff import changes, directory
from backend.store import clock, work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]
Short = Annotated[str, msgspec.Meta(max_length=100)]


class InviteForm(msgspec.Struct):
    login: Short = ""
    name: Short = ""
    role: Short = ""
    section: Short = ""
    new_code: Short = ""
    new_name: Short = ""
    starts_on: Short = ""


class AssignForm(msgspec.Struct):
    role: Short = ""
    section: Short = ""
    starts_on: Short = ""


@get("/console/staff/new", **needs(Permission.MANAGE_STAFF))
async def new() -> Template:
    return await _new(InviteForm())


@post("/console/staff/new", **needs(Permission.MANAGE_STAFF))
async def invite(request: AnyRequest, actor: Actor) -> Template | Redirect:
    form = await forms.read(request, InviteForm)
    names = dict(await directory.sections())
    code, name = (form.new_code, form.new_name) if form.new_code else (form.section, names.get(form.section, ""))
    try:
        wanted = form.login, form.name, _role(form.role), code, name, _day(form.starts_on)
        await work.run(changes.invite, actor, *wanted)
    except Refused as refusal:
        return await _new(form, refusal)
    return _back()


@get("/console/staff/{staff_id:int}/change", **needs(Permission.MANAGE_STAFF))
async def change(staff_id: int) -> Template:
    return await _change(staff_id)


@post("/console/staff/{staff_id:int}/assign", **needs(Permission.MANAGE_STAFF))
async def assign(request: AnyRequest, staff_id: int, actor: Actor) -> Template | Redirect:
    form = await forms.read(request, AssignForm)
    await directory.member(staff_id)
    try:
        await work.run(changes.assign, actor, staff_id, _role(form.role), form.section, _day(form.starts_on))
    except Refused as refusal:
        return await _change(staff_id, refusal)
    return _back()


@post("/console/staff/{staff_id:int}/leave", **needs(Permission.MANAGE_STAFF))
async def leave(request: AnyRequest, staff_id: int, actor: Actor) -> Template | Redirect:
    form = await forms.read(request, AssignForm)
    await directory.member(staff_id)
    try:
        await work.run(changes.leave, actor, staff_id, _day(form.starts_on))
    except Refused as refusal:
        return await _change(staff_id, refusal)
    return _back()


@post("/console/staff/changes/{change_id:int}/confirm", status_code=200, **needs(Permission.MANAGE_STAFF))
async def confirm(change_id: int, actor: Actor, settings: Settings) -> Template | Redirect:
    token = await work.run(changes.confirm, actor, change_id)
    if token is None:
        return _back()
    address = f"{settings.console_url}/console/invitation/{token}"
    return page("staff/invited.html", title="招待を作りました", room="staff", address=address)


@post("/console/staff/changes/{change_id:int}/withdraw", **needs(Permission.MANAGE_STAFF))
async def withdraw(change_id: int, actor: Actor) -> Redirect:
    await work.run(changes.withdraw, actor, change_id)
    return _back()


async def _new(form: InviteForm, refusal: Refused | None = None) -> Template:
    return page(
        "staff/new.html",
        title="職員を招待する",
        room="staff",
        status=422 if refusal else 200,
        form=form,
        refusal=refusal,
        roles=list(Role),
        sections=await directory.sections(),
        today=await _today(),
    )


async def _change(staff_id: int, refusal: Refused | None = None) -> Template:
    member = await directory.member(staff_id)
    return page(
        "staff/change.html",
        title=f"{member.name}さんの役割",
        room="staff",
        status=422 if refusal else 200,
        member=member,
        refusal=refusal,
        roles=list(Role),
        sections=await directory.sections(),
        today=await _today(),
    )


async def _today() -> str:
    return (await clock.now()).astimezone(clock.JST).date().isoformat()


def _role(sent: str) -> Role:
    try:
        return Role(sent)
    except ValueError as error:
        raise Refused("役割が選ばれていません。", next_step="一覧から役割を選んでください。") from error


def _day(sent: str) -> date | None:
    try:
        return date.fromisoformat(sent) if sent else None
    except ValueError as error:
        raise Refused("日付を読み取れません。", next_step="日付を選び直してください。") from error


def _back() -> Redirect:
    return Redirect("/console/staff", status_code=303)


routes: list[ControllerRouterHandler] = [new, invite, change, assign, leave, confirm, withdraw]
