"""リッチメニューの呼び出し(LINE.md 1.1)。`Gateway` の一部で、つなぎ方は `Gateway` が知っている。"""

from abc import ABC, abstractmethod
from datetime import date
from typing import Any
from urllib.parse import quote

from backend.line.channel_token import ChannelToken
from backend.line.message import dump
from backend.line.sdk import Call, Reply, found, value_of


class RichMenuCalls(ABC):
    @abstractmethod
    async def _call(self, call: Call, channel: ChannelToken | None = None) -> Reply: ...

    @abstractmethod
    async def _ask(self, name: str, endpoint: str, *arguments: Any, blob: bool = False, **keywords: Any) -> Reply: ...

    async def validate_rich_menu(self, menu: dict[str, Any]) -> None:
        await self._call(Call("POST", "/v2/bot/richmenu/validate", body=dump(menu)))

    async def create_rich_menu(self, menu: dict[str, Any]) -> str:
        """新しいメニューのid。1時間に100回まで。"""
        # SDKは名前の長さをLINEと違う数え方で断る(LINE.md 1.1)ので、本文は自分で渡す。
        return str(value_of(await self._call(Call("POST", "/v2/bot/richmenu", body=dump(menu))), "richMenuId"))

    async def upload_rich_menu_image(self, menu_id: str, image: bytes, content_type: str) -> None:
        """絵を付ける(JPEGかPNG、1MBまで)。一度付けた絵は替えられない。"""
        # `_headers` で種類を渡さないと、SDKは絵をJSONにしようとして落ちる(LINE.md 4)。
        await self._ask(
            "set_rich_menu_image",
            "POST /v2/bot/richmenu/{richMenuId}/content",
            menu_id,
            image,
            _headers={"Content-Type": content_type},
            blob=True,
        )

    async def rich_menu_image(self, menu_id: str) -> bytes:
        endpoint = "GET /v2/bot/richmenu/{richMenuId}/content"
        return bytes((await self._ask("get_rich_menu_image", endpoint, menu_id, blob=True)).data)

    async def rich_menus(self) -> list[dict[str, Any]]:
        """このAPIで作ったメニュー。LINEの管理画面で作ったものは出ない。"""
        return list(value_of(await self._call(Call("GET", "/v2/bot/richmenu/list")), "richmenus"))

    async def delete_rich_menu(self, menu_id: str) -> None:
        await self._ask("delete_rich_menu", "DELETE /v2/bot/richmenu/{richMenuId}", menu_id)

    async def set_default_rich_menu(self, menu_id: str) -> None:
        await self._ask("set_default_rich_menu", "POST /v2/bot/user/all/richmenu/{richMenuId}", menu_id)

    async def default_rich_menu(self) -> str | None:
        """全員のメニューのid。LINEの管理画面で付けたものがあると `LineError` の403。"""
        reply = await found(self._ask("get_default_rich_menu_id", "GET /v2/bot/user/all/richmenu"))
        return reply.data.rich_menu_id if reply else None

    async def clear_default_rich_menu(self) -> None:
        await self._ask("cancel_default_rich_menu", "DELETE /v2/bot/user/all/richmenu")

    async def rich_menu_aliases(self) -> dict[str, str]:
        """別名 → メニューのid。"""
        found = value_of(await self._call(Call("GET", "/v2/bot/richmenu/alias/list")), "aliases")
        return {alias["richMenuAliasId"]: alias["richMenuId"] for alias in found}

    async def create_rich_menu_alias(self, alias: str, menu_id: str) -> None:
        body = dump({"richMenuAliasId": alias, "richMenuId": menu_id})
        await self._call(Call("POST", "/v2/bot/richmenu/alias", body=body))

    async def update_rich_menu_alias(self, alias: str, menu_id: str) -> None:
        path = f"/v2/bot/richmenu/alias/{quote(alias, safe='')}"
        await self._call(Call("POST", "/v2/bot/richmenu/alias/{aliasId}", path, dump({"richMenuId": menu_id})))

    async def delete_rich_menu_alias(self, alias: str) -> None:
        await self._ask("delete_rich_menu_alias", "DELETE /v2/bot/richmenu/alias/{aliasId}", alias)

    async def validate_rich_menu_batch(self, operations: list[dict[str, Any]]) -> None:
        await self._call(Call("POST", "/v2/bot/richmenu/validate/batch", body=dump({"operations": operations})))

    async def batch_rich_menus(self, operations: list[dict[str, Any]], resume_key: str) -> str:
        """一人ずつのメニューをまとめて替える。1時間に3回まで。進み具合を尋ねる札(request id)を返す。"""
        body = dump({"operations": operations, "resumeRequestKey": resume_key})
        return (await self._call(Call("POST", "/v2/bot/richmenu/batch", body=body))).request_id

    async def rich_menu_batch_progress(self, request_id: str) -> str:
        """ongoing | succeeded | failed。"""
        path = f"/v2/bot/richmenu/progress/batch?requestId={quote(request_id, safe='')}"
        return str(value_of(await self._call(Call("GET", "/v2/bot/richmenu/progress/batch", path)), "phase"))

    async def rich_menu_insight(self, menu_id: str, first: date, last: date) -> dict[str, Any]:
        """期間の統計。押した人が20人より少ないと、idだけが返る。"""
        path = f"/v2/bot/insight/richmenu/{quote(menu_id, safe='')}/summary?from={first:%Y%m%d}&to={last:%Y%m%d}"
        return (await self._call(Call("GET", "/v2/bot/insight/richmenu/{richMenuId}/summary", path))).data
