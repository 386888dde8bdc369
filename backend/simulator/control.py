"""`/_sim/…`: 外から見る審判と、LINEの側の事情を変えるところ(DESIGN 5)。"""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import islice
from typing import Any

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.response import Stream

from backend.errors import Refused
from backend.simulator.control_talk import Answer, AnyRequest, Here, as_json, done, read_object
from backend.simulator.phone_diary import Diary
from backend.simulator.wire import World

# 公式アカウントの事情。quota は月の上限(null は無制限)、used は管理画面から送った分、reserved は送信中の予約。
ACCOUNT = {
    "quota", "used", "reserved", "verified", "refuse_unknown", "job_seconds", "basic_id", "display_name", "chat_mode",
    "mark_as_read_mode",
}  # fmt: skip


# ── 台帳 ──


@get("/_sim/ledger", sync_to_thread=False)
def read_ledger(request: AnyRequest, world: Here) -> Any:
    """`?summary=1` なら数だけ。"""
    if request.query_params.get("summary"):
        return as_json(world.ledger.counts())
    return Stream(_ledger(world), media_type="application/json")


@delete("/_sim/ledger", status_code=200, sync_to_thread=False)
def clear_ledger(world: Here) -> Answer:
    """呼び出しと届いたものを空にする。再試行の鍵は残る。"""
    world.ledger.clear()
    world.platform.tell(None)
    return done()


# ── 故障、速さ、時計 ──


@get("/_sim/faults", sync_to_thread=False)
def read_faults(world: Here) -> Answer:
    return as_json({"faults": world.faults.all()})


@post("/_sim/faults", status_code=200)
async def add_fault(request: AnyRequest, world: Here) -> Answer:
    """`{endpoint, fault, every?, times?, index?}`。"""
    wanted = await read_object(request, {"endpoint", "fault", "every", "times", "index"})
    world.faults.add(str(wanted.pop("endpoint", "")), str(wanted.pop("fault", "")), **wanted)
    return done()


@delete("/_sim/faults", status_code=200, sync_to_thread=False)
def clear_faults(world: Here) -> Answer:
    world.faults.clear()
    return done()


@get("/_sim/limits", sync_to_thread=False)
def read_limits(world: Here) -> Answer:
    return as_json({"enabled": world.limits.enabled, "latency_seconds": world.limits.latency_seconds})


@post("/_sim/limits", status_code=200)
async def set_limits(request: AnyRequest, world: Here) -> Answer:
    """`{enabled?, latency_seconds?, empty?}`。どのバケツも満たし直す(`empty` なら空にする)。"""
    world.limits.set(**await read_object(request, {"enabled", "latency_seconds", "empty"}))
    return done()


@get("/_sim/clock", sync_to_thread=False)
def read_clock(world: Here) -> Answer:
    return as_json({"now": world.platform.now().isoformat(), "offset_seconds": world.platform.offset})


@post("/_sim/clock", status_code=200)
async def set_clock(request: AnyRequest, world: Here) -> Answer:
    """`{now: ISO 8601}`、`{advance_seconds: 数}`、`{now: null}`(本当の時刻へ戻す)。"""
    wanted = await read_object(request, {"now", "advance_seconds"})
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
    return as_json({"now": world.platform.now().isoformat(), "offset_seconds": world.platform.offset})


# ── アカウントとメニュー ──


@get("/_sim/account", sync_to_thread=False)
def read_account(world: Here) -> Answer:
    console = bool(world.platform.recall("console_default"))
    return as_json(
        {**world.platform.recall("account", {}), "console_menu": console, "jobs_waiting": world.jobs.waiting()}
    )


@post(["/_sim/account", "/_sim/quota"], status_code=200)
async def set_account(request: AnyRequest, world: Here) -> Answer:
    """`ACCOUNT` にあるものを書いた分だけ変える。`console_menu` は管理画面の既定のメニューを置く・外す。"""
    wanted = await read_object(request, {*ACCOUNT, "console_menu"})
    if "console_menu" in wanted:
        world.menus.give_to_console(bool(wanted.pop("console_menu")))
    world.platform.remember("account", {**world.platform.recall("account", {}), **wanted})
    return done()


@post("/_sim/jobs", status_code=200, sync_to_thread=False)
def do_jobs(world: Here) -> Answer:
    """202で受け付けた仕事を、いますぐすべて行う。"""
    return as_json({"done": world.jobs.do()})


@post("/_sim/tokens/expire", status_code=200, sync_to_thread=False)
def expire_tokens(world: Here) -> Answer:
    """チャネルアクセストークンをすべて無効にする。"""
    world.platform.expire_tokens()
    return done()


@post("/_sim/reset", status_code=200, sync_to_thread=False)
def reset(world: Here, diary: NamedDependency[Diary]) -> Answer:
    """人も記録も設定も空にする。IDトークンの署名の鍵だけは残る。"""
    world.reset()
    diary.reset()
    return done()


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


routes: list[Any] = [
    read_ledger, clear_ledger, read_faults, add_fault, clear_faults, read_limits, set_limits, read_clock, set_clock,
    read_account, set_account, do_jobs, expire_tokens, reset,
]  # fmt: skip
