"""本人の権利の扉 `/console/rights`: 個人情報保護担当が、目の前の本人の分だけを開く(RULES 41)。"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.consent.notices import BY_CODE
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission
from backend.residents import correction, rights
from backend.residents.address import AddressKeys
from backend.residents.choices import MAX_CHILDREN, Choices
from backend.residents.correction import Typed
from backend.residents.vocabulary import AgeBand, Language, Slot, Stream, Topic
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
    many: Annotated[list[str], msgspec.Meta(max_length=40)] = []
    births: Annotated[list[str], msgspec.Meta(max_length=10)] = []
    dues: Annotated[list[str], msgspec.Meta(max_length=10)] = []


class StopForm(msgspec.Struct):
    purpose: Annotated[str, msgspec.Meta(max_length=40)] = ""


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
        value = correction.read(form.name, Typed(form.value, form.many, form.births, form.dues))
        await work.run(rights.correct, actor, keys, case, form.name, value)
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
        agreed=[purpose.code for purpose in opened.held.choices.purposes],
        children=_rows(opened.held.choices),
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
        "topics": [(topic.value, topic.label) for topic in Topic],
        "streams": [(stream.value, stream.label) for stream in Stream],
    }


def _rows(c: Choices) -> list[tuple[str, str]]:
    """子の月の欄、いつも5人分。"""
    dues = c.birth_due_months or (None,) * len(c.birth_months)
    known = [(f"{birth:%Y-%m}", f"{due:%Y-%m}" if due else "") for birth, due in zip(c.birth_months, dues, strict=True)]
    return [*known, *[("", "")] * MAX_CHILDREN][:MAX_CHILDREN]


routes: list[ControllerRouterHandler] = [index, open_case, sheet, correct, stop]
