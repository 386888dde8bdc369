"""止める扉: アカウントの状態を見て、止める・再開する・災害時にする。ほかに、なりすましの注意。"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.account import state, warning
from backend.errors import Refused
from backend.permissions import Actor, Permission
from backend.store import work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]


class SwitchForm(msgspec.Struct):
    do: str
    reason: str = ""
    words: str = ""


@get("/console/stop", **needs(Permission.READ_DELIVERIES))
async def index(actor: Actor) -> Template:
    return await _page(actor)


@post("/console/stop", **needs(Permission.READ_DELIVERIES))
async def switch(request: AnyRequest, actor: Actor) -> Redirect | Template:
    """だれに何ができるかは、動詞が決める(RULESの表は、役割と所管課の両方による)。"""
    form = await forms.read(request, SwitchForm)
    try:
        await work.run(_verb(form), actor)
    except Refused as refusal:
        return await _page(actor, refusal)
    return Redirect("/console/stop", status_code=303)


def _verb(form: SwitchForm) -> Callable[[Actor], Awaitable[None]]:
    verbs: dict[str, Callable[[Actor], Awaitable[None]]] = {
        "stop_bulk": lambda actor: state.stop(actor, everything=False, reason=form.reason),
        "stop_all": lambda actor: state.stop(actor, everything=True, reason=form.reason),
        "propose_resume": state.propose_resume,
        "confirm_resume": state.confirm_resume,
        "resume_urgent": state.resume_urgent,
        "disaster": lambda actor: state.enter_disaster(actor, reason=form.reason),
        "propose_normal": state.propose_normal,
        "confirm_normal": state.confirm_normal,
        "warn": lambda actor: warning.show(actor, form.words),
        "unwarn": warning.hide,
    }
    if form.do not in verbs:
        raise Refused("この操作はありません。", next_step="画面を開き直してください。")
    return verbs[form.do]


async def _page(actor: Actor, refusal: Refused | None = None) -> Template:
    return page(
        "delivery/stop.html",
        title="止める・再開する",
        status=422 if refusal else 200,
        room="deliveries",
        refusal=refusal,
        now=await state.current(),
        proposals=await state.proposals(),
        may_disaster=state.may_enter_disaster(actor),
        warning=await warning.current(),
        ready=warning.READY,
        longest=warning.LONGEST,
    )


routes: list[ControllerRouterHandler] = [index, switch]
