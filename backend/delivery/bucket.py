"""速度: LINEと同じトークンバケツを、送り手の中に持つ(LINE.md 1: 毎秒200回、チャネルごと)。"""

import asyncio
import heapq
import itertools

from backend.line import limits


class Bucket:
    """`take` は一回分を待って受け取る。緊急(優先0)は、待っている列を追い越す。

    空から始まる: 前の送り手が使い切ったところかもしれない。
    """

    def __init__(self, per_second: float = limits.MULTICASTS_PER_SECOND, capacity: float | None = None) -> None:
        self._rate = per_second
        self._capacity = per_second if capacity is None else capacity
        self._tokens = 0.0
        self._at: float | None = None
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, priority: int) -> None:
        self._refill()
        if self._tokens >= 1 and not self._queue:
            self._tokens -= 1
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._queue, (priority, next(self._order), waiting))
        self._arm()
        await waiting

    def drain(self) -> None:
        """LINEに速すぎると言われた。こちらの数え方を空に合わせる。"""
        self._refill()
        self._tokens = min(self._tokens, 0.0)

    def _refill(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._at is not None:
            self._tokens = min(self._capacity, self._tokens + (now - self._at) * self._rate)
        self._at = now

    def _arm(self) -> None:
        if self._timer is None and self._queue:
            wait = max(0.0, (1 - self._tokens) / self._rate)
            self._timer = asyncio.get_running_loop().call_later(wait, self._hand_out)

    def _hand_out(self) -> None:
        self._timer = None
        self._refill()
        # 浮動小数の端数で、ちょうどの時刻に起きても1に届かないことがある。
        while self._queue and self._tokens >= 1 - 1e-6:
            _, _, waiting = heapq.heappop(self._queue)
            if not waiting.done():
                self._tokens -= 1
                waiting.set_result(None)
        self._arm()
