"""`/_sim/…`: 外から見る審判と、LINEの側の事情を変えるところ(DESIGN 5)。"""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import islice
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.response import Stream

from backend.errors import Refused
from backend.simulator.people import described, made_up
from backend.simulator.phone_diary import Diary
from backend.simulator.wire import World

PEOPLE_PAGE = 1000
CHUNK = 20_000  # 一度に加える人数。あいだにほかの呼び出しが通れるようにする
# 公式アカウントの事情。quota は月の上限(null は無制限)、used は管理画面から送った分、reserved は送信中の予約。
ACCOUNT = {
    "quota", "used", "reserved", "verified", "refuse_unknown", "job_seconds", "basic_id", "display_name", "chat_mode",
    "mark_as_read_mode",
}  # fmt: skip

AnyRequest = Request[Any, Any, Any]
Here = NamedDependency[World]
Answer = Response[Any]


# ── 台帳 ──


@get("/_sim/ledger", sync_to_thread=False)
def read_ledger(request: AnyRequest, world: Here) -> Any:
    """`?summary=1` なら数だけ。"""
    if request.query_params.get("summary"):
        return _json(world.ledger.counts())
    return Stream(_ledger(world), media_type="application/json")


@delete("/_sim/ledger", status_code=200, sync_to_thread=False)
def clear_ledger(world: Here) -> Answer:
    """呼び出しと届いたものを空にする。再試行の鍵は残る。"""
    world.ledger.clear()
    world.platform.tell(None)
    return _done()


# ── 故障、速さ、時計 ──


@get("/_sim/faults", sync_to_thread=False)
def read_faults(world: Here) -> Answer:
    return _json({"faults": world.faults.all()})


@post("/_sim/faults", status_code=200)
async def add_fault(request: AnyRequest, world: Here) -> Answer:
    """`{endpoint, fault, every?, times?, index?}`。"""
    wanted = await _object(request, {"endpoint", "fault", "every", "times", "index"})
    world.faults.add(str(wanted.pop("endpoint", "")), str(wanted.pop("fault", "")), **wanted)
    return _done()


@delete("/_sim/faults", status_code=200, sync_to_thread=False)
def clear_faults(world: Here) -> Answer:
    world.faults.clear()
    return _done()


@get("/_sim/limits", sync_to_thread=False)
def read_limits(world: Here) -> Answer:
    return _json({"enabled": world.limits.enabled, "latency_seconds": world.limits.latency_seconds})


@post("/_sim/limits", status_code=200)
async def set_limits(request: AnyRequest, world: Here) -> Answer:
    """`{enabled?, latency_seconds?, empty?}`。どのバケツも満たし直す(`empty` なら空にする)。"""
    world.limits.set(**await _object(request, {"enabled", "latency_seconds", "empty"}))
    return _done()


@get("/_sim/clock", sync_to_thread=False)
def read_clock(world: Here) -> Answer:
    return _json({"now": world.platform.now().isoformat(), "offset_seconds": world.platform.offset})


@post("/_sim/clock", status_code=200)
async def set_clock(request: AnyRequest, world: Here) -> Answer:
    """`{now: ISO 8601}`、`{advance_seconds: 数}`、`{now: null}`(本当の時刻へ戻す)。"""
    wanted = await _object(request, {"now", "advance_seconds"})
    if "advance_seconds" in wanted:
        world.platform.set_offset(world.platform.offset + float(wanted["advance_seconds"]))
    elif wanted.get("now") is None:
        world.platform.set_offset(0)
    else:
        there = datetime.fromisoformat(wanted["now"])
        if there.tzinfo is None:
            raise Refused("now には時差を付けてください。")
        world.platform.set_offset(world.platform.offset + (there - world.platform.now()).total_seconds())
    world.platform.tell(None)
    return _json({"now": world.platform.now().isoformat(), "offset_seconds": world.platform.offset})


# ── 人 ──


@get("/_sim/people", sync_to_thread=False)
def read_people(request: AnyRequest, world: Here) -> Answer:
    """`?limit=&offset=&search=`。"""
    query = request.query_params
    limit, offset = int(query.get("limit", PEOPLE_PAGE)), int(query.get("offset", 0))
    people, total = world.platform.search(query.get("search", ""), offset, limit)
    named = ("user", "name", "friend", "blocked", "deleted", "note")
    return _json({"total": total, "people": [{name: getattr(p, name) for name in named} for p in people]})


@post("/_sim/people", status_code=200)
async def put_people(request: AnyRequest, world: Here) -> Answer:
    """`{people: [{user, name, friend?, blocked?, deleted?, note?}]}` または `{generate: 人数, seed?, first?}`。"""
    wanted = await _object(request, {"people", "generate", "seed", "first"})
    if "generate" in wanted:
        people = made_up(int(wanted["generate"]), wanted.get("seed", 0), int(wanted.get("first", 0)))
    else:
        people = iter([described(value) for value in wanted.get("people", [])])
    added = 0
    while count := world.platform.put_people(islice(people, CHUNK)):
        added += count
        await asyncio.sleep(0)
    return _json({"added": added})


# ── Webhook ──


