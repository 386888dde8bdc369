"""送り手: 座に着いている間、送信単位をLINEに渡し続ける。何度殺されても、だれにも二度送らない(DESIGN 8, CHECKS I1)。

一つの送信単位は「鍵と時刻を書き留める → いまの同意で宛先を引く → 呼ぶ → 決着を書く」。どこで殺されても、次の送り手が
同じ鍵でもう一度呼び、LINEが409で答えれば、前の試みが受け付けられていたと分かる。
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from backend.account import state as account
from backend.delivery import batches, freeze, lease, loads, outbox, planner
from backend.delivery.batches import Batch
from backend.delivery.bucket import Bucket
from backend.delivery.lease import Tenure
from backend.delivery.loads import Load
from backend.delivery.sending import Call
from backend.delivery.settling import Settling
from backend.delivery.states import Reason
from backend.errors import Refused, Unavailable
from backend.line import limits
from backend.line.gateway import Gateway
from backend.residents.address import AddressKeys
from backend.store import listen, work
from backend.store.pool import LOST

CLAIM = 20
CONCURRENCY = 60
WEATHER = 8
"""結果の分からない送信単位がこれだけ待っていたら、緊急のほかは新しく取り分けない。"""
FREEZING = 3
DRAIN_SECONDS = 8.0
log = logging.getLogger(__name__)
Watch = Callable[[str, Batch | None], None]


def _unwatched(_point: str, _batch: Batch | None) -> None:
    return


async def serve(
    gateway: Gateway,
    keys: AddressKeys,
    stopping: asyncio.Event,
    *,
    minimum: int,
    per_second: float = limits.MULTICASTS_PER_SECOND,
    watch: Watch = _unwatched,
) -> None:
    """座が空くのを待ち、着いている間は送り続ける。座を失うか、止められたら戻る。"""
    tenure = await lease.stand_by(stopping)
    if tenure:
        try:
            await Sender(tenure, gateway, keys, minimum, Bucket(per_second), watch).run(stopping)
        finally:
            tenure.leave()


class Sender:
    """座にある一人。`watch` は試験が節目ごとに呼ばれるところ。"""

    def __init__(
        self,
        tenure: Tenure,
        gateway: Gateway,
        keys: AddressKeys,
        minimum: int,
        bucket: Bucket,
        watch: Watch = _unwatched,
    ) -> None:
        self.tenure = tenure
        self.gateway = gateway
        self.keys = keys
        self.bucket = bucket
        self.watch = watch
        self.settling = Settling(tenure.epoch, watch)
        self._minimum = minimum
        self._open: set[int] = set()
        self._loads: dict[int, Load] = {}
        self._flying: dict[tuple[int, int], asyncio.Task[None]] = {}
        self._opening: dict[int, asyncio.Task[None]] = {}
        self._resting = 0
        self._draining = asyncio.Event()
        self._wake, self._replan = asyncio.Event(), asyncio.Event()
        self._turn = asyncio.Lock()
        self._urgent = False

    async def run(self, stopping: asyncio.Event) -> None:
        """止められるまで動く。どの仕事が倒れても全体を終える: 途中の試みは、次の送り手が同じ鍵で確かめる。"""
        async with listen.listening(outbox.CHANNEL, account.CHANNEL) as heard:
            jobs = [
                asyncio.create_task(job)
                for job in (self.tenure.beat(), self._hear(heard), self._plan(), self._pump(), self.settling.run())
            ]
            asked = asyncio.create_task(stopping.wait())
            try:
                done, _ = await asyncio.wait([asked, *jobs], return_when=asyncio.FIRST_COMPLETED)
                if asked in done:
                    await self._drain()
                for job in done:
                    job.result()
            finally:
                await cancel([asked, *jobs, *self._flying.values(), *self._opening.values()])

    def may(self, batch: Batch) -> bool:
        """いま呼んでよいか。呼び出しの直前にいつも確かめる。"""
        return batch.delivery_id in self._open and self.tenure.held and not self._draining.is_set()

    def load(self, batch: Batch) -> Load:
        return self._loads[batch.delivery_id]

    async def rest(self, seconds: float) -> None:
        """間を置く。その間は手がふさがっていないことにする。"""
        self._resting += 1
        try:
            await _wait(self._draining, seconds)
        finally:
            self._resting -= 1

    async def hold(self, delivery_id: int, reason: Reason) -> None:
        """残りを見合わせにする。"""
        self._open.discard(delivery_id)
        if await work.run(freeze.hold, delivery_id, reason):
            log.warning("配信%dを見合わせました(%s)", delivery_id, reason.value)

    # ── 段取り ──

    async def _hear(self, heard: "asyncio.Queue[tuple[str, str]]") -> None:
        while True:
            if await heard.get() == listen.LOST_CONNECTION:
                raise lease.Deposed
            self._replan.set()

    async def _plan(self) -> None:
        while True:
            self._replan.clear()
            seen = await work.run(planner.survey)
            for delivery_id in seen.sending - self._loads.keys():
                await self._read(delivery_id)
            self._open = seen.sending & self._loads.keys()
            self._urgent = self._urgent or seen.urgent
            self._wake.set()
            for delivery_id, urgent in seen.due:
                self._begin(delivery_id, urgent)
            await planner.close({key[0] for key in self._flying})
            self._forget()
            wait = (seen.next_at - seen.now).total_seconds() if seen.next_at else 1.0
            await _wait(self._replan, max(0.0, min(1.0, wait)))

    def _begin(self, delivery_id: int, urgent: bool) -> None:
        # 大きな確定がいくつ続いていても、緊急は待たない。
        if delivery_id not in self._opening and (urgent or len(self._opening) < FREEZING):
            task = asyncio.create_task(self._open_one(delivery_id))
            self._opening[delivery_id] = task
            task.add_done_callback(lambda _: (self._opening.pop(delivery_id, None), self._replan.set()))

    async def _open_one(self, delivery_id: int) -> None:
        try:
            await work.run(freeze.freeze, delivery_id, self._minimum)
            await planner.start(delivery_id, self.gateway, self._turn)
        except Exception:  # 一つの予約の誤りで、ほかの配信を止めない。何も送られず、次の見渡しでやり直す。
            log.exception("配信%dを始められませんでした", delivery_id)
            await asyncio.sleep(1)

    async def _read(self, delivery_id: int) -> None:
        try:
            self._loads[delivery_id] = await loads.read(delivery_id)
        except Refused as refused:
            unapproved = isinstance(refused, loads.Unapproved)
            await self.hold(delivery_id, Reason.UNAPPROVED if unapproved else Reason.UNREADABLE)

    def _forget(self) -> None:
        flying = {key[0] for key in self._flying}
        for delivery_id in [known for known in self._loads if known not in self._open and known not in flying]:
            del self._loads[delivery_id]

    # ── 送る ──

    async def _pump(self) -> None:
        while True:
            self._wake.clear()
            room = CONCURRENCY - (len(self._flying) - self._resting)
            stormy = room < CLAIM or self._resting >= WEATHER
            idle = self._draining.is_set() or not self.tenure.held or (stormy and not self._urgent)
            claimed = [] if idle else await self._claim(stormy)
            for batch in claimed:
                self._launch(batch)
            if not claimed:
                await _wait(self._wake, 1.0)

    async def _claim(self, urgent_only: bool) -> list[Batch]:
        delivery_id = await batches.waiting(self.tenure.epoch, urgent_only)
        if delivery_id is None or delivery_id not in self._open:
            self._urgent = self._urgent and not urgent_only
            return []
        self.watch("claiming", None)
        claimed = await work.run(batches.claim, self.tenure.epoch, delivery_id, CLAIM)
        self.watch("claimed", None)
        return claimed

    def _launch(self, batch: Batch) -> None:
        task = asyncio.create_task(self._fly(batch))
        self._flying[batch.key] = task
        task.add_done_callback(lambda done: self._landed(batch, done))

    async def _fly(self, batch: Batch) -> None:
        try:
            await Call(self, batch).run()
        except (lease.Deposed, Unavailable, *LOST):
            raise
        except Exception:  # 思わぬ誤りは、その配信だけを見合わせにする: 緊急まで巻き込まない。
            log.exception("送信単位 %s の途中で誤りがありました", batch.key)
            await batches.give_back(self.tenure.epoch, batch, untouched=False)
            await self.hold(batch.delivery_id, Reason.BROKEN)

    def _landed(self, batch: Batch, task: "asyncio.Task[None]") -> None:
        self._flying.pop(batch.key, None)
        if not task.cancelled() and task.exception():
            # データベースか座を失い、結果は書かれていない。座を降り、次に着いた送り手が同じ鍵で確かめる。
            log.warning("送信単位 %s の結果を書けませんでした(%s)", batch.key, type(task.exception()).__name__)
            self.settling.fail(lease.Deposed())
        if CONCURRENCY - (len(self._flying) - self._resting) >= CLAIM or not self._flying:
            self._wake.set()
        if batch.delivery_id not in self._open:
            self._replan.set()

    async def _drain(self) -> None:
        """新しい呼び出しをやめ、出ている呼び出しの返事だけを待つ。"""
        self._draining.set()
        deadline = time.monotonic() + DRAIN_SECONDS
        while self._flying and time.monotonic() < deadline:
            await asyncio.wait(list(self._flying.values()), timeout=deadline - time.monotonic())
        await self.settling.flush()


async def _wait(event: asyncio.Event, seconds: float) -> None:
    # wait_for は、事が起きたのと同時の取消しを飲み込むことがある(Python 3.11)。
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def cancel(tasks: "list[asyncio.Task[Any]]") -> None:
    """すべて終わるまで取り消す。一度の取消しは、asyncpgの中の wait_for が飲み込むことがある(Python 3.11)。"""
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=0.1)
