"""最初の画面: いましなければならないことを、役割ごとに。"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from backend.delivery import alarms, outbox
from backend.links import dead, register
from backend.menus import watching
from backend.messages import desk, reminders, review, workflow
from backend.messages.states import State
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.staff import changes, directory, factors
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
async def index(request: Request[Any, Any, Any], actor: Actor, settings: Settings) -> Template:
    requests = await desk.listing(actor) if actor.may(Permission.READ_REQUESTS) else []
    section = None if actor.may(Permission.REVIEW) or not actor.may(Permission.DRAFT) else actor.section_code
    deliveries = await outbox.listing(section) if actor.may(Permission.READ_DELIVERIES) else []
    return page(
        "home/index.html",
        title=f"{actor.name}さんの用事",
        room="home",
        alarms=[*await alarms.current(), *await watching.ringing()] if actor.may(Permission.READ_DELIVERIES) else [],
        dead=await dead.ringing(actor.section_code) if actor.may(Permission.MANAGE_LINKS) else [],
        todos=await _todos(actor, requests, settings),
        deliveries=[delivery for delivery in deliveries if not delivery.state.finished][:8],
        recent=[delivery for delivery in deliveries if delivery.state.finished][:5],
    )


async def _todos(actor: Actor, requests: list[desk.Request], settings: Settings) -> list[Todo]:
    todos: list[Todo] = []
    if actor.may(Permission.REVIEW):
        todos += [*_review(actor, requests), *await _elsewhere(actor)]
        todos += await _reminders(actor, settings.minimum_audience)
    if actor.may(Permission.DRAFT):
        todos += _writing(actor, [r for r in requests if r.section_code == actor.section_code])
        todos += _confirming(actor, requests) if settings.chief_check else []
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
        todos += await _staffing()
        waiting = [member for member in await directory.members() if member.condition in ("招待中", "招待切れ")]
        todos.append(Todo("招待を使っていない職員", len(waiting), "/console/staff"))
    return todos


async def _staffing() -> list[Todo]:
    """人の足りない課と、承認を待つ職員の変更(RULES 32)。"""
    bare = await directory.without_chief()
    proposed = [change for change in await changes.waiting() if not change.approved]
    todos = [Todo("承認を待つ職員の変更", len(proposed), "/console/staff", urgent=True)] if proposed else []
    if bare:
        words = "緊急配信できる人が0人の課"
        todos.append(Todo(words, len(bare), "/console/staff", "、".join(bare[:5]), urgent=True))
    return todos


def _review(actor: Actor, requests: list[desk.Request]) -> list[Todo]:
    waiting = [r for r in requests if r.state is State.SUBMITTED]
    mine = [r for r in waiting if review.may_approve(actor, r)]
    late = [r for r in requests if r.state is State.EXPIRED]
    todos = [Todo("承認できる依頼", len(mine), "/console/review", _due(mine), urgent=bool(mine))]
    if late:
        todos.append(Todo("時間切れの依頼", len(late), "/console/review", "所管課に新しい日時を確かめます"))
    return todos


async def _elsewhere(actor: Actor) -> list[Todo]:
    """ほかの課が持ち主の、開けないリンク。広報課も直せる。"""
    others = [link for link in await register.dead_of() if link.owner_section != actor.section_code]
    if not others:
        return []
    return [Todo("ほかの課の開けないリンク", len(others), "/console/links", "直るまで、新しい依頼に使えません")]


async def _reminders(actor: Actor, minimum: int) -> list[Todo]:
    """下書きを待つ、続けるかのお知らせ(RULES 38)。送る日が一週間の内なら、先に見る。"""
    waiting = [one for one in await reminders.listing(actor, minimum) if one.open]
    soon = any(one.planned.send_at - one.now < timedelta(days=7) for one in waiting)
    hint = f"次は{waiting[0].planned.send_at.month}月{waiting[0].planned.send_at.day}日に送る分" if waiting else ""
    path = "/console/messages/reminders"
    return [Todo("用意する続けるかのお知らせ", len(waiting), path, hint, urgent=soon)] if waiting else []


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


def _confirming(actor: Actor, requests: list[desk.Request]) -> list[Todo]:
    """書き上がって、この課長の確認を待つ原稿(RULES 20)。"""
    waiting = [r for r in requests if workflow.awaits_chief(actor, r)]
    hint = "提出の前に見ます"
    return [Todo("課長確認を待つ原稿", len(waiting), "/console/messages", hint, urgent=True)] if waiting else []


def _due(requests: list[desk.Request]) -> str:
    urgent = sum(1 for r in requests if r.manuscript.kind and r.manuscript.kind.mark == "イ")
    return f"うち緊急 {urgent}件" if urgent else ""


routes: list[ControllerRouterHandler] = [index]
