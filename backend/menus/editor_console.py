"""編集の扉: 版を書く、下見する、統計。"""

from typing import Any

from litestar import Request, get, post
from litestar.response import Redirect, Template
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.line.gateway import Gateway
from backend.links import register
from backend.menus import (
    artwork,
    building,
    declaration,
    drafting,
    editor,
    effects,
    grids,
    links,
    pictograms,
    remarks,
    statistics,
    targets,
    versions,
    view,
)
from backend.menus.declaration import ACTION_KINDS, Declaration, Rights
from backend.menus.palettes import PALETTES
from backend.menus.roles import Role
from backend.permissions import Actor, Permission
from backend.settings import Settings
from backend.store import work
from backend.web.render import page
from backend.web.security import needs

AnyRequest = Request[Any, Any, Any]


@get("/console/menus/new", **needs(Permission.MANAGE_MENUS))
async def new(settings: Settings, role: str = "resident") -> Template:
    return await _page(settings, editor.blank(), _role(role), None)


@post("/console/menus/new", **needs(Permission.MANAGE_MENUS))
async def create(request: AnyRequest, actor: Actor, settings: Settings) -> Redirect | Template:
    wanted, do, role, _ = await _sent(request)
    if do != "save":
        return await _page(settings, editor.changed(wanted, do), role, None)
    built = await _built(wanted, settings, role)
    try:
        made = await work.run(drafting.draft, actor, role, declaration.write(wanted), built)
    except Refused as refusal:
        return await _page(settings, wanted, role, None, refusal=refusal)
    return Redirect(f"/console/menus/{made}", status_code=303)


@get("/console/menus/{version_id:int}/edit", **needs(Permission.MANAGE_MENUS))
async def edit(version_id: int, settings: Settings) -> Template:
    found = await versions.find(version_id)
    if not found.state.editable:
        raise Refused("この版はもう直せません。", next_step="「これをもとに新しい版を作る」を使ってください。")
    return await _page(settings, found.declaration, found.role, found.id, found.edition)


@post("/console/menus/{version_id:int}/edit", **needs(Permission.MANAGE_MENUS))
async def save(request: AnyRequest, version_id: int, actor: Actor, settings: Settings) -> Redirect | Template:
    wanted, do, _, edition = await _sent(request)
    role = (await versions.find(version_id)).role
    if do != "save":
        return await _page(settings, editor.changed(wanted, do), role, version_id, edition)
    built = await _built(wanted, settings, role)
    try:
        await work.run(drafting.edit, actor, version_id, edition, declaration.write(wanted), built)
    except Refused as refusal:
        return await _page(settings, wanted, role, version_id, edition, refusal=refusal)
    return Redirect(f"/console/menus/{version_id}", status_code=303)


@post("/console/menus/preview", status_code=200, **needs(Permission.MANAGE_MENUS))
async def preview(request: AnyRequest, settings: Settings) -> Template:
    """書いている途中の、電話の見え方と点検。何も保存しない。"""
    wanted, _, role, _ = await _sent(request)
    return page("menus/_preview.html", title="", **await _preview(settings, wanted, role))


@get("/console/menus/statistics", **needs(Permission.READ_MENUS))
async def numbers(line: Gateway) -> Template:
    report = await statistics.report(line)
    return page(
        "menus/statistics.html",
        title="メニューの統計",
        room="menus",
        report=report,
        effects=await effects.report(),
        in_words=statistics.in_words,
    )


async def _sent(request: AnyRequest) -> tuple[Declaration, str, Role, int]:
    """欄から (宣言、押したボタン、役目、版の番号)。"""
    fields = [(name, value) for name, value in (await request.form()).multi_items() if isinstance(value, str)]
    whole = dict(fields)
    rights = {a.name: Rights(a.owner, a.permission, a.credit) for a in await artwork.listing()}
    edition = int(whole["edition"]) if whole.get("edition", "").isdigit() else 0
    return editor.declaration(fields, rights), whole.get("do", ""), _role(whole.get("role", "")), edition


async def _built(wanted: Declaration, settings: Settings, role: Role, *, small: bool = False) -> building.Built:
    parsed = declaration.parse(declaration.write(wanted))
    return await building.build(parsed, await links.places(settings), role, small=small)


async def _preview(settings: Settings, wanted: Declaration, role: Role) -> dict[str, Any]:
    built = await _built(wanted, settings, role, small=True)
    where = await links.places(settings)
    return {
        "wanted": wanted,
        "unwritten": remarks.unwritten(wanted),
        "findings": remarks.together([f for f in built.findings if not remarks.is_unwritten(wanted, f)], wanted),
        "pictures": view.drawn(wanted, built.images, where),
    }


async def _page(
    settings: Settings,
    wanted: Declaration,
    role: Role,
    version_id: int | None,
    edition: int = 0,
    *,
    refusal: Refused | None = None,
) -> Template:
    return page(
        "menus/edit.html",
        title="メニューを直す" if version_id else "新しいメニュー",
        status=422 if refusal else 200,
        room="menus",
        refusal=refusal,
        version_id=version_id,
        edition=edition,
        role=role,
        roles=list(Role),
        size=editor.size_name(wanted),
        palettes=PALETTES,
        pictograms=pictograms.LABELS,
        kinds=ACTION_KINDS,
        tab_titles={tab.alias: tab.title for tab in wanted.tabs},
        grids_of=editor.grids_of,
        grid_words=grids.words,
        liff_pages=targets.LIFF_PAGES,
        pages=targets.PAGES,
        links=[link for link in await register.listing() if link.state.usable],
        artworks=[a.name for a in await artwork.listing()],
        action_of=editor.action_of,
        **await _preview(settings, wanted, role),
    )


def _role(words: str) -> Role:
    return Role(words) if words in {role.value for role in Role} else Role.RESIDENT


routes: list[ControllerRouterHandler] = [
    new,
    create,
    edit,
    save,
    preview,
    numbers,
]