@post("/_sim/webhook", status_code=200)
async def set_webhook(request: AnyRequest, world: Here) -> Answer:
    """`{url, redelivery?}`。`redelivery` は届かなかったときに送り直すか。"""
    wanted = await _object(request, {"url", "redelivery"})
    if "url" in wanted:
        world.webhooks.set_url(str(wanted["url"] or ""))
    if "redelivery" in wanted:
        world.webhooks.redeliver(bool(wanted["redelivery"]))
    return _done()


@get("/_sim/webhooks", sync_to_thread=False)
def read_webhooks(world: Here) -> Answer:
    return _json({"url": world.webhooks.url, "sent": world.webhooks.sent()})


@post("/_sim/webhooks", status_code=200)
async def send_webhooks(request: AnyRequest, world: Here) -> Answer:
    """もう一度送る、または作った出来事を送る。

    `{repeat: 回数, shuffle?, together?, redelivery?}` は済んだ出来事を、`{events: [...], signature?}` は書いたままを、
    `{emit: {user, type, …}}` はふつうの列に、`{retry_now: true}` は送り直しの待ちをなくす。
    """
    wanted = await _object(
        request, {"repeat", "shuffle", "together", "redelivery", "events", "signature", "emit", "retry_now"}
    )
    if wanted.get("retry_now"):
        world.webhooks.retry_now()
        return _done()
    if "emit" in wanted:
        event = dict(wanted["emit"])
        return _json({"event": world.webhooks.emit(event.pop("user"), event.pop("type"), **event)})
    if "events" in wanted:
        status, reason = await world.webhooks.post(wanted["events"], signature=wanted.get("signature"))
        return _json({"statuses": [status], "reason": reason})
    options = {name: bool(wanted[name]) for name in ("shuffle", "together", "redelivery") if name in wanted}
    return _json({"statuses": await world.webhooks.repeat(times=int(wanted.get("repeat", 1)), **options)})


# ── アカウントとメニュー ──


@get("/_sim/account", sync_to_thread=False)
def read_account(world: Here) -> Answer:
    console = bool(world.platform.recall("console_default"))
    return _json({**world.platform.recall("account", {}), "console_menu": console, "jobs_waiting": world.jobs.waiting()})


@post(["/_sim/account", "/_sim/quota"], status_code=200)
async def set_account(request: AnyRequest, world: Here) -> Answer:
    """`ACCOUNT` にあるものを書いた分だけ変える。`console_menu` は管理画面の既定のメニューを置く・外す。"""
    wanted = await _object(request, {*ACCOUNT, "console_menu"})
    if "console_menu" in wanted:
        world.menus.give_to_console(bool(wanted.pop("console_menu")))
    world.platform.remember("account", {**world.platform.recall("account", {}), **wanted})
    return _done()


@post("/_sim/jobs", status_code=200, sync_to_thread=False)
def do_jobs(world: Here) -> Answer:
    """202で受け付けた仕事を、いますぐすべて行う。"""
    return _json({"done": world.jobs.do()})


@post("/_sim/taps", status_code=200)
async def add_taps(request: AnyRequest, world: Here) -> Answer:
    """`{menu, area, users: [...]}`: メニューが押されたことにする。"""
    wanted = await _object(request, {"menu", "area", "users"})
    world.menus.tap(str(wanted["menu"]), int(wanted["area"]), [str(user) for user in wanted["users"]])
    return _done()


@post("/_sim/tokens/expire", status_code=200, sync_to_thread=False)
def expire_tokens(world: Here) -> Answer:
    """チャネルアクセストークンをすべて無効にする。"""
    world.platform.expire_tokens()
    return _done()


@post("/_sim/reset", status_code=200, sync_to_thread=False)
def reset(world: Here, diary: NamedDependency[Diary]) -> Answer:
    """人も記録も設定も空にする。IDトークンの署名の鍵だけは残る。"""
    world.reset()
    diary.reset()
    return _done()


async def _ledger(world: World) -> AsyncIterator[str]:
    """百万行でもメモリに溜めずに書き出す。"""
    yield '{"calls":['
    for index, call in enumerate(world.ledger.calls()):
        yield ("," if index else "") + json.dumps(call, ensure_ascii=False)
    yield '],"received":['
    lines = world.ledger.received()
    first = True
    while chunk := list(islice(lines, 500)):
        yield ("" if first else ",") + ",".join(json.dumps(line, ensure_ascii=False) for line in chunk)
        first = False
    yield "]}"


async def _object(request: AnyRequest, known: set[str]) -> dict[str, Any]:
    """本文のJSONオブジェクト。知らない名前は、書き間違いとして断る。"""
    try:
        value = json.loads(await request.body() or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused("本文はJSONのオブジェクトにしてください。")
    if unknown := set(value) - known:
        raise Refused(f"知らない名前です: {'、'.join(sorted(unknown))}", next_step=f"使えるもの: {'、'.join(sorted(known))}")
    return value


def _done() -> Answer:
    return _json({"ok": True})


def _json(content: Any) -> Answer:
    return Response(content, headers={"cache-control": "no-store"})


routes: list[Any] = [
    read_ledger, clear_ledger, read_faults, add_fault, clear_faults, read_limits, set_limits, read_clock, set_clock,
    read_people, put_people, set_webhook, read_webhooks, send_webhooks, read_account, set_account, do_jobs, add_taps,
    expire_tokens, reset,
]  # fmt: skip
