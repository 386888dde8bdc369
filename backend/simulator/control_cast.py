"""`/_sim/…` のうち、人とすること: 友だちを加える、Webhookを送る、メニューを押す。"""

import asyncio
from itertools import islice
from typing import Any

from litestar import get, post

from backend.simulator.control_talk import Answer, AnyRequest, Here, as_json, done, read_object
from backend.simulator.people import described, made_up

PEOPLE_PAGE = 1000
CHUNK = 20_000  # 一度に加える人数。あいだにほかの呼び出しが通れるようにする


# ── 人 ──


@get("/_sim/people", sync_to_thread=False)
def read_people(request: AnyRequest, world: Here) -> Answer:
    """`?limit=&offset=&search=`。"""
    query = request.query_params
    limit, offset = int(query.get("limit", PEOPLE_PAGE)), int(query.get("offset", 0))
    people, total = world.platform.search(query.get("search", ""), offset, limit)
    named = ("user", "name", "friend", "blocked", "deleted", "note")
    return as_json({"total": total, "people": [{name: getattr(p, name) for name in named} for p in people]})


@post("/_sim/people", status_code=200)
async def put_people(request: AnyRequest, world: Here) -> Answer:
    """`{people: [{user, name, friend?, blocked?, deleted?, note?}]}` または `{generate: 人数, seed?, first?}`。"""
    wanted = await read_object(request, {"people", "generate", "seed", "first"})
    if "generate" in wanted:
        people = made_up(int(wanted["generate"]), wanted.get("seed", 0), int(wanted.get("first", 0)))
    else:
        people = iter([described(value) for value in wanted.get("people", [])])
    added = 0
    while count := world.platform.put_people(islice(people, CHUNK)):
        added += count
        await asyncio.sleep(0)
    return as_json({"added": added})


# ── Webhook ──


@post("/_sim/webhook", status_code=200)
async def set_webhook(request: AnyRequest, world: Here) -> Answer:
    """`{url, redelivery?}`。`redelivery` は届かなかったときに送り直すか。"""
    wanted = await read_object(request, {"url", "redelivery"})
    if "url" in wanted:
        world.webhooks.set_url(str(wanted["url"] or ""))
    if "redelivery" in wanted:
        world.webhooks.redeliver(bool(wanted["redelivery"]))
    return done()


@get("/_sim/webhooks", sync_to_thread=False)
def read_webhooks(world: Here) -> Answer:
    return as_json({"url": world.webhooks.url, "sent": world.webhooks.sent()})


@post("/_sim/webhooks", status_code=200)
async def send_webhooks(request: AnyRequest, world: Here) -> Answer:
    """もう一度送る、または作った出来事を送る。

    `{repeat: 回数, shuffle?, together?, redelivery?}` は済んだ出来事を、`{events: [...], signature?}` は書いたままを、
    `{emit: {user, type, …}}` はふつうの列に、`{retry_now: true}` は送り直しの待ちをなくす。
    """
    wanted = await read_object(
        request, {"repeat", "shuffle", "together", "redelivery", "events", "signature", "emit", "retry_now"}
    )
    if wanted.get("retry_now"):
        world.webhooks.retry_now()
        return done()
    if "emit" in wanted:
        event = dict(wanted["emit"])
        return as_json({"event": world.webhooks.emit(event.pop("user"), event.pop("type"), **event)})
    if "events" in wanted:
        status, reason = await world.webhooks.post(wanted["events"], signature=wanted.get("signature"))
        return as_json({"statuses": [status], "reason": reason})
    options = {name: bool(wanted[name]) for name in ("shuffle", "together", "redelivery") if name in wanted}
    return as_json({"statuses": await world.webhooks.repeat(times=int(wanted.get("repeat", 1)), **options)})


# ── メニュー ──


@post("/_sim/taps", status_code=200)
async def add_taps(request: AnyRequest, world: Here) -> Answer:
    """`{menu, area, users: [...]}`: メニューが押されたことにする。"""
    wanted = await read_object(request, {"menu", "area", "users"})
    world.menus.tap(str(wanted["menu"]), int(wanted["area"]), [str(user) for user in wanted["users"]])
    return done()


routes: list[Any] = [read_people, put_people, set_webhook, read_webhooks, send_webhooks, add_taps]
