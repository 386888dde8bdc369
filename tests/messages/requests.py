"""依頼を、決まったところまで進める。"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from backend.consent.notices import Purpose
from backend.messages import desk, review, workflow
from backend.messages.desk import Request
from backend.messages.gates import Attested
from backend.messages.manuscript import Audience, Manuscript
from backend.messages.states import ReturnReason, State
from backend.permissions import Actor
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.segments import criteria
from backend.store import clock, work
from tests import cast
from tests.cast import HONGO_3, Cast

MINIMUM = 20
HERE = criteria.parse(f'{{"all":[{{"any":[{{"field":"area","value":{HONGO_3}}}]}}]}}')
TO_HERE: dict[str, Any] = {"audience": Audience.CRITERIA, "criteria": HERE}
"""本郷三丁目の人への宛先。"""


ATTESTED = Attested(sourced=True, settled=True, today_because="会場が今朝決まったため")


async def drafted(actor: Actor, **changes: Any) -> int:
    return await work.run(workflow.draft, actor, await written(**changes))


async def written(**changes: Any) -> Manuscript:
    now: datetime = await clock.now()
    return cast.manuscript(now, **changes)


async def submitted(actor: Actor, **changes: Any) -> int:
    request_id = await drafted(actor, **changes)
    await submit(actor, request_id)
    return request_id


async def submit(actor: Actor, request_id: int, *, chief_check: bool = False, **changes: Any) -> str:
    version = (await desk.find(actor, request_id)).version
    attested = replace(ATTESTED, **changes)
    return await work.run(
        workflow.submit, actor, request_id, version, attested, minimum=MINIMUM, chief_check=chief_check
    )


async def approve(actor: Actor, request_id: int, seen: str | None = None, *, at_once: bool = False) -> int:
    """いまの内容(か `seen` の指紋)を見て承認する。"""
    seen = seen or (await desk.find(actor, request_id)).fingerprint
    return await work.run(review.approve, actor, request_id, seen, at_once=at_once, minimum=MINIMUM)


async def edit(actor: Actor, request_id: int, **changes: Any) -> Request:
    found = await desk.find(actor, request_id)
    return await work.run(workflow.edit, actor, request_id, found.version, await written(**changes))


async def withdraw(actor: Actor, request_id: int) -> None:
    found = await desk.find(actor, request_id)
    await work.run(workflow.withdraw, actor, request_id, found.version)


async def deliveries() -> list[dict[str, Any]]:
    return await work.sql("select source, state, approval_id from delivery order by id")


async def neighbours(keys: AddressKeys, count: int) -> None:
    await cast.crowd(keys, count, lambda _: Choices(purposes=Purpose.AREA, area=HONGO_3))


async def state_of(people: Cast, request_id: int) -> State:
    return (await desk.find(people.ito, request_id)).state


async def send_back(people: Cast, request_id: int, note: str = "会場の地図を付けてください。") -> None:
    version = (await desk.find(people.sato, request_id)).version
    await work.run(review.return_, people.sato, request_id, version, ReturnReason.UNCLEAR, note)
