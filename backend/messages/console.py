"""依頼の扉: 一覧、書く、出す、取り下げる。"""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.delivery import outbox
from backend.errors import Refused
from backend.links import register
from backend.messages import checks, desk, entry, reminders, review, view, workflow
from backend.messages.entry import LATENESS, Entry
from backend.messages.gates import Attested
from backend.messages.manuscript import Manuscript
from backend.messages.states import Action, State, next_state
from backend.permissions import Actor, Permission
from backend.segments import picker
from backend.settings import Settings
from backend.staff import directory
from backend.store import clock, work
from backend.ward import office_hours
from backend.ward.kinds import Kind
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]


class SubmitForm(msgspec.Struct):
    version: int
    sourced: str = ""
    settled: str = ""
    today_because: Annotated[str, msgspec.Meta(max_length=500)] = ""


class VersionForm(msgspec.Struct):
    version: int


@dataclass(frozen=True)
class Opened:
    """開いている原稿。新しいときは番号がない。"""

    id: int | None = None
    state: State = State.DRAFT
    number: str | None = None
    returned: desk.Request | None = None
    by_reviewer: bool = False


@get("/console/messages", **needs(Permission.READ_REQUESTS))
async def index(actor: Actor, settings: Settings) -> Template:
    requests = await desk.listing(actor)
    awaiting = {r.id for r in requests if settings.chief_check and workflow.awaits_chief(actor, r)}
    return page("messages/list.html", title="依頼", room="messages", groups=view.groups(requests), awaiting=awaiting)


@get("/console/messages/new", **needs(Permission.DRAFT))
async def new(actor: Actor, copy: int | None = None) -> Template:
    source = (await desk.find(actor, copy)).manuscript if copy else Manuscript()
    return await _editor(actor, Opened(), entry.entry(view.without_times(source)))


@post("/console/messages/new", **needs(Permission.DRAFT))
async def create(request: AnyRequest, actor: Actor) -> Redirect:
    form = await forms.read(request, Entry)
    request_id = await work.run(workflow.draft, actor, entry.manuscript(form))
    return _after_save(request_id, form)


@post("/console/messages/live", status_code=200, **needs(Permission.DRAFT))
async def live(request: AnyRequest, actor: Actor) -> Template:
    """書いている途中の、電話の見え方・点検・人数。何も保存しない。"""
    form = await forms.read(request, Entry)
    return page("messages/live.html", title="", **await _live(actor, entry.manuscript(form), None))


@get("/console/messages/{request_id:int}", **needs(Permission.READ_REQUESTS))
async def show(request_id: int, actor: Actor, edit: bool = False) -> Template:
    found = await desk.find(actor, request_id)
    by_reviewer = edit and found.state is State.SUBMITTED and actor.may(Permission.REVIEW)
    if (_is_own(actor, found) and found.state.editable) or by_reviewer:
        return await _editor(actor, _opened(found, by_reviewer), entry.entry(found.manuscript, found.version))
    return await _shown(actor, found)


@post("/console/messages/{request_id:int}", **needs(Permission.DRAFT))
async def save(request: AnyRequest, request_id: int, actor: Actor) -> Redirect | Template:
    form = await forms.read(request, Entry)
    try:
        saved = await work.run(workflow.edit, actor, request_id, form.version, entry.manuscript(form))
    except Refused as refusal:
        # 打った文章は失わせない。書きかけのまま、理由と一緒に返す。
        found = await desk.find(actor, request_id)
        opened = _opened(found, by_reviewer=found.state is State.SUBMITTED and actor.may(Permission.REVIEW))
        return await _editor(actor, opened, form, refusal=refusal)
    if saved.state is State.SUBMITTED:
        return Redirect(f"/console/review/{request_id}", status_code=303)
    return _after_save(request_id, form)


@get("/console/messages/{request_id:int}/submit", **needs(Permission.DRAFT))
async def submit_page(request_id: int, actor: Actor, settings: Settings) -> Template:
    return await _submit_page(actor, request_id, settings)


@post("/console/messages/{request_id:int}/confirm", **needs(Permission.DRAFT))
async def confirm(request: AnyRequest, request_id: int, actor: Actor, settings: Settings) -> Redirect | Template:
    form = await forms.read(request, VersionForm)
    try:
        await work.run(workflow.confirm, actor, request_id, form.version)
    except Refused as refusal:
        return await _submit_page(actor, request_id, settings, refusal)
    return Redirect(f"/console/messages/{request_id}/submit", status_code=303)


