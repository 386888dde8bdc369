"""LINEの姿を読む: メニュー、別名、既定。何も変えない。"""

import asyncio
from dataclasses import replace
from typing import Any

from backend.errors import LineError, Outcome
from backend.line.gateway import Gateway
from backend.menus import plan
from backend.menus.plan import Deployed


async def read(line: Gateway) -> Deployed:
    """いまのLINEの姿。既定が管理画面のものなら(403)、`console_default` が真になる。"""
    found = await pointed(line)
    mine = [menu_id for menu_id, name in found.menus.items() if plan.ours(name)]
    imaged = await asyncio.gather(*(has_image(line, menu_id) for menu_id in mine))
    return replace(found, imaged=frozenset(m for m, yes in zip(mine, imaged, strict=True) if yes))


async def pointed(line: Gateway) -> Deployed:
    """絵が付いているかを除いた、いまのLINEの姿。呼び出しは三回。"""
    menus, aliases, (default, console) = await asyncio.gather(listed(line), line.rich_menu_aliases(), _default(line))
    names = {menu["richMenuId"]: str(menu.get("name", "")) for menu in menus}
    return Deployed(names, frozenset(), aliases, default, console)


async def listed(line: Gateway) -> list[dict[str, Any]]:
    """メニューの一覧。1秒に10回までなので、断られたら少し待つ(LINE.md 1)。"""
    for wait in (0.2, 0.4, 0.8):
        try:
            return await line.rich_menus()
        except LineError as error:
            if error.outcome is not Outcome.THROTTLED:
                raise
            await asyncio.sleep(wait)
    return await line.rich_menus()


async def has_image(line: Gateway, menu_id: str) -> bool:
    try:
        return bool(await line.rich_menu_image(menu_id))
    except LineError as error:
        if error.status == 404:
            return False
        raise


async def _default(line: Gateway) -> tuple[str | None, bool]:
    try:
        return await line.default_rich_menu(), False
    except LineError as error:
        if error.status == 403:
            return None, True
        raise
