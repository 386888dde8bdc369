"""配信対象者の扉: 条件を試し、何人くらいに届くかを見る。何も保存しない。"""

from typing import Any

from litestar import Request, get, post
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from backend.permissions import Actor, Permission
from backend.segments import asking, criteria, picker
from backend.segments.picker import Picked
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs


@get("/console/segments", **needs(Permission.COUNT_AUDIENCE))
async def index(actor: Actor) -> Template:
    return await _page(actor, "segments/try.html", Picked())


@post("/console/segments", status_code=200, **needs(Permission.COUNT_AUDIENCE))
async def count(request: Request[Any, Any, Any], actor: Actor) -> Template:
    chosen = await forms.read(request, Picked)
    live = "hx-request" in request.headers
    return await _page(actor, "segments/live.html" if live else "segments/try.html", chosen)


async def _page(actor: Actor, template: str, chosen: Picked) -> Template:
    wanted = picker.criteria_of(chosen)
    return page(
        template,
        title="対象者",
        room="segments",
        form=chosen,
        choices=picker.choices(),
        who=criteria.describe(wanted) if wanted else "",
        count=await asking.ask(actor, wanted) if wanted else "",
    )


routes: list[ControllerRouterHandler] = [index, count]
