"""殺される送り手: 標準入力の一行ごとに、分かれて送り手になる。節目の n 回目で自分を kill -9 する。

読み込みは一度だけで済むので、節目をすべて試しても速い。親が消えれば、みな消える。
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
from typing import Any

os.environ.setdefault("PICCOLO_CONF", "backend.database.piccolo_conf")

from backend.delivery import engine, lease
from backend.errors import Unavailable
from backend.line import limits
from backend.line.gateway import Gateway
from backend.residents.address import AddressKeys
from backend.settings import Settings
from backend.store.pool import LOST, open_pool

_LIBC = ctypes.CDLL(None)


def main() -> None:
    if "--once" in sys.argv:
        asyncio.run(send(json.loads(sys.stdin.readline())))
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _LIBC.prctl(1, signal.SIGKILL)
            asyncio.run(send(json.loads(line)))
            os._exit(0)
        print(pid, flush=True)


async def send(wanted: dict[str, Any]) -> None:
    settings = Settings.model_validate(wanted["settings"])
    seen = 0
    per_second = wanted.get("per_second", limits.MULTICASTS_PER_SECOND)

    def watch(point: str, _batch: Any) -> None:
        nonlocal seen
        if point == wanted["point"]:
            seen += 1
            if seen == wanted["nth"]:
                os.kill(os.getpid(), signal.SIGKILL)

    assert settings.database_url
    name = f"{lease.SESSION}victim{os.getpid()}"
    await open_pool(f"{settings.database_url.get_secret_value()}&application_name={name}", size=8)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    gateway = Gateway.from_settings(settings)
    while not stopping.is_set():
        try:
            await engine.serve(
                gateway, AddressKeys.from_settings(settings), stopping, minimum=1, watch=watch, per_second=per_second
            )
        except (lease.Deposed, Unavailable, *LOST):
            await asyncio.sleep(0.2)
    await gateway.close()


if __name__ == "__main__":
    main()
