"""送り手の座: 一度に一人。鼓動が止まれば、控えが座を取り返す(DESIGN 4)。"""

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from typing import Any

from backend.store.pool import DB

LOCK = 4_131_060  # 送り手の座の印(値に意味はない)
BEAT_SECONDS = 1.0
LEASE_SECONDS = 4.0
"""最後の鼓動からこれを過ぎたら、送り手は自分から呼び出しをやめる。"""
SILENT_SECONDS = 6.0
"""最後の鼓動からこれを過ぎたら、控えが送り手の接続を切る。LEASE_SECONDS より長いので、二人が同時に呼ぶことはない。"""
STANDBY_SECONDS = 0.2
SESSION = "ward-worker-"
"""`worker` の接続の名の頭。送り手のすべての接続を見分けて切るためのもの。"""
log = logging.getLogger(__name__)


class Deposed(Exception):
    """座を失った。続けてはならない。"""


@dataclass
class Tenure:
    """座にある間。`epoch` は座に着くたびに増える番号で、どの書き込みもこれを確かめる。"""

    epoch: int
    connection: Any
    until: float

    @property
    def held(self) -> bool:
        return time.monotonic() < self.until

    async def beat(self) -> None:
        """座を失うまで鼓動を打ち続ける。失ったら `Deposed`。"""
        while True:
            started = time.monotonic()
            mine = await self.connection.fetchval(
                "update delivery_sender set beat_at = clock_timestamp() where epoch = $1 returning true",
                self.epoch,
                timeout=LEASE_SECONDS,
            )
            if not mine:
                raise Deposed
            self.until = started + LEASE_SECONDS
            await asyncio.sleep(BEAT_SECONDS)

    def leave(self) -> None:
        """接続を閉じて座を空ける。"""
        self.until = 0.0
        self.connection.terminate()


async def stand_by(stopping: asyncio.Event) -> Tenure | None:
    """座が空くまで控え、着く。止められたらNone。"""
    connection: Any = await DB.get_new_connection()
    try:
        while not stopping.is_set():
            started = time.monotonic()
            if await connection.fetchval("select pg_try_advisory_lock($1)", LOCK):
                epoch: int = await connection.fetchval(_TAKE)
                log.info("送り手になりました(%d)", epoch)
                tenure, connection = Tenure(epoch, connection, started + LEASE_SECONDS), None
                return tenure
            if await connection.fetchval(_END_SILENT, LOCK, SILENT_SECONDS, SESSION):
                log.warning("黙った送り手の接続を切りました")
            else:
                await _pause(stopping)
        return None
    finally:
        if connection:
            connection.terminate()


async def _pause(stopping: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STANDBY_SECONDS):
            await stopping.wait()


_TAKE = """
update delivery_sender set epoch = epoch + 1, pid = pg_backend_pid(), session = current_setting('application_name'),
  beat_at = clock_timestamp() returning epoch
"""
# 座を握ったまま黙っている接続と、同じ送り手のほかの接続。実時間で見る: 業務の時計は進められる。
_END_SILENT = """
with silent as (
  select s.pid, s.session from delivery_sender s
  join pg_locks l on l.pid = s.pid and l.locktype = 'advisory' and l.objid = $1 and l.granted
  where s.beat_at < clock_timestamp() - make_interval(secs => $2)
)
select count(pg_terminate_backend(a.pid)) from silent s join pg_stat_activity a
  on a.pid = s.pid or (starts_with(s.session, $3) and a.application_name = s.session)
"""
