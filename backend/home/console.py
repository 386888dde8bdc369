"""最初の画面: いましなければならないことを、役割ごとに。"""

from dataclasses import dataclass
from typing import Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from backend.delivery import alarms, outbox
from backend.messages import desk, workflow
from backend.messages.states import State
from backend.permissions import Actor, Permission
from backend.staff import directory, factors
from backend.web.render import page
from backend.web.security import needs


@dataclass(frozen=True)
class Todo:
    """一つの用事。`urgent` は先に見るもの。"""

    words: str
    count: int
    path: str
    hint: str = ""
    urgent: bool = False


@get("/console", **needs(Permission.HOME))
async def index(request: Request[Any, Any, Any], actor: Actor) -> Template:
    requests = await desk.listing(actor) if actor.may(Permission.READ_REQUESTS) else []
    section = None if actor.may(Permission.REVIEW) or not actor.may(Permission.DRAFT) else actor.section_code
    deliveries = await outbox.listing(section) if actor.may(Permission.READ_DELIVERIES) else []
    return page(
        "home/index.html",
        title=f"{actor.name}さんの用事",
        room="home",
        alarms=await alarms.current() if actor.may(Permission.READ_DELIVERIES) else [],
        todos=await _todos(actor, requests),
        deliveries=[delivery for delivery in deliveries if not delivery.state.finished][:8],
        recent=[delivery for delivery in deliveries if delivery.state.finished][:5],
    )


async def _todos(actor: Actor, requests: list[desk.Request]) -> list[Todo]:
    todos: list[Todo] = []
    if actor.may(Permission.REVIEW):
        todos += _review(actor, requests)
    if actor.may(Permission.DRAFT):
        todos += _writing(actor, [r for r in requests if r.section_code == actor.section_code])
    if actor.role in factors.EMERGENCY_ROLES and not (await factors.of(actor.staff_id)).confirmed:
        todos.append(
            Todo("認証アプリの登録がまだです", 1, "/console/factor", "緊急配信に関わる方は登録します(3分)", urgent=True)
        )
    if actor.may(Permission.MANAGE_STAFF):
        without = await factors.missing()
        todos.append(
            Todo(
                "認証アプリのない緊急の役割",
                len(without),
                "/console/staff",
                "、".join(without[:5]),
                urgent=bool(without),
            )
        )
        waiting = [member for member in await directory.members() if member.condition in ("招待中", "招待切れ")]
        todos.append(Todo("招待を使っていない職員", len(waiting), "/console/staff"))
    return todos


def _review(actor: Actor, requests: list[desk.Request]) -> list[Todo]:
    waiting = [r for r in requests if r.state is State.SUBMITTED]
    mine = [r for r in waiting if workflow.may_approve(actor, r)]
    late = [r for r in requests if r.state is State.EXPIRED]
    todos = [Todo("承認できる依頼", len(mine), "/console/review", _due(mine), urgent=bool(mine))]
    if late:
        todos.append(Todo("時間切れの依頼", len(late), "/console/review", "所管課に新しい日時を確かめます"))
    return todos


def _writing(actor: Actor, own: list[desk.Request]) -> list[Todo]:
    back = [r for r in own if r.state in (State.RETURNED, State.EXPIRED)]
    drafts = [r for r in own if r.state is State.DRAFT]
    waiting = [r for r in own if r.state is State.SUBMITTED]
    todos = [
        Todo("直して出し直す依頼", len(back), "/console/messages", "差戻し・時間切れ", urgent=bool(back)),
        Todo("書きかけの依頼", len(drafts), "/console/messages"),
    ]
    if not actor.may(Permission.REVIEW):
        todos.append(Todo("確認を待っている依頼", len(waiting), "/console/messages"))
    return todos


def _due(requests: list[desk.Request]) -> str:
    urgent = sum(1 for r in requests if r.manuscript.kind and r.manuscript.kind.mark == "イ")
    return f"うち緊急 {urgent}件" if urgent else ""


routes: list[ControllerRouterHandler] = [index]
