"""職員の扉: サインイン、招待、名簿。"""

from typing import Annotated, Any
from urllib.parse import quote

import msgspec
from litestar import Request, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.staff import changes, directory, factors, guard, invitations, passwords, signin
from backend.store import work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs, open_to_all
from backend.web.sessions import CONSOLE, console_cookie, cookie

HOME = "/console"


class SignInForm(msgspec.Struct):
    login: Annotated[str, msgspec.Meta(max_length=100)] = ""
    password: Annotated[str, msgspec.Meta(max_length=500)] = ""
    next: str = HOME


class RedeemForm(msgspec.Struct):
    password: Annotated[str, msgspec.Meta(max_length=500)] = ""
    again: Annotated[str, msgspec.Meta(max_length=500)] = ""


@get("/console/sign-in", **open_to_all())
async def sign_in_page(
    request: Request[Any, Any, Any], next_: Annotated[str, QueryParameter(name="next")] = HOME, redeemed: str = ""
) -> Template | Redirect:
    if await guard.find_actor(request):
        return Redirect(inside(next_), status_code=303)
    return _sign_in(next_=inside(next_), login=redeemed[:40], redeemed=bool(redeemed))


@post("/console/sign-in", **open_to_all())
async def sign_in(request: Request[Any, Any, Any], settings: Settings) -> Template | Redirect:
    form = await forms.read(request, SignInForm, as_sent=("password",))
    if not form.login or not form.password:
        return _sign_in(form.login, inside(form.next), error="利用者名とパスワードの両方を入れてください。", status=422)
    old = console_cookie(request, secure=settings.secure_cookies)
    try:
        token = await signin.sign_in(form.login, form.password, source(request, settings), old)
    except signin.TooMany as error:
        return _sign_in(form.login, inside(form.next), error=error.message, hint=error.next_step, status=429)
    except Refused as error:
        return _sign_in(form.login, inside(form.next), error=error.message, hint=error.next_step, status=422)
    following = inside(form.next)
    if await factors.waiting(token) is not None:
        following = f"/console/sign-in/code?next={quote(following)}"
    return Redirect(following, status_code=303, cookies=[session_cookie(token, settings)])


@post("/console/sign-out", **needs(Permission.OWN_SESSION))
async def sign_out(request: Request[Any, Any, Any], actor: Actor, settings: Settings) -> Redirect:
    token = console_cookie(request, secure=settings.secure_cookies) or ""
    await work.run(signin.sign_out, actor, token)
    return Redirect("/console/sign-in", status_code=303, cookies=[session_cookie("", settings)])


@post("/console/sign-out-everywhere", **needs(Permission.OWN_SESSION))
async def sign_out_everywhere(actor: Actor, settings: Settings) -> Redirect:
    await work.run(signin.sign_out_everywhere, actor, actor.staff_id)
    return Redirect("/console/sign-in", status_code=303, cookies=[session_cookie("", settings)])


@get("/console/invitation/{token:str}", **open_to_all())
async def invitation_page(token: str) -> Template:
    return await _invitation(token)


@post("/console/invitation/{token:str}", **open_to_all())
async def redeem(request: Request[Any, Any, Any], token: str) -> Template | Redirect:
    form = await forms.read(request, RedeemForm, as_sent=("password", "again"))
    found = await invitations.find(token)
    try:
        if form.password != form.again:
            raise Refused(
                "二つのパスワードが同じではありません。", next_step="もう一度、同じものを二回入れてください。"
            )
        passwords.check(form.password, login=found.login)
    except Refused as error:
        return await _invitation(token, error=error.message, hint=error.next_step, status=422)
    hashed = await passwords.hash_password(form.password)
    login = await work.run(invitations.redeem, token, hashed)
    return Redirect(f"/console/sign-in?redeemed={login}", status_code=303)


@get("/console/staff", **needs(Permission.MANAGE_STAFF))
async def staff_list() -> Template:
    return page(
        "staff/list.html",
        title="職員",
        room="staff",
        members=await directory.members(),
        changes=await changes.waiting(),
        bare=await directory.without_chief(),
    )


@post("/console/staff/{staff_id:int}/deactivate", **needs(Permission.MANAGE_STAFF))
async def deactivate(staff_id: int, actor: Actor) -> Redirect:
    await work.run(directory.deactivate, actor, staff_id)
    return Redirect("/console/staff", status_code=303)


@post("/console/staff/{staff_id:int}/sign-out", **needs(Permission.MANAGE_STAFF))
async def end_sessions(staff_id: int, actor: Actor) -> Redirect:
    await work.run(signin.sign_out_everywhere, actor, staff_id)
    return Redirect("/console/staff", status_code=303)


def _sign_in(
    login: str = "", next_: str = HOME, *, error: str = "", hint: str = "", redeemed: bool = False, status: int = 200
) -> Template:
    return page(
        "staff/sign_in.html",
        title="職員のサインイン",
        status=status,
        login=login,
        next=next_,
        error=error,
        hint=hint,
        redeemed=redeemed,
    )


async def _invitation(token: str, *, error: str = "", hint: str = "", status: int = 200) -> Template:
    found = await invitations.find(token)
    return page(
        "staff/invitation.html",
        title="パスワードを決める",
        status=status,
        invitation=found,
        minimum=passwords.MINIMUM,
        error=error,
        hint=hint,
    )


def inside(target: str) -> str:
    """コンソールの中の道だけを戻り先にする。"""
    plain = target.startswith(HOME) and not set("\\\r\n\t") & set(target)
    return target if plain and (len(target) == len(HOME) or target[len(HOME)] in "/?") else HOME


def source(request: Request[Any, Any, Any], settings: Settings) -> str:
    """接続元。信頼する中継からの申し出だけを、右端から信じる。"""
    hop = request.client.host if request.client else ""
    for claimed in reversed(request.headers.get("x-forwarded-for", "").split(",")):
        if hop not in settings.trusted_proxies or not claimed.strip():
            break
        hop = claimed.strip()
    return hop


def session_cookie(token: str, settings: Settings) -> Any:
    seconds = guard.ABSOLUTE_HOURS * 3600 if token else 0
    return cookie(CONSOLE, token, secure=settings.secure_cookies, max_age=seconds)


routes: list[ControllerRouterHandler] = [
    sign_in_page,
    sign_in,
    sign_out,
    sign_out_everywhere,
    invitation_page,
    redeem,
    staff_list,
    deactivate,
    end_sessions,
]
