"""組み立て: 扉とテンプレートとデータベースをつなぐ、ただ一つの場所。"""

import asyncio
import contextlib
import importlib
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from jinja2 import pass_context
from jinja2.runtime import Context
from litestar import Litestar, MediaType, Request, Response, get
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.response import Redirect
from litestar.static_files import create_static_files_router
from litestar.template import TemplateConfig
from litestar.types import ControllerRouterHandler
from markupsafe import Markup

from backend.database import migrating
from backend.errors import Unavailable
from backend.home import public
from backend.permissions import Actor
from backend.residents import erasure
from backend.residents.address import AddressKeys
from backend.settings import Mode, Settings
from backend.staff.guard import find_actor
from backend.store import listen, work
from backend.store.pool import DB, LOST, SERVICE_SECONDS, close_pool, open_pool
from backend.web import errors, render, security

ROOT = Path(__file__).parent
LIFF_DIST = ROOT.parent / "liff_static" / "dist"
WARM = 8  # 起きるときに開けておく接続の数
DOORS = (
    "audit.console",
    "consent.public",
    "delivery.console",
    "delivery.stop_console",
    "home.console",
    "home.health",
    "home.public",
    "links.console",
    "links.public",
    "menus.artwork_console",
    "menus.console",
    "menus.editor_console",
    "menus.events_console",
    "menus.public",
    "menus.review_console",
    "messages.console",
    "messages.public",
    "messages.reminder_console",
    "messages.review_console",
    "residents.console",
    "residents.incident_console",
    "residents.liff",
    "residents.liff_pages",
    "residents.notices_console",
    "residents.webhook",
    "segments.console",
    "staff.console",
    "staff.changes_console",
    "staff.factor_console",
)


def create_app(
    settings: Settings, line: Any, *, more_routes: Sequence[ControllerRouterHandler] = (), pool_size: int = 10
) -> Litestar:
    """`DATABASE_URL` の束を開き、すべての扉を並べたアプリケーション。`line` は `Gateway`。"""
    keys = AddressKeys.from_settings(settings)
    return Litestar(
        route_handlers=[healthz, readyz, *_static(), *_doors(), *more_routes],
        guards=[security.console_guard(settings, find_actor)],
        state=State({"secure_cookies": settings.secure_cookies}),
        dependencies={
            "actor": Provide(_actor, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
            "line": Provide(lambda: line, sync_to_thread=False),
            "keys": Provide(lambda: keys, sync_to_thread=False),
        },
        exception_handlers={kind: public.warned(handle) for kind, handle in errors.handlers().items()},
        before_send=[security.security_headers(settings), public.in_language],
        template_config=TemplateConfig(instance=_templates(settings)),
        compression_config=CompressionConfig(backend="gzip", minimum_size=1000, exclude=["/console/.*/events"]),
        before_request=_before(settings),
        lifespan=[_database(settings, line, pool_size, keys)],
        request_max_body_size=2_000_000,
        openapi_config=None,
        logging_config=None,
        pdb_on_exception=False,
    )


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """開いたままの画面の流れを先に終える。終えなければ、入れ替えのたびに猶予の終わりまで待つことになる。"""
        listen.end_all()
        await super().shutdown(sockets)


def run(app: Litestar, host: str, port: int, trusted_proxies: Sequence[str]) -> None:
    """止められるまで動かす。"""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        proxy_headers=bool(trusted_proxies),
        forwarded_allow_ips=list(trusted_proxies) or None,
        log_level="warning",
    )
    server = _Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        raise SystemExit(3)


@get("/healthz", media_type=MediaType.TEXT)
async def healthz() -> str:
    """プロセスが生きている。"""
    return "ok"


@get("/readyz", media_type=MediaType.TEXT)
async def readyz() -> Response[str]:
    """データベースに届き、移行が済んでいる。"""
    try:
        waiting = await migrating.pending()
    except (*LOST, TimeoutError):
        return Response("データベースにつながりません", status_code=503)
    if waiting:
        return Response(f"済んでいない移行があります: {len(waiting)}件", status_code=503)
    return Response("ready")


def _doors() -> list[ControllerRouterHandler]:
    return [route for name in DOORS for route in importlib.import_module(f"backend.{name}").routes]


def _static() -> list[ControllerRouterHandler]:
    LIFF_DIST.mkdir(parents=True, exist_ok=True)
    return [
        create_static_files_router("/static", [ROOT / "static"], name="static"),
        create_static_files_router("/assets", [LIFF_DIST], name="assets"),
    ]


def _templates(settings: Settings) -> Any:
    @pass_context
    def csrf_field(context: Context) -> Markup:
        token = getattr(context["request"].state, "csrf", "")
        return Markup('<input type="hidden" name="csrf" value="{}">').format(token)

    return render.engine(settings=settings, mode=settings.mode, csrf_field=csrf_field)


def _actor(request: Request[Any, Any, Any]) -> Actor:
    return request.state.actor


def _before(settings: Settings) -> Any:
    async def before(request: Request[Any, Any, Any]) -> Response[Any] | None:
        if settings.mode is Mode.DEMO and (moved := _one_host(request)):
            return moved
        await public.with_warning(request)
        return None

    return before


def _one_host(request: Request[Any, Any, Any]) -> Response[Any] | None:
    """お試しでは localhost を 127.0.0.1 に寄せる。混ざると模擬LINEと別のサイトになり、クッキーが届かない。"""
    if request.url.hostname == "localhost" and request.method == "GET":
        url = request.url.with_replacements(netloc=f"127.0.0.1:{request.url.port or 80}")
        return Redirect(str(url), status_code=307)
    return None


async def _warm(keys: AddressKeys) -> None:
    """起き直した直後の住民とLINEを待たせない: 接続と、文と型の読み込みを、空の一通で先に済ませる。"""
    with contextlib.suppress(Unavailable, TimeoutError, *LOST):  # 支度ができなくても、起きることは起きる
        await asyncio.gather(*(work.run(erasure.settle, keys, ()) for _ in range(WARM)))


def _database(settings: Settings, line: Any, pool_size: int, keys: AddressKeys) -> Any:
    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        opened = DB.pool is None
        if opened:
            assert settings.database_url is not None
            await open_pool(settings.database_url.get_secret_value(), size=pool_size, patience=SERVICE_SECONDS)
        await _warm(keys)
        try:
            yield
        finally:
            await line.close()
            if opened:
                await close_pool()

    return lifespan
