"""操作記録の扉: 読むだけ。"""

from litestar import get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from backend.audit import seal, trail
from backend.permissions import Permission
from backend.store import clock
from backend.web.render import page
from backend.web.security import needs


@get("/console/audit", **needs(Permission.READ_AUDIT))
async def index(before: int | None = None) -> Template:
    entries = await trail.latest(before=before)
    return page(
        "audit/list.html",
        title="操作記録",
        room="audit",
        entries=entries,
        older=entries[-1].id if len(entries) == trail.PAGE else None,
        paged=before is not None,
        tails=await seal.tails(),
        late_before=await clock.now() - seal.LATE,
    )


routes: list[ControllerRouterHandler] = [index]
