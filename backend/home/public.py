"""だれでも見る公開ページ: このアカウントは本物か、決まり、個人情報の取り扱い、使いやすさ(POL 5(6)、7、10)。"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.response import Template
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler, Receive, Scope, Send

from backend.account import policy, warning
from backend.consent import notices
from backend.consent.notices import Purpose
from backend.settings import Settings
from backend.store.pool import LOST
from backend.ward.kinds import Kind
from backend.web.render import page

BACKUP_DAYS = 35  # 控えと消去の記録を残す、最長の日数(RULES 40)
RESULT = Path(__file__).parents[2] / "liff_static" / "dist" / "accessibility.json"
"""画面の試験(tests/browser)が書く結果。"""


@dataclass(frozen=True)
class State:
    """一つの画面の結果。"""

    name: str
    checks: int
    violations: int


@dataclass(frozen=True)
class Result:
    """自動の試験の結果。"""

    ran_at: datetime
    tool: str
    states: tuple[State, ...]

    @property
    def checks(self) -> int:
        return sum(state.checks for state in self.states)

    @property
    def violations(self) -> int:
        return sum(state.violations for state in self.states)


@get("/")
async def index() -> Template:
    return page("public/index.html", title="文京区のLINE公式アカウントです")


@get("/privacy")
async def privacy(settings: Settings) -> Template:
    notice = await notices.current("ja")
    return page(
        "public/privacy.html",
        title="個人情報の取り扱い",
        notice=notice,
        purposes=[*Purpose],
        hosts=_hosts(settings),
        kept=_kept(notice.retention_months),
        backup_days=BACKUP_DAYS,
    )


@get("/policy")
async def rules() -> Template:
    return page(
        "public/policy.html",
        title="運用の決まり",
        latest=policy.latest(),
        versions=policy.VERSIONS,
        kinds=[*Kind],
    )


@get("/accessibility", sync_to_thread=False)
def accessibility() -> Template:
    return page("public/accessibility.html", title="アクセシビリティ", result=read_result(RESULT))


def read_result(path: Path) -> Result | None:
    """試験の結果。なければ、または読めなければNone: 試験をしていないのに、したとは言わない。"""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        states = tuple(State(str(s["name"]), int(s["checks"]), int(s["violations"])) for s in found["states"])
        return Result(datetime.fromisoformat(found["ran_at"]), str(found["tool"]), states) if states else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


async def with_warning(request: Request[Any, Any, Any]) -> None:
    """なりすましの注意を、公開と住民のすべてのページに渡す。データベースに届かないときは、注意なしで出す。"""
    if request.method == "GET" and not request.url.path.startswith(_UNWARNED):
        try:
            request.state.impostor = await warning.current()
        except LOST:
            request.state.impostor = ""


def warned(handle: Callable[[Request[Any, Any, Any], Any], Response[Any]]) -> Callable[..., Response[Any]]:
    """誤りの画面を返す `handle` に、なりすましの注意を添える。道のないアドレスは `with_warning` を通らないため。"""

    def answer(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        shown = handle(request, error)
        return _Warned(shown) if isinstance(shown, Template) and "impostor" not in request.state else shown

    return answer


class _Warned(Response[Any]):
    """送る直前に注意を調べてから描く画面。"""

    def __init__(self, shown: Template) -> None:
        super().__init__(None, status_code=shown.status_code)
        self.shown = shown

    def to_asgi_response(self, app: Any, request: Request[Any, Any, Any], **more: Any) -> ASGIResponse:  # type: ignore[override]  # 描くのは後なので、渡されたものはそのまま持つ
        return _Later(self.shown, request, more)


class _Later(ASGIResponse):
    def __init__(self, shown: Template, request: Request[Any, Any, Any], more: dict[str, Any]) -> None:
        super().__init__(status_code=shown.status_code)
        self.shown, self.request, self.more = shown, request, more

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await with_warning(self.request)
        await self.shown.to_asgi_response(None, self.request, **self.more)(scope, receive, send)


_UNWARNED = ("/console", "/static", "/assets", "/healthz", "/readyz", "/statusz", "/metrics", "/line/", "/liff/api")


def _hosts(settings: Settings) -> list[tuple[str, str]]:
    return [
        (urlsplit(settings.public_url).hostname or "", "この設定のページです。選んだことは、ここにだけ送られます。"),
        ("api.line.me", "LINEの本人の確認です。選んだことは送りません。"),
        ("access.line.me", "LINEの許可の画面です。初めてのときに開きます。"),
        ("liff.line.me", "メニューからページを開くときの、LINEの入口です。"),
    ]


def _kept(months: int) -> list[tuple[str, str]]:
    return [
        ("選んだことと宛先の暗号", f"同意した日から{months}か月。やめたとき、ブロックしたときは、60秒以内に消えます。"),
        ("ページを開いている間の札(クッキー)", "30分。あなたの電話の中だけにあります。"),
        ("LINEの確認に使った札の照合番号", "札の期限の約1時間まで。だれのものかは分かりません。"),
        ("LINEから届いた「友だち追加・ブロック」の番号", "7日。だれのものかは分かりません。"),
        ("窓口の本人コード", "10分。一度だけ使えます。"),
        ("配信の宛先の乱数の番号", "配信が終わってから30日。やめた方の番号は、だれのものか分かりません。"),
        ("職員の操作の記録", "5年。あなたの選んだことは入りません。"),
    ]


routes: list[ControllerRouterHandler] = [index, privacy, rules, accessibility]
