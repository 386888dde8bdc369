"""LINEに見せている姿の覚え(menu_known)と、それを変える人を一度に一人にする錠。

反映の歩みと切り替えは、見てから変える。見たことが変えるまで本当であるように、どちらもこの錠の中で行う。
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from backend.account import state
from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.menus import composing
from backend.menus.composing import Composition
from backend.menus.plan import Deployed
from backend.menus.roles import Role
from backend.store import work
from backend.store.pool import raw

POINTING, APPLYING = "menu_point", "menu_apply"
_BUSY = {POINTING: "いま、LINEに合わせているところです。", APPLYING: "いま、ほかの反映が進んでいます。"}


class Busy(Refused):
    """ほかのところで、いま行っている。"""


@asynccontextmanager
async def alone(lock: str = POINTING, *, wait: bool = True) -> AsyncIterator[None]:
    """向きを変えるのも、反映するのも、一度に一人。`wait` でなければ、待たずに `Busy`。

    持ち主が死ねば、データベースが錠を返す。
    """
    async with raw() as connection:
        verb = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
        if await connection.fetchval(f"select {verb}(hashtext($1))", lock) is False:
            raise Busy(_BUSY[lock], next_step="少し待って、画面を開き直してください。")
        try:
            yield
        finally:
            if not connection.is_closed():
                await connection.execute("select pg_advisory_unlock(hashtext($1))", lock)


async def elsewhere(key: str) -> bool:
    """`key`(役目と版)を見せようとしている間に、アカウントの状態が変わり、見せる役目が変わったか。"""
    planned = key.split(":")[0]
    wanted = composing.role_shown(await state.current()).value
    return wanted != (Role.RESIDENT.value if planned == Role.EVENT.value else planned)


async def set_alias(line: Gateway, alias: str, menu_id: str) -> None:
    """別名をそのメニューに向ける。無ければ作る。"""
    try:
        await line.update_rich_menu_alias(alias, menu_id)
    except LineError as error:
        if error.status not in (400, 404):
            raise
        if alias in await line.rich_menu_aliases():
            raise
        await line.create_rich_menu_alias(alias, menu_id)


async def remember(key: str, default: str | None, aliases: dict[str, str]) -> None:
    """LINEと合わせ終えた姿を覚える。これと違えば、ほかのだれかが変えた。"""
    await work.sql(
        "update menu_known set shown = $1, default_id = $2, aliases = $3::jsonb, problem = '', drift = '', "
        "settled_at = ward_now()",
        key,
        default,
        msgspec.json.encode(aliases).decode(),
    )


async def settled(composition: Composition, found: Deployed) -> bool:
    """LINEの既定と別名が、その組を見せる向きになっているか。"""
    names = await deployed_ids(composition)
    if composition.shown.id not in names:
        return False
    default, aliases = composing.pointing(names, composition.shown.id)
    return found.default == default and aliases.items() <= found.aliases.items()


async def deployed_ids(composition: Composition) -> dict[int, list[tuple[str, str]]]:
    """版 → (別名, id)。宣言のタブの順。いちばん新しく置いたものを使う。"""
    found: dict[int, list[tuple[str, str]]] = {}
    for version in composition.sets:
        rows = await work.sql(
            "select distinct on (alias) alias, rich_menu_id from menu_deployed where version_id = $1 "
            "order by alias, created_at desc",
            version.id,
        )
        ids = {row["alias"]: row["rich_menu_id"] for row in rows}
        tabs = [tab.alias for tab in version.declaration.tabs]
        if all(alias in ids for alias in tabs):
            found[version.id] = [(alias, ids[alias]) for alias in tabs]
    return found
