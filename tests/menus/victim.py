"""殺される反映: 別のプロセスが反映を始め、LINEを変える呼び出しの n 回目の前か後で、自分を kill -9 する。"""

import asyncio
import os
import signal

os.environ.setdefault("PICCOLO_CONF", "backend.database.piccolo_conf")

from backend.line.gateway import Gateway
from backend.menus import apply, shown, versions
from backend.store.pool import close_pool, open_pool
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET
from tests.menus.making import WHERE, Mortal


def run(database_url: str, line_url: str, checksum: str, version_id: int, dies_at: int | None, after: bool) -> None:
    """`dies_at` がNoneなら、最後まで行う。"""
    asyncio.run(_run(database_url, line_url, checksum, version_id, dies_at, after))


async def _run(
    database_url: str, line_url: str, checksum: str, version_id: int, dies_at: int | None, after: bool
) -> None:
    await open_pool(database_url, size=4)
    gateway = Gateway(line_url, CHANNEL_ID, CHANNEL_SECRET)
    mortal = Mortal(gateway, dies_at, after=after, die=lambda: os.kill(os.getpid(), signal.SIGKILL))
    for tries in range(100, -1, -1):
        try:
            await apply.run(mortal, WHERE, checksum, None, [await versions.find(version_id)])
        except shown.Busy:  # 前に殺されたプロセスの錠を、データベースがまだ返していない
            if not tries:
                raise
            await asyncio.sleep(0.1)
        else:
            break
    await gateway.close()
    await close_pool()
