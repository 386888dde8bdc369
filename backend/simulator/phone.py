"""模擬スマートフォンの扉: ページ、一人の画面、押したときの知らせ、変化の流れ。"""

import asyncio
import json
import mimetypes
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import ServerSentEvent, ServerSentEventMessage

from backend.errors import Refused
from backend.simulator import phone_screen, phone_touch
from backend.simulator.phone_diary import Diary
from backend.simulator.phone_line import Line
from backend.simulator.sign_in import SignIn

STATIC = Path(__file__).parent / "static"
PAGE = 40
MOST = 2000
CALLS = 40
GATHER = 0.15  # 秒。続けて起きた変化を一つの知らせにまとめる
NAMED = 500  # これより多くの人にかかわる変化は「全員」と知らせる
HEARTBEAT = 15  # 秒

Answer = Response[Any]


@get(["/phone", "/phone/"], sync_to_thread=False)
def page(sign_in: NamedDependency[SignIn]) -> Answer:
    own = sign_in.settings.public_url
    framed = own if sign_in.settings.demo_door else f"{own} https://liff.line.me https://access.line.me"
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; img-src 'self' https: {own}; frame-src {framed}"
    )
    html = (STATIC / "phone.html").read_text(encoding="utf-8")
    return _fresh(html, MediaType.HTML, {"content-security-policy": policy, "referrer-policy": "no-referrer"})


@get("/phone/static/{name:str}", sync_to_thread=False)
def asset(name: FromPath[str]) -> Answer:
    path = STATIC / name
    if path.parent != STATIC or not path.is_file():
        return _missing("そのファイルはありません。")
    return _fresh(path.read_bytes(), mimetypes.guess_type(name)[0] or "application/octet-stream")


@get("/phone/menus/{menu_id:str}", sync_to_thread=False)
def menu_image(menu_id: FromPath[str], platform: NamedDependency[Line]) -> Answer:
    """リッチメニューの絵。一つのメニューの絵は替わらないので、長く覚えてよい(LINE.md 1.1)。"""
    image = platform.menu_image(menu_id)
    if image is None:
        return _missing("その絵はありません。")
    return Response(image[0], media_type=image[1], headers={"cache-control": "max-age=31536000, immutable"})


@get("/phone/api/people", sync_to_thread=False)
def people(request: Request[Any, Any, Any], platform: NamedDependency[Line], diary: NamedDependency[Diary]) -> Answer:
    limit = request.query_params.get("limit", "")
    shown = min(int(limit), MOST) if limit.isdecimal() else PAGE
    return _fresh(phone_screen.friends(platform, diary, search=request.query_params.get("search", ""), limit=shown))


@get("/phone/api/people/{user:str}", sync_to_thread=False)
def screen(user: FromPath[str], platform: NamedDependency[Line], diary: NamedDependency[Diary]) -> Answer:
    person = platform.person(user)
    return _fresh(phone_screen.screen(platform, diary, person)) if person else _missing("その人はいません。")


@post("/phone/api/people/{user:str}/{action:str}", status_code=200)
async def touch(
    request: Request[Any, Any, Any],
    user: FromPath[str],
    action: FromPath[str],
    platform: NamedDependency[Line],
    diary: NamedDependency[Diary],
    sign_in: NamedDependency[SignIn],
) -> Answer:
    person = platform.person(user)
    if person is None:
        return _missing("その人はいません。")
    body = await request.json()
    if not isinstance(body, dict):
        return Response({"message": "本文はJSONのオブジェクトにしてください。"}, status_code=400)
    try:
        return _fresh(await phone_touch.touch(action, person, body, platform, diary, sign_in))
    except Refused as refusal:
        return Response({"message": refusal.message, "next_step": refusal.next_step}, status_code=409)


@get("/phone/api/lately", sync_to_thread=False)
def lately(platform: NamedDependency[Line]) -> Answer:
    calls = [
        {"at": call.at.isoformat(), "endpoint": call.endpoint, "status": call.status, "recipients": call.recipients}
        for call in platform.calls(CALLS)
    ]
    return _fresh({"calls": calls})


@get("/phone/api/events", sync_to_thread=False)
def events(platform: NamedDependency[Line]) -> ServerSentEvent:
    """変わった人のidの流れ。`{"users": null}` は全員にかかわる変化。"""
    return ServerSentEvent(_changes(platform))


async def _changes(platform: Line) -> AsyncIterator[ServerSentEventMessage]:
    with platform.subscribe() as queue:
        yield ServerSentEventMessage(comment="open")
        while True:
            try:
                touched = await asyncio.wait_for(queue.get(), HEARTBEAT)
            except TimeoutError:
                yield ServerSentEventMessage(comment="")
                continue
            await asyncio.sleep(GATHER)
            while not queue.empty():
                more = queue.get_nowait()
                touched = None if touched is None or more is None else touched | more
            users = None if touched is None or len(touched) > NAMED else sorted(touched)
            yield ServerSentEventMessage(event="changed", data=json.dumps({"users": users}))


def _fresh(content: Any, media_type: str = MediaType.JSON, headers: dict[str, str] | None = None) -> Answer:
    return Response(content, media_type=media_type, headers={"cache-control": "no-cache", **(headers or {})})


def _missing(message: str) -> Answer:
    return Response({"message": message}, status_code=404)


routes: list[Any] = [page, asset, menu_image, people, screen, touch, lately, events]
