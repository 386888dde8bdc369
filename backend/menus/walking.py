"""反映の一歩ずつの行い方。先にLINEの姿を見て、済んでいれば何もしない。"""

from collections.abc import Awaitable, Callable

from backend.errors import LineError
from backend.line.gateway import Gateway
from backend.menus import budget, deployed, shown, versions
from backend.menus.plan import Kind, Menu, Step
from backend.store import work

_GONE = "止まっているあいだに予定が変わり、要らなくなりました。"
_ELSEWHERE = "アカウントの状態が変わったので、切り替えに任せました。"


class Walk:
    """一歩ずつの行い方。どれも、済んでいれば何もしない。"""

    def __init__(self, line: Gateway, run_id: int, key: str, menus: dict[str, Menu], *, disaster: bool = False) -> None:
        """`key` は見せる組(役目と版)。`disaster` なら、災害時のために取っておいた回数も使う。"""
        self._line, self._run_id, self._key, self._menus, self._disaster = line, run_id, key, menus, disaster
        self._ids: dict[str, str] | None = None
        self._ways: dict[Kind, Callable[[Step], Awaitable[str]]] = {
            Kind.CREATE: self._create,
            Kind.UPLOAD: self._upload,
            Kind.ALIAS: self._alias,
            Kind.DEFAULT: self._default,
            Kind.UNLINK: self._unlink,
            Kind.DROP_ALIAS: self._drop_alias,
            Kind.DELETE: self._delete,
        }

    async def take(self, step: Step) -> str:
        return await self._ways[step.kind](step)

    async def _create(self, step: Step) -> str:
        if step.target not in self._menus:
            return _GONE
        menu_id = (await self._existing()).get(step.target)
        if menu_id is None:
            await budget.spend("create", disaster=self._disaster)
            menu_id = await self._line.create_rich_menu(body(self._menus[step.target]))
            (await self._existing())[step.target] = menu_id
        await self._note(step.target, menu_id)
        return menu_id

    async def _upload(self, step: Step) -> str:
        menu = self._menus.get(step.target)
        menu_id = (await self._existing()).get(step.target)
        if menu is None or menu_id is None:
            return _GONE
        await self._note(step.target, menu_id)
        picture = next(p for p in await versions.images(menu.version_id) if p.sha256.hex() == menu.image_sha256)
        try:
            await self._line.upload_rich_menu_image(menu_id, picture.body, picture.content_type)
        except LineError as error:
            # 400は「もう付いている」かもしれない。文では決めず、付いているかを見る。
            if error.status != 400 or not await deployed.has_image(self._line, menu_id):
                raise
        return ""

    async def _alias(self, step: Step) -> str:
        menu_id = (await self._existing()).get(step.other)
        async with shown.alone():
            if await shown.elsewhere(self._key):
                return _ELSEWHERE
            if menu_id:
                await shown.set_alias(self._line, step.target, menu_id)
        return menu_id or _GONE

    async def _default(self, step: Step) -> str:
        menu_id = (await self._existing()).get(step.target)
        async with shown.alone():
            if await shown.elsewhere(self._key):
                return _ELSEWHERE
            if menu_id:
                await self._line.set_default_rich_menu(menu_id)
        return menu_id or _GONE

    async def _unlink(self, step: Step) -> str:
        async with shown.alone():
            if await shown.elsewhere(self._key):
                return _ELSEWHERE
            await budget.spend("unlink")
            # 同じ鍵なら、前の続きだけが行われる(LINE.md 1.1)。済んだかは、切り替えと同じところが尋ねる。
            key = f"apply-{self._run_id}"
            request_id = await self._line.batch_rich_menus([{"type": "unlinkAll"}], key)
            await work.sql(
                "insert into menu_pointing (wanted, staff_name, pointed_at, unlink_key, unlink_id, unlink_phase, asked_at) "
                "select $1, 'システム', ward_now(), $2, $3, 'ongoing', ward_now() "
                "where not exists (select from menu_pointing where unlink_key = $2)",
                self._key,
                key,
                request_id,
            )
            return request_id

    async def _drop_alias(self, step: Step) -> str:
        if step.target in await self._line.rich_menu_aliases():
            await budget.spend("drop_alias")
            await self._line.delete_rich_menu_alias(step.target)
        return ""

    async def _delete(self, step: Step) -> str:
        if step.target not in set((await self._existing()).values()):
            return ""
        async with shown.alone():
            if await self._seen(step.target):  # 切り替えが、前の版へ向け直した。次の反映が消す
                return _ELSEWHERE
            await budget.spend("delete")
            try:
                await self._line.delete_rich_menu(step.target)
            except LineError as error:
                if error.status != 404:
                    raise
        return ""

    async def _seen(self, menu_id: str) -> bool:
        """いま住民に見えている向きの先か。"""
        try:
            if await self._line.default_rich_menu() == menu_id:
                return True
        except LineError as error:
            if error.status != 403:  # 403は、LINEの管理画面の既定
                raise
        return menu_id in (await self._line.rich_menu_aliases()).values()

    async def _existing(self) -> dict[str, str]:
        """名前→id。続きから始めたときは、死ぬ前に作ったものがここに見つかる。"""
        if self._ids is None:
            self._ids = await self._line_ids()
        return self._ids

    async def _line_ids(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for menu in await deployed.listed(self._line):
            name = str(menu.get("name", ""))
            key = (
                name if name not in found else f"{name}\n{menu['richMenuId']}"
            )  # 同じ名前の二枚目も、消すときには見つける
            found[key] = menu["richMenuId"]
        return found

    async def _note(self, name: str, menu_id: str) -> None:
        menu = self._menus[name]
        await work.sql(
            "insert into menu_deployed (rich_menu_id, name, version_id, alias) values ($1, $2, $3, $4) "
            "on conflict (rich_menu_id) do update set version_id = excluded.version_id",
            menu_id,
            name,
            menu.version_id,
            menu.alias,
        )


def body(menu: Menu) -> dict[str, object]:
    """LINEに渡すメニュー。"""
    return {"name": menu.name, **menu.body}
