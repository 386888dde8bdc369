"""`ward simulator`: 模擬LINEを一つのプロセスで動かす。api・api-data・access・liff のどのホスト名も、道だけで分かれる。"""

import argparse
import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException

from backend.errors import Refused
from backend.settings import Settings
from backend.simulator import (
    account_calls,
    alias_calls,
    answering,
    control,
    control_cast,
    insight_calls,
    login,
    login_api,
    message_calls,
    phone,
    richmenu_calls,
    servers,
    tls,
)
from backend.simulator.faults import Faults
from backend.simulator.hosts import Hosts
from backend.simulator.jobs import Jobs
from backend.simulator.ledger import Entry, Ledger
from backend.simulator.limits import Limits
from backend.simulator.permits import Permits
from backend.simulator.phone_diary import Diary
from backend.simulator.phone_side import PhoneSide
from backend.simulator.platform import Platform
from backend.simulator.richmenus import RichMenus
from backend.simulator.sign_in import SignIn
from backend.simulator.webhooks import Webhooks
from backend.simulator.wire import World

FILE = "simulator.sqlite"
ENDPOINTS = [
    *message_calls.endpoints,
    *richmenu_calls.endpoints,
    *alias_calls.endpoints,
    *account_calls.endpoints,
    *insight_calls.endpoints,
]


def main(arguments: Sequence[str] | None = None) -> None:
    """止められるまで動く。ポートが使われていれば `Refused`。"""
    options = _parser().parse_args(arguments)
    settings = Settings(data_dir=options.data_dir)
    world = make_world(settings, options.data_dir)
    app = Hosts(make_app(world), settings, options.ward_upstream)
    running = [servers.Server(servers.config(app, lifespan="on"), servers.bind(options.host, options.port))]
    words = [f"模擬LINE http://{options.host}:{running[0].port} データ {options.data_dir / FILE}"]
    if options.tls_port is not None:
        certificate = tls.prepare(options.data_dir / "tls", urlsplit(settings.public_url).hostname or "localhost")
        files = {"ssl_certfile": certificate.certificate, "ssl_keyfile": certificate.key}
        running.append(
            servers.Server(servers.config(app, lifespan="off", **files), servers.bind(options.host, options.tls_port))
        )
        words.append(f"TLS https://{options.host}:{running[1].port} SPKI {certificate.spki}")
    servers.run(running, words)


def make_world(settings: Settings, folder: Path) -> World:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    platform = Platform(folder / FILE)
    menus = RichMenus(platform)
    platform.db.executescript(message_calls.SCHEMA)
    ledger, webhooks = Ledger(platform), Webhooks(platform, settings)
    return World(
        settings=settings,
        platform=platform,
        ledger=ledger,
        menus=menus,
        webhooks=webhooks,
        jobs=Jobs(platform, menus),
        limits=Limits(platform),
        faults=Faults(platform),
        sign_in=SignIn(PhoneSide(platform, ledger, menus, webhooks), Permits(platform.db, platform.now), settings),
    )


def make_app(world: World) -> Litestar:
    diary = Diary(world.platform.db)
    given: dict[str, Any] = {
        "world": world,
        "sign_in": world.sign_in,
        "platform": world.sign_in.people,
        "diary": diary,
    }

    @contextlib.asynccontextmanager
    async def loops(_app: Litestar) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(world.webhooks.run()), asyncio.create_task(world.jobs.run())]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await world.webhooks.close()

    def unknown(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        """表にない呼び出し。LINEのAPIの道なら、呼ばれたことを台帳に残す。"""
        path = request.scope["path"]
        if path.startswith(("/v2/", "/oauth2/", "/user/", "/bot/")):
            world.ledger.record(Entry(f"{request.method} {path}", "", error.status_code))
        return Response({"message": "Not found"}, status_code=error.status_code)

    return Litestar(
        [
            *answering.routes(ENDPOINTS, world),
            *login.routes,
            *login_api.routes,
            *phone.routes,
            *control.routes,
            *control_cast.routes,
        ],
        dependencies={name: Provide(_giving(value), sync_to_thread=False) for name, value in given.items()},
        exception_handlers={NotFoundException: unknown, MethodNotAllowedException: unknown, Refused: _refused},
        after_exception=[_log_bug],
        lifespan=[loops],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,  # 大きすぎる本文は、LINEの言葉で413にする
    )


def _giving(value: Any) -> Any:
    def give() -> Any:
        return value

    return give


def _refused(_request: Request[Any, Any, Any], refused: Refused) -> Response[Any]:
    return Response({"message": refused.message, "next_step": refused.next_step}, status_code=400)


async def _log_bug(error: Exception, scope: Any) -> None:
    if not isinstance(error, Refused) and getattr(error, "status_code", 500) >= 500:
        logging.getLogger(__name__).error("%s %s", scope["method"], scope["path"], exc_info=error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ward simulator", description="LINE模擬環境を起動する", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--data-dir", type=Path, default=Path(".ward"))
    parser.add_argument("--tls-port", type=int, default=None, help="試験用のTLSのポート")
    parser.add_argument("--ward-upstream", default="", help="WARD_PUBLIC_URLのホスト名への頼みを取り次ぐ先")
    return parser


if __name__ == "__main__":
    main()
