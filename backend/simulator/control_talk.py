"""`/_sim/…` の話しかた: 書き間違いを断る読み取りと、覚えさせない返事。"""

import json
from typing import Any

from litestar import Request, Response
from litestar.di import NamedDependency

from backend.errors import Refused
from backend.simulator.wire import World

AnyRequest = Request[Any, Any, Any]
Here = NamedDependency[World]
Answer = Response[Any]


async def read_object(request: AnyRequest, known: set[str]) -> dict[str, Any]:
    """本文のJSONオブジェクト。知らない名前は、書き間違いとして断る。"""
    try:
        value = json.loads(await request.body() or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused("本文はJSONのオブジェクトにしてください。")
    if unknown := set(value) - known:
        raise Refused(
            f"知らない名前です: {'、'.join(sorted(unknown))}", next_step=f"使えるもの: {'、'.join(sorted(known))}"
        )
    return value


def done() -> Answer:
    return as_json({"ok": True})


def as_json(content: Any) -> Answer:
    return Response(content, headers={"cache-control": "no-store"})
