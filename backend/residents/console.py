"""本人の権利と漏えい対応の扉 `/console/rights`: 個人情報保護担当が、目の前の本人の分だけを開く(RULES 41, 42)。"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.consent.notices import BY_CODE
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission
from backend.residents import incident, rights
from backend.residents.address import AddressKeys
from backend.residents.vocabulary import AgeBand, Language, Slot
from backend.store import work
from backend.ward import areas
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs


class CodeForm(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(max_length=40)] = ""


class CorrectionForm(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(max_length=40)] = ""
    value: Annotated[str, msgspec.Meta(max_length=40)] = ""


class StopForm(msgspec.Struct):
    purpose: Annotated[str, msgspec.Meta(max_length=40)] = ""


class SwitchForm(msgspec.Struct):
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


@get("/console/rights", **needs(Permission.HANDLE_RIGHTS))
async def index() -> Template:
    return _index()


@post("/console/rights", **needs(Permission.HANDLE_RIGHTS))
async def open_case(request: Request[Any, Any, Any], actor: Actor, keys: AddressKeys) -> Template | Redirect:
    form = await forms.read(request, CodeForm)
    try:
        await work.run(rights.check_tries, actor)
        case = await work.run(rights.open_case, actor, keys, form.code)
    except Refused as error:
        return _index(error=error.message, hint=error.next_step, status=422)
    return Redirect(f"/console/rights/{case}", status_code=303)


@get("/console/rights/{case:uuid}", **needs(Permission.HANDLE_RIGHTS))
async def sheet(case: UUID, actor: Actor) -> Template:
    return await _sheet(actor, case)


@post("/console/rights/{case:uuid}/correct", **needs(Permission.HANDLE_RIGHTS))
async def correct(request: Request[Any, Any, Any], case: UUID, actor: Actor, keys: AddressKeys) -> Template | Redirect:
    form = await forms.read(request, CorrectionForm)
    try:
        await work.run(rights.correct, actor, keys, case, form.name, _value(form))
    except NotFound:
        raise
    except Refused as error:
        return await _sheet(actor, case, error=error.message, hint=error.next_step, status=422)
    return Redirect(f"/console/rights/{case}", status_code=303)


@post("/console/rights/{case:uuid}/stop", status_code=200, **needs(Permission.HANDLE_RIGHTS))
async def stop(request: Request[Any, Any, Any], case: UUID, actor: Actor, keys: AddressKeys) -> Template:
    form = await forms.read(request, StopForm)
    if form.purpose not in {"all", *BY_CODE}:
        return await _sheet(actor, case, error="止めるものを選んでください。", status=422)
    proof = await work.run(rights.stop, actor, keys, case, BY_CODE.get(form.purpose))
    everything = bool(proof.body["everything"])
    return page(
        "residents_console/stopped.html",
        title="利用を止めました",
        room="rights",
        proof=proof,
        case=None if everything else case,
    )


@get("/console/rights/incident", **needs(Permission.CLOSE_PERSONAL))
async def incident_page(actor: Actor) -> Template:
    return await _incident(actor)


@post("/console/rights/incident/close", **needs(Permission.CLOSE_PERSONAL))
async def close(request: Request[Any, Any, Any], actor: Actor) -> Template | Redirect:
    return await _switch(request, actor, incident.close)


@post("/console/rights/incident/reopen", **needs(Permission.CLOSE_PERSONAL))
async def reopen(request: Request[Any, Any, Any], actor: Actor) -> Template | Redirect:
    return await _switch(request, actor, incident.reopen)


async def _switch(request: Request[Any, Any, Any], actor: Actor, verb: Any) -> Template | Redirect:
    form = await forms.read(request, SwitchForm)
    try:
        await work.run(verb, actor, form.reason)
    except Refused as error:
        return await _incident(actor, error=error.message, hint=error.next_step, status=422)
    return Redirect("/console/rights/incident", status_code=303)


def _index(*, error: str = "", hint: str = "", status: int = 200) -> Template:
    return page(
        "residents_console/index.html", title="本人の権利", room="rights", status=status, error=error, hint=hint
    )


async def _sheet(actor: Actor, case: UUID, *, error: str = "", hint: str = "", status: int = 200) -> Template:
    opened = await rights.case_of(actor, case)
    return page(
        "residents_console/sheet.html",
        title="開示・訂正・利用停止",
        room="rights",
        status=status,
        case=opened,
        document=await rights.disclosure(actor, case),
        purposes=[*opened.held.grants],
        choices=_choices(),
        error=error,
        hint=hint,
    )


async def _incident(actor: Actor, *, error: str = "", hint: str = "", status: int = 200) -> Template:
    now = await incident.current()
    return page(
        "residents_console/incident.html",
        title="漏えい対応",
        room="rights_incident",
        status=status,
        switch=now,
        mine=now.by_staff == actor.staff_id,
        clocks=await incident.clocks(),
        error=error,
        hint=hint,
    )


def _choices() -> dict[str, list[tuple[str, str]]]:
    places = [(str(area.code), area.name) for area in areas.AREAS]
    return {
        "area": [*places, (str(areas.OUTSIDE), areas.OUTSIDE_NAME)],
        "age_band": [(str(band.value), band.label) for band in AgeBand],
        "collection_area": places,
        "language": [(language.value, language.label) for language in Language],
        "slot": [(str(slot.value), slot.label) for slot in Slot],
    }


def _value(form: CorrectionForm) -> int | str | None:
    if not form.value:
        return None
    if form.name == "language":
        return form.value
    if not form.value.isdecimal():
        raise Refused("一覧から選んでください。")
    return int(form.value)


routes: list[ControllerRouterHandler] = [index, open_case, incident_page, close, reopen, sheet, correct, stop]