@post("/console/messages/{request_id:int}/submit", **needs(Permission.DRAFT))
async def submit(request: AnyRequest, request_id: int, actor: Actor, settings: Settings) -> Redirect | Template:
    form = await forms.read(request, SubmitForm)
    try:
        await work.run(
            workflow.submit,
            actor,
            request_id,
            form.version,
            Attested(bool(form.sourced), bool(form.settled), form.today_because),
            minimum=settings.minimum_audience,
            chief_check=settings.chief_check,
        )
    except Refused as refusal:
        if (await desk.find(actor, request_id)).state is not State.SUBMITTED:  # 二度押しの二つ目は、出した後の画面へ
            return await _submit_page(actor, request_id, settings, refusal, form.today_because)
    return Redirect(f"/console/messages/{request_id}", status_code=303)


@post("/console/messages/{request_id:int}/withdraw", **needs(Permission.DRAFT))
async def withdraw(request: AnyRequest, request_id: int, actor: Actor) -> Redirect | Template:
    form = await forms.read(request, VersionForm)
    try:
        await work.run(workflow.withdraw, actor, request_id, form.version)
    except Refused as refusal:
        found = await desk.find(actor, request_id)
        if found.state is not State.WITHDRAWN:
            return await _shown(actor, found, refusal)
    return Redirect(f"/console/messages/{request_id}", status_code=303)


async def _shown(actor: Actor, found: desk.Request, refusal: Refused | None = None) -> Template:
    return page(
        "messages/show.html",
        title=found.manuscript.title or "件名なし",
        status=422 if refusal else 200,
        room="messages",
        found=found,
        refusal=refusal,
        own=_is_own(actor, found),
        delivery=await outbox.status_of(found.source),
        history=await view.history(found),
        superseded=await reminders.superseded_by(found),
        **await _live(_counted_for(actor, found), found.manuscript, found.public_number),
    )


async def _editor(actor: Actor, opened: Opened, form: Entry, refusal: Refused | None = None) -> Template:
    return page(
        "messages/edit.html",
        title="新しい依頼" if opened.id is None else "依頼を直す",
        status=422 if refusal else 200,
        room="messages",
        opened=opened,
        form=form,
        refusal=refusal,
        kinds=list(Kind),
        lateness=LATENESS,
        choices=picker.choices(),
        links=await register.usable(),
        link_address=register.address,
        **await _live(actor, entry.manuscript(form), opened.number),
    )


async def _submit_page(
    actor: Actor, request_id: int, settings: Settings, refusal: Refused | None = None, today_because: str = ""
) -> Template:
    found = await desk.find(actor, request_id)
    chief = review.chief_only(found, review.leaves_at(found))
    next_state(found.state, Action.SUBMIT)
    return page(
        "messages/submit.html",
        title="提出の前に確かめる",
        status=422 if refusal else 200,
        room="messages",
        found=found,
        refusal=refusal,
        unseen=settings.chief_check and found.chief_seen_at is None,
        may_confirm=workflow.may_confirm(actor, found),
        today_because=today_because or found.same_day_reason,
        office_open=office_hours.is_open(found.now),
        approvers=await directory.approvers({found.author, found.last_editor}, chief_only=chief),
        **await _live(actor, found.manuscript, found.public_number),
    )


async def _live(actor: Actor | None, manuscript: Manuscript, number: str | None) -> dict[str, Any]:
    findings = await checks.with_register(checks.check(manuscript, await clock.now(), number), manuscript)
    return {
        "manuscript": manuscript,
        "findings": findings,
        "blocked": bool(checks.blocking(findings)),
        "bubbles": view.bubbles(manuscript, number),
        "people": await view.people(manuscript, actor),
        "lines": manuscript.body.split("\n"),
    }


def _is_own(actor: Actor, found: desk.Request) -> bool:
    return found.section_code == actor.section_code and actor.may(Permission.DRAFT)


def _counted_for(actor: Actor, found: desk.Request) -> Actor | None:
    """提出された依頼を広報課が読むときは、尋ねた回数に数えない。"""
    return None if actor.may(Permission.REVIEW) and not found.state.editable else actor


def _opened(found: desk.Request, by_reviewer: bool = False) -> Opened:
    returned = found if found.return_reason else None
    return Opened(found.id, found.state, found.public_number, returned, by_reviewer)


def _after_save(request_id: int, form: Entry) -> Redirect:
    following = "/submit" if form.do == "submit" else ""
    return Redirect(f"/console/messages/{request_id}{following}", status_code=303)


routes: list[ControllerRouterHandler] = [index, new, create, live, show, save, submit_page, confirm, submit, withdraw]
