"""配信の扉: 何が人を待っているか、いまどこまで進んだか、止める・決める。"""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, time
from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.response import Redirect, ServerSentEvent, ServerSentEventMessage, Template
from litestar.types import ControllerRouterHandler

from backend.audit import trail
from backend.delivery import alarms, decisions, outbox, status
from backend.delivery.states import Reason
from backend.delivery.status import Status
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission
from backend.store import listen, work
from backend.store.clock import JST
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]
BREATH_SECONDS = 15.0
STREAM_SECONDS = 300.0
"""知らせの流れは5分で閉じる。ブラウザが自分でつなぎ直し、そのときに権限も確かめ直す。"""


class PostponeForm(msgspec.Struct):
    day: str
    clock: str


class UnknownForm(msgspec.Struct):
    answer: str


@get("/console/deliveries", **needs(Permission.READ_DELIVERIES))
async def index(actor: Actor) -> Template:
    found = await outbox.listing(_section(actor))
    return page(
        "delivery/list.html",
        title="配信",
        room="deliveries",
        alarms=await alarms.current(),
        brakes=[alarm for alarm in await alarms.current() if alarm.code.startswith("brake:")],
        groups=_groups(found),
    )


@get("/console/deliveries/{delivery_id:int}", **needs(Permission.READ_DELIVERIES))
async def show(delivery_id: int, actor: Actor) -> Template:
    return await _page(actor, delivery_id)


@get("/console/deliveries/{delivery_id:int}/live", **needs(Permission.READ_DELIVERIES))
async def live(delivery_id: int, actor: Actor) -> Template:
    """動く部分だけ。"""
    return page("delivery/live.html", title="", **await _moving(actor, delivery_id))


@get("/console/deliveries/{delivery_id:int}/events", **needs(Permission.READ_DELIVERIES))
async def events(delivery_id: int, actor: Actor) -> ServerSentEvent:
    """動いたことだけを知らせる流れ。数は入れない。"""
    await _visible(actor, delivery_id)
    return ServerSentEvent(_changes(delivery_id))


@post("/console/deliveries/{delivery_id:int}/stop", **needs(Permission.STOP_DELIVERY))
async def stop(delivery_id: int, actor: Actor) -> Redirect | Template:
    return await _decide(actor, delivery_id, decisions.stop)


@post("/console/deliveries/{delivery_id:int}/release", **needs(Permission.REVIEW))
async def release(delivery_id: int, actor: Actor) -> Redirect | Template:
    return await _decide(actor, delivery_id, decisions.release)


@post("/console/deliveries/{delivery_id:int}/postpone", **needs(Permission.REVIEW))
async def postpone(request: AnyRequest, delivery_id: int, actor: Actor) -> Redirect | Template:
    form = await forms.read(request, PostponeForm)
    try:
        at = datetime.combine(date.fromisoformat(form.day), time.fromisoformat(form.clock).replace(tzinfo=None), JST)
    except ValueError:
        return await _page(
            actor, delivery_id, Refused("日付と時刻を読み取れません。", next_step="もう一度選んでください。")
        )
    return await _decide(actor, delivery_id, decisions.postpone, at)


@post("/console/deliveries/{delivery_id:int}/give-up", **needs(Permission.REVIEW))
async def give_up(delivery_id: int, actor: Actor) -> Redirect | Template:
    return await _decide(actor, delivery_id, decisions.give_up)


@post("/console/deliveries/{delivery_id:int}/unknown", **needs(Permission.REVIEW))
async def unknown(request: AnyRequest, delivery_id: int, actor: Actor) -> Redirect | Template:
    form = await forms.read(request, UnknownForm)
    if form.answer not in ("sent", "unsent"):
        refusal = Refused("どちらとみなすかが選ばれていません。", next_step="どちらかのボタンを押してください。")
        return await _page(actor, delivery_id, refusal)
    return await _decide(actor, delivery_id, decisions.settle_unknown, sent=form.answer == "sent")


@post("/console/deliveries/{delivery_id:int}/resend", **needs(Permission.REVIEW))
async def resend(delivery_id: int, actor: Actor) -> Redirect | Template:
    return await _decide(actor, delivery_id, decisions.resend_refused)


@post("/console/brakes/{feed:str}/close", **needs(Permission.REVIEW))
async def close_brake(feed: str, actor: Actor) -> Redirect:
    await work.run(decisions.close_brake, actor, feed)
    return Redirect("/console/deliveries", status_code=303)


