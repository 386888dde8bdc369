"""リンクの扉: 一覧、登録、直す、行き先の変更を二人で、押された数。"""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.links import chart, comparing, editing, health, register, repoint, taps
from backend.links.register import Link, State, Wanted
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.store import work
from backend.web import forms
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]
Short = Annotated[str, msgspec.Meta(max_length=200)]
Long = Annotated[str, msgspec.Meta(max_length=2000)]


class Form(msgspec.Struct):
    code: Short = ""
    label: Short = ""
    purpose: Long = ""
    owner_section: Short = ""
    url: Long = ""
    more_hosts: Long = ""
    external_browser: Short = ""
    reason: Long = ""
    version: int = 0

    def wanted(self) -> Wanted:
        external = bool(self.external_browser)
        return Wanted(self.label, self.purpose, self.owner_section, self.url, self.more_hosts, external)


class RetireForm(msgspec.Struct):
    version: int
    replacement: Short = ""
    reason: Long = ""


@get("/console/links", **needs(Permission.READ_LINKS))
async def index() -> Template:
    links = await register.listing()
    return page(
        "links/list.html",
        title="リンク",
        room="links",
        waiting=await repoint.waiting(),
        dead=[link for link in links if link.state is State.DEAD],
        suspect=[link for link in links if link.state is State.SUSPECT],
        links=links,
    )


@get("/console/links/new", **needs(Permission.MANAGE_LINKS))
async def new(actor: Actor) -> Template:
    return await _editor(None, Form(owner_section=actor.section_code))


@post("/console/links/new", **needs(Permission.MANAGE_LINKS))
async def create(request: AnyRequest, actor: Actor) -> Redirect | Template:
    form = await forms.read(request, Form)
    try:
        await work.run(editing.add, actor, form.code, form.wanted())
    except Refused as refusal:
        return await _editor(None, form, refusal)
    return _to(form.code)


@get("/console/links/{code:str}", **needs(Permission.READ_LINKS))
async def show(code: str, actor: Actor, settings: Settings) -> Template:
    link = await register.find(code)
    days, history = await taps.daily(code), await repoint.history(code)
    return page(
        "links/show.html",
        title=link.label,
        room="links",
        link=link,
        address=register.address(link, settings.public_url),
        uses=await register.uses(code),
        waiting=await repoint.waiting(code),
        history=history,
        days=days,
        comparisons=await comparing.of(link, history),
        chart=chart,
        a_day=comparing.a_day,
        places=await taps.places(code),
        place_words=taps.place_words,
        others=[other for other in await register.listing() if other.code != code and other.state.usable],
        mine=_mine(actor, link),
        own=actor.section_code == link.owner_section,
    )


@get("/console/links/{code:str}/edit", **needs(Permission.MANAGE_LINKS))
async def edit_page(code: str) -> Template:
    link = await register.find(code)
    more = " ".join(host for host in link.allowed_hosts if f"//{host}/" not in f"{link.url}/")
    external = "1" if link.external_browser else ""
    form = Form(code, link.label, link.purpose, link.owner_section, link.url, more, external, "", link.version)
    return await _editor(link, form)


@post("/console/links/{code:str}/edit", **needs(Permission.MANAGE_LINKS))
async def edit(request: AnyRequest, code: str, actor: Actor) -> Redirect | Template:
    """使われているリンクの行き先は、直す代わりに提案になる。"""
    form = await forms.read(request, Form)
    try:
        await work.run(_edit, actor, code, form)
    except Refused as refusal:
        return await _editor(await register.find(code), form, refusal)
    return _to(code)


@post("/console/links/{code:str}/retire", **needs(Permission.MANAGE_LINKS))
async def retire(request: AnyRequest, code: str, actor: Actor) -> Redirect:
    """使うのをやめる。使われているリンクの代わりは、行き先の変更の提案になる。"""
    form = await forms.read(request, RetireForm)
    await work.run(_retire, actor, code, form)
    return _to(code)


@post("/console/links/{code:str}/check", **needs(Permission.MANAGE_LINKS))
async def check(code: str) -> Redirect:
    await register.find(code)
    await work.run(health.ask_again, code)
    return _to(code)


@post("/console/links/proposals/{proposal_id:int}/approve", **needs(Permission.REVIEW))
async def approve(proposal_id: int, actor: Actor) -> Redirect:
    return _to((await work.run(repoint.approve, actor, proposal_id)).code)


@post("/console/links/proposals/{proposal_id:int}/decline", **needs(Permission.MANAGE_LINKS))
async def decline(proposal_id: int, actor: Actor) -> Redirect:
    await work.run(repoint.decline, actor, proposal_id)
    return Redirect("/console/links", status_code=303)


@get("/console/links/{code:str}/taps.csv", **needs(Permission.READ_LINKS))
async def taps_csv(code: str) -> Response[bytes]:
    link = await register.find(code)
    return _csv(f"taps-{code}", taps.csv_file(code, link.label, await taps.daily(code, 366)))


@get("/console/links/{code:str}/changes.csv", **needs(Permission.READ_LINKS))
async def changes_csv(code: str) -> Response[bytes]:
    """変更の前と後の、一日ごとの数。"""
    link = await register.find(code)
    return _csv(f"changes-{code}", comparing.csv_file(link, await comparing.of(link, await repoint.history(code))))


async def _edit(actor: Actor, code: str, form: Form) -> None:
    link, wanted = await register.find(code, lock=True), form.wanted()
    url, hosts = editing.checked(actor, wanted, new_target=False)
    if link.uses and editing.changes_target(link, url, hosts, wanted.external_browser):
        await repoint.propose(actor, code, form.version, wanted, form.reason)
    else:
        await editing.edit(actor, code, form.version, wanted, form.reason)


async def _retire(actor: Actor, code: str, form: RetireForm) -> None:
    link = await register.find(code, lock=True)
    if link.uses and form.replacement:
        await repoint.propose_successor(actor, code, form.version, form.replacement, form.reason)
    else:
        await editing.retire(actor, code, form.version, form.replacement or None, form.reason)


async def _editor(link: Link | None, form: Form, refusal: Refused | None = None) -> Template:
    return page(
        "links/edit.html",
        title="リンクを直す" if link else "リンクを登録する",
        status=422 if refusal else 200,
        room="links",
        link=link,
        form=form,
        refusal=refusal,
        sections=await register.sections(),
    )


def _csv(name: str, body: bytes) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(body, media_type="text/csv", headers=headers)


def _mine(actor: Actor, link: Link) -> bool:
    own = link.owner_section == actor.section_code or actor.may(Permission.REVIEW)
    return own and actor.may(Permission.MANAGE_LINKS)


def _to(code: str) -> Redirect:
    return Redirect(f"/console/links/{code}", status_code=303)


routes: list[ControllerRouterHandler] = [
    index,
    new,
    create,
    show,
    edit_page,
    edit,
    retire,
    check,
    approve,
    decline,
    taps_csv,
    changes_csv,
]
