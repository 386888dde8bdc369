"""漏えい対応の扉 `/console/rights/incident`: 個人設定の開け閉めと、漏えいの記録(RULES 42)。"""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission
from backend.residents import breach, incident
from backend.store import clock, work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

Ask = Request[Any, Any, Any]
PLACE = "/console/rights/incident"
Line = Annotated[str, msgspec.Meta(max_length=500)]
Long = Annotated[str, msgspec.Meta(max_length=breach.MAX_TEXT)]
MALICIOUS = {"": None, "yes": True, "no": False}


class SwitchForm(msgspec.Struct):
    reason: Line = ""
    found_date: str = ""
    found_time: str = ""


class RecordForm(msgspec.Struct):
    found_date: str = ""
    found_time: str = ""
    summary: Long = ""
    people: Annotated[str, msgspec.Meta(max_length=12)] = ""
    items: list[str] = []
    malicious: str = ""
    first_on: str = ""
    full_on: str = ""
    unneeded: Long = ""


@get(PLACE, **needs(Permission.CLOSE_PERSONAL))
async def show(actor: Actor) -> Template:
    return await _page(actor)


@post(PLACE + "/close", **needs(Permission.CLOSE_PERSONAL))
async def close(request: Ask, actor: Actor) -> Template | Redirect:
    form = await forms.read(request, SwitchForm)
    return await _done(actor, lambda: incident.close(actor, form.reason, _found(form)))


@post(PLACE + "/reopen", **needs(Permission.CLOSE_PERSONAL))
async def reopen(request: Ask, actor: Actor) -> Template | Redirect:
    form = await forms.read(request, SwitchForm)
    return await _done(actor, lambda: incident.reopen(actor, form.reason))


@post(PLACE + "/records", **needs(Permission.CLOSE_PERSONAL))
async def begin(request: Ask, actor: Actor) -> Template | Redirect:
    """個人設定を閉じずに、記録だけを始める(紙をなくしたなど)。"""
    form = await forms.read(request, SwitchForm)

    async def verb() -> int:
        return await breach.begin(actor, _found(form) or await clock.now(), form.reason)

    return await _done(actor, verb)


@post(PLACE + "/records/{number:int}", **needs(Permission.CLOSE_PERSONAL))
async def write(request: Ask, actor: Actor, number: int) -> Template | Redirect:
    form = await forms.read(request, RecordForm)
    return await _done(actor, lambda: breach.write(actor, number, _sheet(form)), typed=(number, form))


@post(PLACE + "/records/{number:int}/end", **needs(Permission.CLOSE_PERSONAL))
async def end(actor: Actor, number: int) -> Template | Redirect:
    return await _done(actor, lambda: breach.end(actor, number))


async def _done(actor: Actor, verb: Any, typed: tuple[int, RecordForm] | None = None) -> Template | Redirect:
    """断られたら、入れたものを残して同じ画面に戻る。"""
    try:
        await work.run(verb)
    except NotFound:
        raise
    except Refused as error:
        return await _page(actor, error=error.message, hint=error.next_step, status=422, typed=typed)
    return Redirect(PLACE, status_code=303)


async def _page(
    actor: Actor, *, error: str = "", hint: str = "", status: int = 200, typed: tuple[int, RecordForm] | None = None
) -> Template:
    now = await incident.current()
    records = await breach.records()
    return page(
        "residents_console/incident.html",
        title="漏えい対応",
        room="rights_incident",
        status=status,
        switch=now,
        mine=now.by_staff == actor.staff_id,
        people=await incident.people(),
        today=(await clock.now()).astimezone(clock.JST).date(),
        running=[(one, _fields(one, typed)) for one in records if not one.ended],
        ended=[one for one in records if one.ended],
        items=breach.ITEMS,
        error=error,
        hint=hint,
    )


def _fields(one: breach.Record, typed: tuple[int, RecordForm] | None) -> RecordForm:
    """画面の欄。送って断られた記録では、送られたまま。"""
    if typed and typed[0] == one.number:
        return typed[1]
    sheet, found = one.sheet, one.sheet.found_at.astimezone(clock.JST)
    return RecordForm(
        found_date=f"{found:%Y-%m-%d}",
        found_time=f"{found:%H:%M}",
        summary=sheet.summary,
        people="" if sheet.people is None else str(sheet.people),
        items=[str(bit) for bit in breach.ITEMS if bit & sheet.items],
        malicious=next(word for word, value in MALICIOUS.items() if value is sheet.malicious),
        first_on=f"{sheet.first_on or ''}",
        full_on=f"{sheet.full_on or ''}",
        unneeded=sheet.unneeded,
    )


def _sheet(form: RecordForm) -> breach.Sheet:
    found = _found(form)
    if found is None:
        raise Refused("見つけた日と時刻を入れてください。")
    people = form.people.replace(",", "").removesuffix("人")
    if people and not people.isdecimal():
        raise Refused("人数は数字で入れてください。", next_step="まだ分からなければ、空のままにしてください。")
    if form.malicious not in MALICIOUS or set(form.items) - {str(bit) for bit in breach.ITEMS}:
        raise Refused("一覧から選んでください。")
    return breach.Sheet(
        found_at=found,
        summary=form.summary,
        people=int(people) if people else None,
        items=sum({int(bit) for bit in form.items}),
        malicious=MALICIOUS[form.malicious],
        first_on=_day(form.first_on),
        full_on=_day(form.full_on),
        unneeded=form.unneeded,
    )


def _found(form: SwitchForm | RecordForm) -> datetime | None:
    """見つけた日時(日本時間)。どちらも空ならNone、片方だけなら `Refused`。"""
    if not form.found_date and not form.found_time:
        return None
    try:
        typed = datetime.strptime(f"{form.found_date} {form.found_time[:5]}", "%Y-%m-%d %H:%M")  # noqa: DTZ007  すぐ下で付ける
    except ValueError as error:
        raise Refused(
            "見つけた日時を読めません。", next_step="日と時刻の両方を入れてください。「いま」なら両方とも空にします。"
        ) from error
    return typed.replace(tzinfo=clock.JST)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise Refused("報告した日を読めません。", next_step="「2026-11-24」のように入れてください。") from error


routes: list[ControllerRouterHandler] = [show, close, reopen, begin, write, end]
