"""リッチメニューの別名の呼び出しの表(LINE.md 1.1)。"""

import re
from typing import Any

from backend.simulator.limits import HUNDRED_AN_HOUR
from backend.simulator.richmenus import MOST
from backend.simulator.wire import Answer, Answered, Call, Endpoint, invalid, not_found

_ALIAS = re.compile(r"[a-z0-9_-]{1,32}")
_ALIASES = "/v2/bot/richmenu/alias"


def create(call: Call) -> Answer:
    body, aliases = call.json(), call.world.menus.aliases()
    alias = body.get("richMenuAliasId")
    if not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
        raise invalid([{"message": "invalid richmenu alias id", "property": "richMenuAliasId"}])
    if alias in aliases:
        raise Answered(400, {"message": "conflict richmenu alias id"})
    if len(aliases) >= MOST:
        raise Answered(400, {"message": "The maximum number of rich menu aliases has been reached"})
    _point(call, alias, body)
    return Answer()


def update(call: Call) -> Answer:
    if call.path["alias"] not in call.world.menus.aliases():
        raise not_found("richmenu alias not found")
    _point(call, call.path["alias"], call.json())
    return Answer()


def get(call: Call) -> Answer:
    alias = call.path["alias"]
    menu = call.world.menus.aliases().get(alias)
    if menu is None:
        raise not_found("richmenu alias not found")
    return Answer(body={"richMenuAliasId": alias, "richMenuId": menu})


def list_all(call: Call) -> Answer:
    found = call.world.menus.aliases().items()
    return Answer(body={"aliases": [{"richMenuAliasId": alias, "richMenuId": menu} for alias, menu in found]})


def delete(call: Call) -> Answer:
    if not call.world.menus.delete_alias(call.path["alias"]):
        raise not_found("richmenu alias not found")
    return Answer()


def _point(call: Call, alias: str, body: dict[str, Any]) -> None:
    """絵のないメニューも「見つからない」になる。"""
    menu = str(body.get("richMenuId"))
    if call.world.menus.image(menu) is None:
        raise Answered(400, {"message": "richmenu not found"})
    call.world.menus.set_alias(alias, menu)


endpoints = [
    Endpoint("POST", _ALIASES, create),
    Endpoint("GET", f"{_ALIASES}/list", list_all),
    Endpoint("POST", f"{_ALIASES}/{{alias:str}}", update),
    Endpoint("GET", f"{_ALIASES}/{{alias:str}}", get),
    Endpoint("DELETE", f"{_ALIASES}/{{alias:str}}", delete, HUNDRED_AN_HOUR),
]
