"""住民のページのAPI `/liff/session` `/liff/api/…`: JSONだけ。利用者IDを受け取る欄はなく、確かめたIDトークンだけが本人を言う。"""

from typing import Any

import msgspec
from litestar import Request, Response, Router, delete, get, post, put
from litestar.datastructures import Cookie
from litestar.types import ControllerRouterHandler

from backend.consent import receipt
from backend.consent.notices import BY_CODE, Purpose
from backend.consent.receipt import Receipt
from backend.errors import Forbidden, NotFound, Refused, Unavailable
from backend.line.identity import Forged
from backend.residents import incident, linked, preferences, rights, sent, session, shown
from backend.residents.address import AddressKeys
from backend.residents.choices import BadChoices
from backend.residents.linked import NotFriend
from backend.residents.preferences import NoticeChanged
from backend.residents.session import Over, Session, TooOften
from backend.settings import Settings
from backend.store import clock, work
from backend.store.pool import LOST
from backend.web.sessions import LIFF, cookie, cookie_name

Ask = Request[Any, Any, Any]


@post("/liff/session", status_code=200)
async def begin(request: Ask, settings: Settings, line: Any, keys: AddressKeys) -> Response[Any]:
    """生のIDトークンを、短いセッションに替える。"""
    _same_origin(request, settings, header=False)
    raw = await _body(request)
    token = raw.decode("utf-8", "replace").strip()
    if token.startswith("{"):
        token = sent.read(raw, sent.TokenForm).id_token
    now = await clock.now()
    identity = await line.verify_id_token(token, now)
    mine = await work.run(session.start, identity, await session.current(_cookie(request, settings), settings))
    answer = {
        "friend": await linked.is_friend(line, mine.user_id),
        "held": await preferences.held(keys, mine.user_id) is not None,
    }
    sealed = cookie(LIFF, session.seal(mine, settings), secure=settings.secure_cookies, max_age=session.MINUTES * 60)
    return Response(answer, cookies=[sealed])


@delete("/liff/session", status_code=200)
async def finish(request: Ask, settings: Settings) -> Response[Any]:
    """「終わる」: クッキーを消し、その写しも使えなくする。データベースに届かないときも、この端末のクッキーは消す。"""
    _same_origin(request, settings)
    try:
        mine = await session.current(_cookie(request, settings), settings)
        if mine:
            await session.end(mine)
    except (Unavailable, *LOST):
        return Response({"ended": False}, status_code=503, cookies=[_cleared(settings)])
    return Response({"ended": True}, cookies=[_cleared(settings)])


@get("/liff/api/me")
async def me(request: Ask, settings: Settings, line: Any, keys: AddressKeys) -> dict[str, Any]:
    mine = await _session(request, settings)
    await incident.require_open()
    held = await preferences.held(keys, mine.user_id)
    return {"friend": await linked.is_friend(line, mine.user_id), "held": await shown.page(held) if held else None}


@put("/liff/api/me")
async def save(request: Ask, settings: Settings, line: Any, keys: AddressKeys) -> dict[str, Any]:
    """「同意して保存」。友だちでなければ、何も書かずに409。"""
    mine = await _writer(request, settings)
    form = sent.read(await _body(request), sent.SaveForm)
    choices = sent.choices_of(form)
    await linked.require_friend(line, mine.user_id)
    made = await work.run(
        preferences.save,
        keys,
        mine.user_id,
        choices,
        language=form.notice_language,
        notice_version=form.notice_version,
    )
    return {"receipt": receipt.signed(made, settings.receipt_signing_key), "text": made.text}


@post("/liff/api/me/{purpose:str}/renewal", status_code=200)
async def renew(request: Ask, settings: Settings, line: Any, keys: AddressKeys, purpose: str) -> dict[str, Any]:
    """「続ける」: 一つの目的だけ、いま見せた文に同意し直す。ほかの目的は、文も期限もそのまま(P3、RULES 38)。"""
    if purpose not in BY_CODE:
        raise NotFound("その目的はありません。")
    mine = await _writer(request, settings)
    form = sent.read(await _body(request), sent.RenewForm)
    await linked.require_friend(line, mine.user_id)
    made = await work.run(
        preferences.renew,
        keys,
        mine.user_id,
        BY_CODE[purpose],
        language=form.notice_language,
        notice_version=form.notice_version,
        guardian=form.guardian,
    )
    if made is None:
        raise NotFound("その目的には同意していません。", next_step="ページを開き直してください。")
    return {"receipt": receipt.signed(made, settings.receipt_signing_key), "text": made.text}


@delete("/liff/api/me", status_code=200)
async def withdraw_all(request: Ask, settings: Settings, line: Any, keys: AddressKeys) -> Response[Any]:
    """すべてやめて消す。LINEの側の許可も取り消すが、それができなくても消去は済んでいる。"""
    return await _withdraw(request, settings, line, keys, None)


@delete("/liff/api/me/{purpose:str}", status_code=200)
async def withdraw_one(request: Ask, settings: Settings, line: Any, keys: AddressKeys, purpose: str) -> Response[Any]:
    """一つの目的だけをやめる。ほかはそのまま(P3)。最後の一つなら、すべて消える。"""
    if purpose not in BY_CODE:
        raise NotFound("その目的はありません。")
    return await _withdraw(request, settings, line, keys, BY_CODE[purpose])


