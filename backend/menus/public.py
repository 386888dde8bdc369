"""`/menu`: いま出ているリッチメニューの、文字だけの版。パソコンのLINEにメニューは出ない(LINE.md 1.1)。"""

from dataclasses import dataclass

from litestar import get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from backend.errors import Refused
from backend.menus import composing, links, places
from backend.menus.declaration import Cell
from backend.menus.places import Places
from backend.settings import Settings
from backend.texts.catalogue import N_
from backend.web.render import page


@dataclass(frozen=True)
class Item:
    """押せる場所の、文字での姿。`telephone` は電話の番号。"""

    words: str
    address: str
    telephone: str


@dataclass(frozen=True)
class Section:
    title: str
    items: tuple[Item, ...]


@get("/menu")
async def menu(settings: Settings) -> Template:
    where = await links.places(settings)
    try:
        shown = (await composing.compose()).shown
    except Refused:
        return page("menus/public.html", title=N_("メニュー(文字の版)"), shown=None, sections=[])
    sections = [
        Section(tab.title, tuple(_item(cell, where) for cell in tab.cells if not cell.action.tab))
        for tab in shown.declaration.tabs
    ]
    return page("menus/public.html", title=N_("メニュー(文字の版)"), shown=shown, sections=sections)


def _item(cell: Cell, where: Places) -> Item:
    try:
        address = places.address(cell.action, where)
    except places.Misplaced:
        address = ""
    telephone = str(cell.action.tel) if cell.action.tel != "" else ""
    return Item(cell.label, address, telephone)


routes: list[ControllerRouterHandler] = [menu]
