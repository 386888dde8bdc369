"""決着をまとめて書く: 一つずつでは確定の回数がLINEの速さに追い付かない。書く前に殺されても、409で同じ決着に着く。"""

import asyncio
import time
from collections.abc import Callable

from backend.delivery import accounts, batches, outbox
from backend.delivery.batches import Batch, Settled
from backend.delivery.lease import Deposed
from backend.store import listen, work

GATHER_SECONDS = 0.02
NOTICE_SECONDS = 0.25


class Settling:
    def __init__(self, epoch: int, watch: Callable[[str, Batch | None], None]) -> None:
        self._epoch = epoch
        self._watch = watch
        self._waiting: list[tuple[Settled, asyncio.Future[None]]] = []
        self._some = asyncio.Event()
        self._noticed: dict[int, float] = {}
        self._failure: Exception | None = None

    async def add(self, one: Settled) -> None:
        """書かれるまで待つ。"""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, written))
        self._some.set()
        await written

    def fail(self, error: Exception) -> None:
        """全体を終わらせる。"""
        self._failure = error
        self._some.set()

    async def run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            if self._failure:
                raise self._failure
            await asyncio.sleep(GATHER_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """たまった決着を一つの取引で書く。座を失っていたら `Deposed`。"""
        taken, self._waiting = self._waiting, []
        if not taken:
            return
        self._watch("settling", None)
        ended = await work.run(_write, self._epoch, [one for one, _ in taken], self._noticeable(taken))
        self._watch("settled", None)
        for delivery_id in ended:
            self._noticed.pop(delivery_id, None)
        for _, written in taken:
            if not written.done():
                written.set_result(None)

    def _noticeable(self, taken: list[tuple[Settled, asyncio.Future[None]]]) -> list[int]:
        """画面に知らせる配信。一つの配信につき毎秒4回まで。"""
        now = time.monotonic()
        due = {one.delivery_id for one, _ in taken if now - self._noticed.get(one.delivery_id, 0.0) >= NOTICE_SECONDS}
        self._noticed.update(dict.fromkeys(due, now))
        return sorted(due)


async def _write(epoch: int, done: list[Settled], noticeable: list[int]) -> list[int]:
    """決着を書き、終わった配信の番号を返す。"""
    written = await batches.settle(epoch, done)
    if len(written) < len(done):
        raise Deposed
    ended = [one for one in sorted({s.delivery_id for s in done}) if await accounts.complete(one)]
    for delivery_id in noticeable:
        await listen.notify(outbox.MOVED, str(delivery_id))
    return ended
