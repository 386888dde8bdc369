"""確認の扉: 広報課の列、確かめて承認する・差し戻す。"""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.delivery import outbox
from backend.errors import Refused
from backend.messages import checks, desk, reminders, review, view
from backend.messages.manuscript import Timing
from backend.messages.states import ReturnReason, State
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.staff import directory
from backend.store import work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]


class ApproveForm(msgspec.Struct):
    seen: str
    when: str = ""


class ReturnForm(msgspec.Struct):
    version: int
    reason: str = ""
    note: str = ""


@get("/console/review", **needs(Permission.REVIEW))
async def index(actor: Actor) -> Template:
    queue = await desk.queue(actor)
    return page("messages/queue.html", title="確認", room="review", queue=queue, me=actor)


@get("/console/review/{request_id:int}", **needs(Permission.REVIEW))
async def show(request_id: int, actor: Actor) -> Template | Redirect:
    found = await desk.find(actor, request_id)
    if found.state in (State.DRAFT, State.RETURNED, State.WITHDRAWN):  # 確かめるものがない。書きかけは欠けている
        return Redirect(f"/console/messages/{request_id}", status_code=303)
    return await _page(actor, request_id)


@post("/console/review/{request_id:int}/approve", **needs(Permission.REVIEW))
async def approve(request: AnyRequest, request_id: int, actor: Actor, settings: Settings) -> Redirect | Template:
    form = await forms.read(request, ApproveForm)
    try:
        delivery = await work.run(
            review.approve,
            actor,
            request_id,
            form.seen,
            at_once=form.when == "now",
            minimum=settings.minimum_audience,
        )
    except Refused as refusal:
        found = await desk.find(actor, request_id)
        scheduled = await outbox.status_of(found.source) if found.state is State.APPROVED else None
        if scheduled is None:
            return await _page(actor, request_id, refusal)
        delivery = scheduled.id  # 二度押しの二つ目。承認は一度だけで、行き先は同じ
    return Redirect(f"/console/deliveries/{delivery}", status_code=303)


@post("/console/review/{request_id:int}/return", **needs(Permission.REVIEW))
async def return_(request: AnyRequest, request_id: int, actor: Actor) -> Redirect | Template:
    form = await forms.read(request, ReturnForm)
    try:
        if form.reason not in [reason.value for reason in ReturnReason]:
            raise Refused("差戻しの理由が選ばれていません。", next_step="理由を一つ選んでください。")
        await work.run(review.return_, actor, request_id, form.version, ReturnReason(form.reason), form.note)
    except Refused as refusal:
        return await _page(actor, request_id, refusal, returning=form)
    return Redirect("/console/review", status_code=303)


async def _page(
    actor: Actor, request_id: int, refusal: Refused | None = None, returning: ReturnForm | None = None
) -> Template:
    found = await desk.find(actor, request_id)
    written_by = {found.author, found.last_editor}
    chief = review.chief_only(found, review.leaves_at(found))
    return page(
        "messages/review.html",
        title=found.manuscript.title or "件名なし",
        status=422 if refusal else 200,
        room="review",
        found=found,
        refusal=refusal,
        returning=returning or ReturnForm(found.version),
        reasons=list(ReturnReason),
        findings=checks.check(found.manuscript, found.now, found.public_number),
        lines=found.manuscript.body.split("\n"),
        bubbles=view.bubbles(found.manuscript, found.public_number),
        people=await view.people(found.manuscript, None),
        history=await view.history(found),
        superseded=await reminders.superseded_by(found),
        status_of=await outbox.status_of(found.source),
        may_approve=review.may_approve(actor, found),
        wrote=actor.staff_id in written_by,
        chief_only=chief,
        approvers=await directory.approvers(written_by, chief_only=chief),
        at_once=found.manuscript.timing is Timing.ON_APPROVAL,
    )


routes: list[ControllerRouterHandler] = [index, show, approve, return_]
