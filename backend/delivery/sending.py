"""一つの送信単位を、決着が付くまで送る。"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING
from uuid import uuid4

from backend.delivery import batches, outcomes
from backend.delivery.batches import Batch, People, Settled
from backend.delivery.outcomes import Again, Drop, OutOfQuota, Park, SlowDown
from backend.delivery.states import Reason
from backend.errors import LineError
from backend.line import message
from backend.line.gateway import Accepted
from backend.store import clock

if TYPE_CHECKING:
    from backend.delivery.engine import Sender

BROADCAST_RATE_SECONDS = 30.0
"""全員あては1時間に60回まで。速すぎると言われたら、これだけ待つ。"""
REFUSALS = 3
"""続けてこれだけ丸ごと断られたら、内容か設定が悪い。残りは見合わせにする。"""


class Call:
    """一つの送信単位の仕事。`unsure` は、結果の分からない試みがあったこと。"""

    def __init__(self, sender: Sender, batch: Batch) -> None:
        self._sender = sender
        self._batch = batch
        self._load = sender.load(batch)
        self._unsure = batch.tries > 0
        self._tries = 0

    async def run(self) -> None:
        """決着が付くか、返すまで。"""
        while True:
            if not self._load.everyone:
                await self._sender.bucket.take(self._load.priority)
            seconds = await self._attempt() if self._sender.may(self._batch) else await self._give_back()
            if seconds is None:
                return
            if seconds:
                await self._sender.rest(seconds)

    async def _attempt(self) -> float | None:
        """一度試す。決着が付けばNone、まだなら待つ秒数。"""
        batch = self._batch
        people = await self._people()
        if self._unsure and people.now - batch.first_tried_at > outcomes.KEY_LIFE:
            return await self._settle("unknown", answer="再試行の鍵が20時間を過ぎました")
        if not self._load.everyone:
            if not people.numbers:
                return await self._nobody()
            gone = len(batch.numbers) - len(people.numbers)
            if gone and not self._unsure and not await self._narrow(people.numbers, excluded=gone):
                return None
        if not self._sender.may(batch):
            return await self._give_back()
        self._sender.watch("calling", batch)
        try:
            accepted = await self._call(people)
        except LineError as error:
            self._sender.watch("answered", batch)
            return await self._failed(error, people)
        self._sender.watch("answered", batch)
        return await self._accepted(accepted, people.numbers)

    async def _people(self) -> People:
        if self._load.clause is None:
            return People(await clock.now(), [], [])
        return await batches.people(self._batch, self._load.clause)

    async def _call(self, people: People) -> Accepted:
        batch, load, gateway = self._batch, self._load, self._sender.gateway
        messages = load.bodies[batch.language]
        self._tries += 1
        if load.everyone:
            return await gateway.broadcast(message.broadcast_body(messages, load.silent), batch.retry_key)
        ids = self._sender.keys.open_all(people.ciphers)
        return await gateway.multicast(message.multicast_body(ids, messages, load.silent), batch.retry_key)

    async def _accepted(self, accepted: Accepted, included: list[int]) -> None:
        """200はこの試みの宛先、409はその返事の試みの宛先が、受け付けられた人。"""
        numbers = self._batch.attempts.get(accepted.request_id, self._batch.numbers) if accepted.already else included
        self._load.refusals = 0
        await self._settle("accepted", numbers, request_id=accepted.request_id)

    async def _failed(self, error: LineError, people: People) -> float | None:
        batch = self._batch
        step = outcomes.next_step(error, ambiguous=self._unsure, people=len(people.numbers), dropped=batch.dropped)
        match step:
            case Again():
                self._unsure = True
                if error.request_id:
                    batch.attempts[error.request_id] = people.numbers
                return outcomes.pause(self._tries, random.random())  # noqa: S311  ばらつきだけ
            case SlowDown():
                self._sender.bucket.drain()
                return BROADCAST_RATE_SECONDS if self._load.everyone else outcomes.pause(1, random.random())  # noqa: S311
            case Drop(position=position):
                batch.dropped += 1
                kept = people.numbers[:position] + people.numbers[position + 1 :]
                return 0.0 if await self._narrow(kept, refused=1) else None
            case OutOfQuota():
                await self._give_back()
                return await self._sender.hold(batch.delivery_id, Reason.QUOTA)
            case Park():
                return await self._settle("unknown", request_id=error.request_id, answer=_answer(error))
            case _:
                return await self._refused(error)

    async def _refused(self, error: LineError) -> None:
        await self._settle("refused", request_id=error.request_id, answer=_answer(error))
        self._load.refusals += 1
        if error.status in (401, 403) or self._load.refusals >= REFUSALS:
            await self._sender.hold(self._batch.delivery_id, Reason.REFUSED)

    async def _nobody(self) -> None:
        """宛先がだれも残っていない。試していなければ全員が対象外、試していれば確かめようがない。"""
        if self._unsure:
            return await self._settle("unknown", answer="確かめる前に、全員が同意を取りやめました")
        return await self._settle("accepted", [])

    async def _narrow(self, kept: list[int], *, excluded: int = 0, refused: int = 0) -> bool:
        key = uuid4() if refused else self._batch.retry_key
        return await batches.narrow(
            self._sender.tenure.epoch, self._batch, kept, excluded=excluded, refused=refused, key=key
        )

    async def _give_back(self) -> None:
        await batches.give_back(self._sender.tenure.epoch, self._batch, untouched=not self._unsure)

    async def _settle(
        self, state: str, numbers: list[int] | None = None, *, request_id: str = "", answer: str = ""
    ) -> None:
        batch = self._batch
        accepted = refused = excluded = 0
        if batch.size is not None:
            refused, excluded = batch.refused, batch.excluded
            if state == "accepted":
                accepted = len(numbers or [])
                excluded = batch.size - refused - accepted
            elif state == "refused":
                refused = batch.size - excluded
        changed = numbers if numbers is not None and len(numbers) != len(batch.numbers) else None
        await self._sender.settling.add(
            Settled(batch.delivery_id, batch.position, state, accepted, refused, excluded, changed, request_id, answer)
        )


def _answer(error: LineError) -> str:
    """人に見せる、LINEの返事の要点。人を指す値は入っていない。"""
    return f"{error.status or '返事なし'} {error.message}"[:300]
