"""二つ目の確かめの扉: サインインの途中のコード、自分の認証アプリの登録。"""

from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.staff import factors, signin, totp
from backend.staff.console import HOME, inside, session_cookie, source
from backend.store import work
from backend.ward import account
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs, open_to_all
from backend.web.sessions import console_cookie

AnyRequest = Request[Any, Any, Any]


class CodeForm(msgspec.Struct):
    code: Annotated[str, msgspec.Meta(max_length=100)] = ""
    next: str = HOME


@get("/console/sign-in/code", **open_to_all())
async def code_page(
    request: AnyRequest, settings: Settings, next_: Annotated[str, QueryParameter(name="next")] = HOME
) -> Template | Redirect:
    if await factors.waiting(console_cookie(request, secure=settings.secure_cookies) or "") is None:
        return Redirect("/console/sign-in", status_code=303)
    return _code(inside(next_))


@post("/console/sign-in/code", **open_to_all())
async def code(request: AnyRequest, settings: Settings) -> Template | Redirect:
    form = await forms.read(request, CodeForm)
    token = console_cookie(request, secure=settings.secure_cookies) or ""
    if await factors.waiting(token) is None:
        return Redirect("/console/sign-in", status_code=303)
    try:
        opened = await factors.verify(token, form.code, source(request, settings), settings.session_keys)
    except signin.TooMany as refusal:
        return _code(inside(form.next), refusal, status=429)
    except Refused as refusal:
        return _code(inside(form.next), refusal, status=422)
    return Redirect(inside(form.next), status_code=303, cookies=[session_cookie(opened, settings)])


@get("/console/factor", **needs(Permission.OWN_SESSION))
async def own(actor: Actor) -> Template:
    return page("staff/factor.html", title="認証アプリ", room="", factor=await factors.of(actor.staff_id), refusal=None)


@post("/console/factor/new", status_code=200, **needs(Permission.OWN_SESSION))
async def begin(actor: Actor, settings: Settings) -> Template:
    return await _enrolling(actor, settings)


@post("/console/factor/confirm", status_code=200, **needs(Permission.OWN_SESSION))
async def confirm(request: AnyRequest, actor: Actor, settings: Settings) -> Template:
    form = await forms.read(request, CodeForm)
    try:
        codes = await work.run(factors.confirm, actor, form.code, settings.session_keys)
    except Refused as refusal:
        return await _enrolling(actor, settings, refusal)
    return page("staff/factor_codes.html", title="控えのコード", room="", codes=codes)


@post("/console/factor/remove", **needs(Permission.OWN_SESSION))
async def remove(request: AnyRequest, actor: Actor, settings: Settings) -> Template | Redirect:
    form = await forms.read(request, CodeForm)
    try:
        await factors.remove_own(actor, form.code, source(request, settings), settings.session_keys)
    except Refused as refusal:
        factor = await factors.of(actor.staff_id)
        return page("staff/factor.html", title="認証アプリ", status=422, room="", factor=factor, refusal=refusal)
    return Redirect("/console/factor", status_code=303)


@post("/console/staff/{staff_id:int}/remove-factor", **needs(Permission.MANAGE_STAFF))
async def remove_for(staff_id: int, actor: Actor) -> Redirect:
    await work.run(factors.remove_for, actor, staff_id)
    return Redirect("/console/staff", status_code=303)


async def _enrolling(actor: Actor, settings: Settings, refusal: Refused | None = None) -> Template:
    try:
        secret = await work.run(factors.propose, actor, settings.session_keys)
    except Refused as already:
        factor = await factors.of(actor.staff_id)
        return page("staff/factor.html", title="認証アプリ", status=422, room="", factor=factor, refusal=already)
    return page(
        "staff/factor_new.html",
        title="認証アプリを登録する",
        status=422 if refusal else 200,
        room="",
        refusal=refusal,
        key=totp.key_text(secret),
        address=totp.address(secret, actor.login, f"{account.MUNICIPALITY} LINE配信"),
    )


def _code(next_: str, refusal: Refused | None = None, status: int = 200) -> Template:
    return page("staff/sign_in_code.html", title="確認コード", status=status, next=next_, refusal=refusal)


routes: list[ControllerRouterHandler] = [code_page, code, own, begin, confirm, remove, remove_for]
