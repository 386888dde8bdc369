"""時計の輪: 配信の送り手と、決まった間隔の仕事を動かし続け、SIGTERMで静かに終わる。"""

import asyncio
import contextlib
import importlib
import logging
import signal
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from backend.audit import seal
from backend.delivery import alarms, engine, lease, retention
from backend.errors import Unavailable
from backend.line.gateway import Gateway
from backend.links import dead, health
from backend.menus import watching
from backend.residents.address import AddressKeys
from backend.settings import Settings
from backend.store import clock
from backend.store.pool import LOST, SERVICE_SECONDS, close_pool, open_pool

POOL_SIZE = 16
RESTART_SECONDS = 0.5
GRACE_SECONDS = 2.0
"""止められてから、途中の定時の仕事を待つ秒。過ぎたら取り消す: どの仕事も、どこで殺されてもよい。"""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shift:
    """一つのプロセスの間、仕事に渡すもの。"""

    settings: Settings
    gateway: Gateway
    keys: AddressKeys


@dataclass(frozen=True)
class Job:
    """`every` 秒ごとに `verb(shift)` を行う。二つのプロセスで同時に行われても害のない仕事だけを置く。"""

    name: str
    every: float
    verb: Callable[[Shift], Awaitable[Any]]


def _later(path: str, *names: str) -> Callable[[Shift], Awaitable[Any]]:
    """`backend.` の下の動詞。引数は `Shift` の欄の名(`keys`、`gateway`、`settings`)。使うときに読み込む。"""
    module, _, verb = path.partition(":")

    async def run(shift: Shift) -> Any:
        call = getattr(importlib.import_module(f"backend.{module}"), verb)
        return await call(*(getattr(shift, name) for name in names))

    return run


async def _alarms(shift: Shift) -> None:
    await alarms.watch(shift.settings, [*await dead.ringing(), *await watching.ringing()])


async def _forget(_shift: Shift) -> None:
    await retention.forget_references()


async def _seal(shift: Shift) -> None:
    await seal.tick(shift.settings.data_dir)


async def _links(_shift: Shift) -> None:
    await health.tick(await clock.now())


MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
JOBS: tuple[Job, ...] = (
    Job("知らせ", 2.0, _alarms),
    Job("封", 1.0, _seal),
    Job("リンクの点検", 20.0, _links),
    Job("参照を消す", HOUR, _forget),
    Job("メニューの切り替え", 0.5, _later("menus.schedule:turn", "gateway", "settings")),
    Job("メニュー", 1.0, _later("menus.schedule:tick", "gateway", "settings")),
    Job("メニューの見張り", 300.0, _later("menus.watching:look", "gateway", "settings")),
    Job("期限の来た同意", 10.0, _later("residents.erasure:sweep", "keys")),
    Job("友だちとの照らし合わせ", HOUR, _later("residents.followers:weekly", "keys", "gateway")),
    Job("職員の変更", 30.0, _later("staff.changes:apply_due")),
    Job("消去の記録の片付け", DAY, _later("residents.journal:prune", "keys")),
)
"""部屋の定時の仕事は、ここに一行ずつ並べる。"""


async def run(settings: Settings, gateway: Gateway) -> None:
    """止められる(SIGTERM・SIGINT)まで動く。出ている呼び出しの返事を待ってから戻る。"""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stopping.set)
    assert settings.database_url
    await open_pool(_named(settings.database_url.get_secret_value()), size=POOL_SIZE, patience=SERVICE_SECONDS)
    shift = Shift(settings, gateway, AddressKeys.from_settings(settings))
    jobs = [asyncio.create_task(_repeat(job, shift, stopping)) for job in JOBS]
    try:
        await _send(shift, stopping)
        await asyncio.wait(jobs, timeout=GRACE_SECONDS)
    finally:
        await engine.cancel(jobs)
        await gateway.close()
        await close_pool()


async def _send(shift: Shift, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await engine.serve(shift.gateway, shift.keys, stopping, minimum=shift.settings.minimum_audience)
        except (lease.Deposed, Unavailable, *LOST) as error:
            log.warning("送り手の座を降りました(%s)。控えに戻ります", type(error).__name__)
            await _pause(stopping, RESTART_SECONDS)
        except Exception:
            log.exception("送り手が倒れました。立て直します")
            await _pause(stopping, RESTART_SECONDS)


async def _repeat(job: Job, shift: Shift, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            await job.verb(shift)
        except (Unavailable, *LOST) as error:
            log.warning("%s: データベースに届きません(%s)", job.name, type(error).__name__)
        except Exception:
            log.exception("%s: できませんでした。次の回にやり直します", job.name)
        await _pause(stopping, job.every)


async def _pause(stopping: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


def _named(dsn: str) -> str:
    """接続に名を付ける。黙った送り手のすべての接続を、控えが見分けて切れるように。"""
    name = urlencode({"application_name": f"{lease.SESSION}{uuid.uuid4().hex[:12]}"})
    return f"{dsn}{'&' if '?' in dsn else '?'}{name}"
