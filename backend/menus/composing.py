"""置きたい姿を組む: 役目ごとのいまの版、候補の版、予定の近い催しから。"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from backend.account import state
from backend.account.state import AccountMode, AccountState, Stop
from backend.errors import Refused
from backend.menus import building, events, links, versions
from backend.menus.places import Places
from backend.menus.plan import Declared, Known, Menu
from backend.menus.roles import Role
from backend.menus.versions import Version
from backend.store import work


@dataclass(frozen=True)
class Composition:
    """`sets` は置いておく版、`shown` はそのうち見せるもの。"""

    sets: tuple[Version, ...]
    shown: Version

    @property
    def key(self) -> str:
        return f"{self.shown.role.value}:{self.shown.id}"


async def compose(candidates: Iterable[Version] = ()) -> Composition:
    """いまの版に候補を重ねた組。ふだんのメニューがなければ `Refused`。"""
    held: dict[Role, Version] = {**await versions.current(), **{v.role: v for v in candidates if v.role.kept}}
    coming = await events.coming()
    account = await state.current()
    resident = held.get(Role.RESIDENT)
    if resident is None:
        raise Refused("ふだんのメニューがまだありません。", next_step="`ward richmenu load` で読み込んでください。")
    running = next((version for version, live in coming if live), None)
    shown = held.get(role_shown(account)) or resident
    if shown.role is Role.RESIDENT and running:
        shown = running
    sets = [held[role] for role in Role if role in held] + [version for version, _ in coming]
    return Composition(tuple(sets), shown)


def role_shown(account: AccountState) -> Role:
    """アカウントの状態から。災害時がいちばん先、次に「すべて停止」。緊急以外の停止では、ふだんのまま。"""
    if account.mode is AccountMode.DISASTER:
        return Role.EMERGENCY
    return Role.CLOSING if account.stopped is Stop.ALL else Role.RESIDENT


async def declared(composition: Composition, where: Places) -> Declared:
    """LINEの言葉での、置きたい姿。"""
    placed: dict[str, Menu] = {}
    names: dict[int, list[tuple[str, str]]] = {}
    for version in composition.sets:
        found = await menus(version, where)
        placed.update({menu.name: menu for menu in found})
        names[version.id] = [(menu.alias, menu.name) for menu in found]
    default, aliases = pointing(names, composition.shown.id)
    fresh = {
        code for version in composition.sets if not version.applied_at for code in links.codes(version.declaration)
    }
    targets = tuple((code, where.landings.get(code, "")) for code in sorted(fresh))
    return Declared(composition.key, tuple(placed.values()), default, aliases, targets)


def pointing(names: Mapping[int, list[tuple[str, str]]], shown: int) -> tuple[str, dict[str, str]]:
    """見せる組から、既定と別名の行き先。ほかの組の別名は、見せる組の一枚目へ向ける。

    古いメニューのタブを押した人も、見せる組に着く: 災害時に、前のタブへは戻れない。
    """
    own = dict(names[shown])
    default = names[shown][0][1]
    others = {alias: default for version, pairs in names.items() if version != shown for alias, _ in pairs}
    return default, {**others, **own}


async def known() -> Known:
    row = (await work.sql("select shown, default_id, aliases from menu_known"))[0]
    return Known(row["shown"], row["default_id"], msgspec.json.decode(row["aliases"]))


async def menus(version: Version, where: Places) -> list[Menu]:
    declaration, pictures = version.declaration, await versions.images(version.id)
    if len(pictures) != len(declaration.tabs):
        raise Refused(f"{version.title}の絵がそろっていません。", next_step="版を開いて、直すところを直してください。")
    bodies = building.objects(declaration, where)
    return [
        Menu(
            version.id,
            version.role.value,
            tab.alias,
            f"{declaration.name} {tab.title}",
            body,
            picture.sha256.hex(),
            picture.content_type,
        )
        for tab, body, picture in zip(declaration.tabs, bodies, pictures, strict=True)
    ]