@delete("/liff/api/me/children/{position:int}", status_code=200)
async def stop_child(request: Ask, settings: Settings, keys: AddressKeys, position: int) -> dict[str, Any]:
    """一つの妊娠(0)か一人の子だけを、静かに止める。"""
    mine = await _writer(request, settings)
    return {"stopped": await work.run(preferences.stop_child, keys, mine.user_id, position)}


@get("/liff/api/me/download")
async def download(request: Ask, settings: Settings, keys: AddressKeys) -> Response[bytes]:
    document = await _export(request, settings, keys)
    body = msgspec.json.format(msgspec.json.encode(document), indent=1)
    return _attachment(body, "bunkyo-line.json", "application/json")


@get("/liff/api/me/download.txt")
async def download_text(request: Ask, settings: Settings, keys: AddressKeys) -> Response[bytes]:
    document = await _export(request, settings, keys)
    return _attachment(rights.readable(document).encode(), "bunkyo-line.txt", "text/plain; charset=utf-8")


@post("/liff/api/code", status_code=200)
async def code(request: Ask, settings: Settings, keys: AddressKeys) -> dict[str, Any]:
    """窓口で見せる本人コード。"""
    mine = await _writer(request, settings)
    await incident.require_open()
    digits, until = await work.run(rights.issue_code, keys, mine.user_id)
    return {"code": digits, "until": until.astimezone(clock.JST).isoformat()}


async def _withdraw(
    request: Ask, settings: Settings, line: Any, keys: AddressKeys, purposes: Purpose | None
) -> Response[Any]:
    """すべてなくなったら、セッションも同じ取引で終わり、LINEの側の許可も取り消す。"""
    mine = await _writer(request, settings)
    token = await _access_token(request)

    async def verb() -> Receipt | None:
        proof = await preferences.withdraw(keys, mine.user_id, purposes)
        if proof and proof.body["everything"]:
            await session.end(mine)
        return proof

    proof = await work.run(verb)
    everything = proof is not None and bool(proof.body["everything"])
    finished = everything or purposes is None
    answer = {
        "proof": receipt.signed(proof, settings.receipt_signing_key) if proof else None,
        "text": proof.text if proof else "預かっているものはありません。",
        "deauthorized": await linked.unlink(line, token) if finished else None,
    }
    return Response(answer, cookies=[_cleared(settings)] if everything else [])


async def _session(request: Ask, settings: Settings) -> Session:
    found = await session.current(_cookie(request, settings), settings)
    if found is None:
        raise Over
    return found


async def _writer(request: Ask, settings: Settings) -> Session:
    _same_origin(request, settings)
    found = await _session(request, settings)
    await session.count_write(found)
    return found


def _same_origin(request: Ask, settings: Settings, *, header: bool = True) -> None:
    """ほかのサイトからの書き込みを断る。見出し `X-Ward` は、よその頁からは断りなしに付けられない。"""
    origin = request.headers.get("origin")
    marked = request.headers.get("x-ward") == "1"
    foreign = origin is not None and origin != settings.public_url
    if foreign or request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("ほかのサイトからの操作は受け付けません。", next_step="ページを開き直してください。")
    if not marked and (header or origin is None):
        raise Forbidden("この操作は、受信設定のページからだけできます。", next_step="ページを開き直してください。")


async def _body(request: Ask) -> bytes:
    if not sent.fits(request.headers.get("content-length"), sent.MAX_BODY):
        raise BadChoices({"body": "送られた内容が大きすぎます。"})
    raw = await request.body()
    if len(raw) > sent.MAX_BODY:
        raise BadChoices({"body": "送られた内容が大きすぎます。"})
    return raw


async def _export(request: Ask, settings: Settings, keys: AddressKeys) -> dict[str, Any]:
    mine = await _session(request, settings)
    await incident.require_open()
    document = await rights.export(keys, mine.user_id)
    if document is None:
        raise NotFound("預かっているものはありません。")
    return document


async def _access_token(request: Ask) -> str:
    """LINEの許可を取り消すための札。読めなくても、消すことは止めない。"""
    try:
        return sent.read(await _body(request), sent.StopForm).access_token
    except BadChoices:
        return ""


def _attachment(body: bytes, name: str, media_type: str) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(body, headers=headers, media_type=media_type)


def _cookie(request: Ask, settings: Settings) -> str | None:
    return request.cookies.get(cookie_name(LIFF, secure=settings.secure_cookies))


def _cleared(settings: Settings) -> Cookie:
    return cookie(LIFF, "", secure=settings.secure_cookies, max_age=0)


def _answer(status: int, reason: str) -> Any:
    def answer(_request: Ask, error: Refused) -> Response[Any]:
        body: dict[str, Any] = {"message": error.message, "next_step": error.next_step}
        body |= {"reason": reason} if reason else {}
        body |= {"fields": error.fields} if isinstance(error, BadChoices) else {}
        return Response(body, status_code=status, headers={"Cache-Control": "no-store"}, media_type="application/json")

    return answer


routes: list[ControllerRouterHandler] = [
    Router(
        path="/",
        route_handlers=[
            begin, finish, me, save, renew, withdraw_all, withdraw_one, stop_child, download, download_text, code,
        ],
        exception_handlers={
            Forged: _answer(401, "session"),
            Over: _answer(401, "session"),
            NotFriend: _answer(409, "friend"),
            NoticeChanged: _answer(409, "notice"),
            TooOften: _answer(429, ""),
            BadChoices: _answer(422, ""),
        },
    )
]  # fmt: skip
