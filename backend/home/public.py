"""だれでも見る公開ページ: このアカウントは本物か、決まり、個人情報の取り扱い、使いやすさ(POL 5(6)、7、10)。"""

import contextlib
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from litestar import Request, Response, get
from litestar.response import Template
from litestar.response.base import ASGIResponse
from litestar.types import ControllerRouterHandler, Message, Receive, Scope, Send

from backend.account import policy, warning
from backend.consent import notices
from backend.consent.notices import Purpose
from backend.home import accessibility as results
from backend.home import standing
from backend.settings import Settings
from backend.store.pool import LOST
from backend.texts.catalogue import N_, written
from backend.texts.reading import reader
from backend.ward.kinds import Kind
from backend.web.render import page

BACKUP_DAYS = 35  # 控えと消去の記録を残す、最長の日数(RULES 40)


@get("/")
async def index() -> Template:
    return page("public/index.html", title=N_("文京区のLINE公式アカウントです"))


@get("/privacy")
async def privacy(request: Request[Any, Any, Any], settings: Settings) -> Template:
    language = reader(request).language
    notice = await notices.current(language.code)
    return page(
        "public/privacy.html",
        title=N_("個人情報の取り扱い"),
        notice=notice,
        purposes=[(purpose.label, written(notice.texts[purpose].text, language)) for purpose in Purpose],
        hosts=hosts(settings),
        kept=_KEPT,
        backup_days=BACKUP_DAYS,
    )


@get("/policy")
async def rules() -> Template:
    return page(
        "public/policy.html",
        title=N_("運用の決まり"),
        latest=policy.latest(),
        versions=policy.VERSIONS,
        kinds=[*Kind],
    )


@get("/accessibility", sync_to_thread=False)
def accessibility() -> Template:
    return page("public/accessibility.html", title=N_("アクセシビリティ"), result=results.read())


async def in_language(message: Message, scope: Scope) -> None:
    """公開ページがどの言語で答えたかを、見出しに書く `before_send`。間に立つ控えに、言語の違う画面を混ぜさせない。"""
    if message["type"] != "http.response.start" or scope["type"] != "http":
        return
    names = {name.lower(): value for name, value in message["headers"]}
    if not names.get(b"content-type", b"").startswith(b"text/html") or b"content-language" in names:
        return
    tag = reader(Request(scope)).language.tag
    message["headers"] = [
        *message["headers"], (b"content-language", tag.encode()), (b"vary", b"Accept-Language")
    ]  # fmt: skip


async def with_warning(request: Request[Any, Any, Any]) -> None:
    """なりすましの注意と、災害時・停止の案内を、公開と住民のすべてのページに渡す。データベースに届かないときは、どちらもなしで出す。"""
    if request.method == "GET" and not request.url.path.startswith(_UNWARNED):
        request.state.impostor, request.state.standing = "", None
        with contextlib.suppress(*LOST):
            request.state.impostor = await warning.current()
            request.state.standing = await standing.current()


def warned(handle: Callable[[Request[Any, Any, Any], Any], Response[Any]]) -> Callable[..., Response[Any]]:
    """誤りの画面を返す `handle` に、頭の注意と案内を添える。道のないアドレスは `with_warning` を通らないため。"""

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


def hosts(settings: Settings) -> list[tuple[str, str]]:
    """(電話が話す相手, 何のため)。ほかには話さない: 試験が通信をすべて書き留めて比べる。"""
    return [
        (
            urlsplit(settings.public_url).hostname or "",
            N_("この設定のページです。選んだことは、ここにだけ送られます。"),
        ),
        ("api.line.me", N_("LINEの本人の確認です。選んだことは送りません。")),
        ("access.line.me", N_("LINEの許可の画面です。初めてのときに開きます。")),
        ("liff.line.me", N_("メニューからページを開くときの、LINEの入口です。")),
    ]


_KEPT = (
    (
        N_("選んだことと宛先の暗号"),
        N_("同意した日から{months}か月。やめたとき、ブロックしたときは、60秒以内に消えます。"),
    ),
    (N_("ページを開いている間の札(クッキー)"), N_("30分。あなたの電話の中だけにあります。")),
    (N_("LINEの確認に使った札の照合番号"), N_("札の期限の約1時間まで。だれのものかは分かりません。")),
    (N_("LINEから届いた「友だち追加・ブロック」の番号"), N_("7日。だれのものかは分かりません。")),
    (N_("窓口の本人コード"), N_("10分。一度だけ使えます。")),
    (N_("配信の宛先の乱数の番号"), N_("配信が終わってから30日。やめた方の番号は、だれのものか分かりません。")),
    (N_("職員の操作の記録"), N_("5年。あなたの選んだことは入りません。")),
)


routes: list[ControllerRouterHandler] = [index, privacy, rules, accessibility]
