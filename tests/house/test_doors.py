"""扉: コンソールのどの道も権限を宣言し、道は黙って増えも消えもしない。"""

from collections.abc import Iterator

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from backend.app import create_app
from backend.permissions import Permission
from backend.settings import Settings

OPEN = {"/console/sign-in", "/console/sign-in/code", "/console/invitation/{token:str}"}
PROMISED = {
    "/", "/verify", "/verify/{number:str}", "/menu", "/privacy", "/policy", "/accessibility", "/liff", "/liff/session", "/line/webhook",
    "/healthz", "/readyz", "/statusz", "/metrics", "/console", "/console/messages/new", "/console/review", "/console/deliveries",
    "/console/segments", "/console/menus", "/console/links", "/console/audit", "/console/staff",
}  # fmt: skip


class NoLine:
    """扉を並べるだけなので、LINEには触れない。"""

    async def close(self) -> None: ...


def app(settings: Settings) -> Litestar:
    return create_app(settings, NoLine())


def _handlers(settings: Settings) -> Iterator[tuple[str, HTTPRouteHandler]]:
    for route in app(settings).routes:
        for handler in getattr(route, "route_handlers", []):
            if handler.http_methods != {"OPTIONS"}:  # litestarが自分で足す扉
                yield route.path, handler


def test_every_console_door_declares_a_permission(settings: Settings) -> None:
    undeclared = [
        f"{sorted(handler.http_methods)} {path}"
        for path, handler in _handlers(settings)
        if path.startswith("/console")
        and not isinstance(handler.opt.get("permission"), Permission)
        and not handler.opt.get("open_to_all")
    ]
    assert undeclared == []


def test_only_sign_in_and_invitation_are_open_to_all(settings: Settings) -> None:
    opened = {path for path, handler in _handlers(settings) if handler.opt.get("open_to_all")}
    assert opened <= OPEN


def test_nothing_outside_the_console_claims_a_staff_permission(settings: Settings) -> None:
    claimed = [
        path
        for path, handler in _handlers(settings)
        if handler.opt.get("permission") and not path.startswith("/console")
    ]
    assert claimed == []


def test_the_promised_doors_are_there(settings: Settings) -> None:
    assert sorted(PROMISED - {path for path, _ in _handlers(settings)}) == []


def test_a_get_never_changes_anything_by_its_name(settings: Settings) -> None:
    words = ("/approve", "/submit", "/delete", "/apply", "/withdraw", "/return", "/sign-out")
    found = [path for path, handler in _handlers(settings) if "GET" in handler.http_methods and path.endswith(words)]
    allowed = {path for path in found if path.endswith("/submit")}  # 提出の前の確かめの画面
    assert sorted(set(found) - allowed) == []
