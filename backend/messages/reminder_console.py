"""続けるかのお知らせの扉: これからの一通を見て、下書きを作る。送るのは、ふつうの依頼と同じ道。"""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.messages import reminders
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.store import work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs


class PrepareForm(msgspec.Struct):
    key: str


@get("/console/messages/reminders", **needs(Permission.REVIEW))
async def index(actor: Actor, settings: Settings) -> Template:
    return await _page(actor, settings)


@post("/console/messages/reminders", **needs(Permission.REVIEW))
async def prepare(request: Request[Any, Any, Any], actor: Actor, settings: Settings) -> Redirect | Template:
    form = await forms.read(request, PrepareForm)
    place = f"https://liff.line.me/{settings.liff_id}/settings"
    try:
        request_id = await work.run(reminders.prepare, actor, form.key, place, settings.minimum_audience)
    except Refused as refusal:
        return await _page(actor, settings, refusal)
    return Redirect(f"/console/messages/{request_id}", status_code=303)


async def _page(actor: Actor, settings: Settings, refusal: Refused | None = None) -> Template:
    return page(
        "messages/reminders.html",
        title="続けるかのお知らせ",
        status=422 if refusal else 200,
        room="messages",
        refusal=refusal,
        reminders=await reminders.listing(actor, settings.minimum_audience),
        minimum=settings.minimum_audience,
    )


routes: list[ControllerRouterHandler] = [index, prepare]