async def _decide(actor: Actor, delivery_id: int, verb: Any, *values: Any, **named: Any) -> Redirect | Template:
    await _visible(actor, delivery_id)
    try:
        await work.run(verb, actor, delivery_id, *values, **named)
    except Refused as refusal:
        return await _page(actor, delivery_id, refusal)
    return Redirect(f"/console/deliveries/{delivery_id}", status_code=303)


async def _page(actor: Actor, delivery_id: int, refusal: Refused | None = None) -> Template:
    moving = await _moving(actor, delivery_id)
    found: Status = moving["found"]
    return page(
        "delivery/show.html",
        title=found.title or "件名なし",
        status=422 if refusal else 200,
        room="deliveries",
        refusal=refusal,
        reasons={reason.value: reason.label for reason in Reason},
        history=await trail.latest(subject=f"delivery:{delivery_id}", limit=100),
        **moving,
    )


async def _moving(actor: Actor, delivery_id: int) -> dict[str, Any]:
    found = await _visible(actor, delivery_id)
    return {
        "found": found,
        "exact": status.sees_exact(actor),
        "bar": _bar(found, status.sees_exact(actor)),
        "silent": [alarm for alarm in await alarms.current() if alarm.code == "sender_silent"],
        "own": actor.section_code == found.owner_section or actor.role.value != "section_chief",
    }


async def _visible(actor: Actor, delivery_id: int) -> Status:
    """所管課は自分の課の配信だけを見る。ほかの課のものは、無いのと同じ。"""
    found = await status.by_id(delivery_id)
    section = _section(actor)
    if found is None or (section and found.owner_section != section):
        raise NotFound("その配信はありません。", next_step="配信の一覧からお探しください。")
    return found


def _section(actor: Actor) -> str | None:
    return None if actor.may(Permission.REVIEW) or not actor.may(Permission.DRAFT) else actor.section_code


def _groups(found: list[Status]) -> list[tuple[str, list[Status]]]:
    """「いま決めること」を先に。"""
    parts = (
        ("人が決めるのを待っています", [one for one in found if one.needs_person]),
        ("いま送っています", [one for one in found if one.running and not one.needs_person]),
        ("これから送ります", [one for one in found if one.state is outbox.State.SCHEDULED]),
        ("終わりました", [one for one in found if one.state.finished and not one.needs_person][:100]),
    )
    return [(heading, members) for heading, members in parts if members]


def _bar(found: Status, exact: bool) -> list[tuple[str, str, int, float, float]]:
    """(印, 呼び名, 人数, 左端, 幅)。幅は百分率。正確な数を見せない人には、丸めた数から描く。"""
    if not found.frozen:
        return []
    parts = [
        ("accepted", "LINEが受け付けた", found.accepted),
        ("refused", "LINEが断った", found.refused),
        ("excluded", "確定の後に対象でなくなった", found.excluded),
        ("unknown", "受け付けたか分からない", found.unknown),
        ("unsent", "まだ・送らなかった", found.unsent),
    ]
    shown = [count if exact or count < 10 else count // 10 * 10 for _, _, count in parts]
    whole, left = max(sum(shown), 1), 0.0
    made: list[tuple[str, str, int, float, float]] = []
    for (mark, words, count), drawn in zip(parts, shown, strict=True):
        width = round(drawn * 100 / whole, 2)
        made.append((mark, words, count, round(left, 2), width))
        left += width
    return made


async def _changes(delivery_id: int) -> AsyncIterator[ServerSentEventMessage]:
    deadline = asyncio.get_running_loop().time() + STREAM_SECONDS
    async with listen.listening(outbox.MOVED) as moved:
        yield ServerSentEventMessage(event="changed", data="", retry=2000)
        while asyncio.get_running_loop().time() < deadline:
            try:
                async with asyncio.timeout(BREATH_SECONDS):
                    heard = await moved.get()
            except TimeoutError:
                yield ServerSentEventMessage(comment="")
                continue
            if heard == listen.LOST_CONNECTION:
                return
            if heard[1] == str(delivery_id):
                yield ServerSentEventMessage(event="changed", data="")


routes: list[ControllerRouterHandler] = [
    index,
    show,
    live,
    events,
    stop,
    release,
    postpone,
    give_up,
    unknown,
    resend,
    close_brake,
]
