"""依頼を、決まったところまで進める。"""

from datetime import datetime
from typing import Any

from backend.messages import desk, workflow
from backend.messages.desk import Request
from backend.messages.manuscript import Manuscript
from backend.permissions import Actor
from backend.store import clock, work
from tests import cast

MINIMUM = 20


async def drafted(actor: Actor, **changes: Any) -> int:
    return await work.run(workflow.draft, actor, await written(**changes))


async def written(**changes: Any) -> Manuscript:
    now: datetime = await clock.now()
    return cast.manuscript(now, **changes)


async def submitted(actor: Actor, **changes: Any) -> int:
    request_id = await drafted(actor, **changes)
    await submit(actor, request_id)
    return request_id


async def submit(actor: Actor, request_id: int) -> str:
    version = (await desk.find(actor, request_id)).version
    return await work.run(workflow.submit, actor, request_id, version, sourced=True, settled=True, minimum=MINIMUM)


async def approve(actor: Actor, request_id: int, seen: str | None = None, *, at_once: bool = False) -> int:
    """いまの内容(か `seen` の指紋)を見て承認する。"""
    seen = seen or (await desk.find(actor, request_id)).fingerprint
    return await work.run(workflow.approve, actor, request_id, seen, at_once=at_once, minimum=MINIMUM)


async def edit(actor: Actor, request_id: int, **changes: Any) -> Request:
    found = await desk.find(actor, request_id)
    return await work.run(workflow.edit, actor, request_id, found.version, await written(**changes))


async def withdraw(actor: Actor, request_id: int) -> None:
    found = await desk.find(actor, request_id)
    await work.run(workflow.withdraw, actor, request_id, found.version)


async def deliveries() -> list[dict[str, Any]]:
    return await work.sql("select source, state, approval_id from delivery order by id")
