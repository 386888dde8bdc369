"""アプリケーションの道から、画面を返す扉を集める。新しい画面が試験に漏れれば、落ちる。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from litestar import Litestar


def routes(app: Litestar) -> list[str]:
    """画面(Template)を返すGETの道の型。例: `/console/messages/{request_id:int}`。"""
    return sorted(
        {
            route.path
            for route in app.routes
            for handler in getattr(route, "route_handlers", ())
            if "GET" in getattr(handler, "http_methods", ()) and "Template" in str(_answer(handler))
        }
    )


def of_console(app: Litestar) -> list[str]:
    return [path for path in routes(app) if path.startswith("/console")]


def of_residents(app: Litestar) -> list[str]:
    return [path for path in routes(app) if path.startswith("/liff")]


def of_public(app: Litestar) -> list[str]:
    return [path for path in routes(app) if not path.startswith(("/console", "/liff"))]


def _answer(handler: Any) -> Any:
    return handler.parsed_return_field.annotation
