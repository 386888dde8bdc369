"""リッチメニューの形の検査。LINEと同じ言葉で断る(LINE.md 1.1)。"""

import io
from collections.abc import Callable
from typing import Any

from PIL import Image, UnidentifiedImageError

from backend.simulator.messages import Detail, check_uri, graphemes, units

AREAS = 20
IMAGE_BYTES = 1_000_000
_SWITCH_ALIAS = 32


def check(menu: dict[str, Any]) -> list[Detail]:
    """誤りの列。空なら作れる。"""
    found = _size(menu.get("size"))
    if not isinstance(menu.get("selected"), bool):
        found.append(_missing("selected"))
    found += _counted(menu.get("name"), "name", 300, graphemes)
    found += _counted(menu.get("chatBarText"), "chatBarText", 14, graphemes)
    areas = menu.get("areas")
    if not isinstance(areas, list):
        return [*found, _missing("areas")]
    if len(areas) > AREAS:
        found.append(_detail(f"Size must be between 0 and {AREAS}", "areas"))
    for index, area in enumerate(areas):
        found += _area(area if isinstance(area, dict) else {}, f"areas[{index}]")
    return found


def image_fits(body: bytes) -> bool:
    """JPEGかPNGで、幅800〜2500、高さ250以上、幅÷高さ1.45以上、1MB以下。"""
    if len(body) > IMAGE_BYTES:
        return False
    try:
        with Image.open(io.BytesIO(body)) as image:
            width, height, kind = image.width, image.height, image.format
    except (UnidentifiedImageError, Image.DecompressionBombError):
        return False
    return kind in ("JPEG", "PNG") and _fits(width, height)


def check_batch(operations: Any, has_image: Callable[[str], bool]) -> list[Detail]:
    """まとめての置き換えの誤り: 重なった `from`、絵のない `to`、ほかと混ざった unlinkAll。"""
    if not isinstance(operations, list) or not 1 <= len(operations) <= 1000:
        return [_detail("Size must be between 1 and 1000", "operations")]
    found: list[Detail] = []
    sources: set[str] = set()
    for index, given in enumerate(operations):
        where, operation = f"operations[{index}]", given if isinstance(given, dict) else {}
        kind, source = operation.get("type"), operation.get("from")
        if kind == "unlinkAll":
            if len(operations) > 1:
                found.append(_detail("unlinkAll can't be used with other operations", where))
            continue
        if kind not in ("link", "unlink"):
            found.append(_detail("Must be one of the following values: [link, unlink, unlinkAll]", f"{where}.type"))
            continue
        if not isinstance(source, str) or not source:
            found.append(_missing(f"{where}.from"))
        elif source in sources:
            found.append(_detail("duplicated from", f"{where}.from"))
        sources.add(str(source))
        if kind == "link" and not has_image(str(operation.get("to"))):
            found.append(_detail("richmenu not found", f"{where}.to"))
    return found


def _size(size: Any) -> list[Detail]:
    if not isinstance(size, dict):
        return [_missing("size")]
    width, height = size.get("width"), size.get("height")
    if not isinstance(width, int):
        return [_missing("size.width")]
    if not isinstance(height, int):
        return [_missing("size.height")]
    return [] if _fits(width, height) else [_detail("invalid size", "size")]


def _fits(width: int, height: int) -> bool:
    return 800 <= width <= 2500 and height >= 250 and width / height >= 1.45


def _area(area: dict[str, Any], where: str) -> list[Detail]:
    bounds = area.get("bounds")
    if not isinstance(bounds, dict):
        found = [_missing(f"{where}.bounds")]
    else:
        least = {"x": 0, "y": 0, "width": 1, "height": 1}
        found = [
            _detail(f"must be greater than or equal to {low}", f"{where}.bounds.{name}")
            for name, low in least.items()
            if not _whole(bounds.get(name), low)
        ]
    action = area.get("action")
    kind = action.get("type") if isinstance(action, dict) else None
    if not isinstance(action, dict) or kind not in _ACTIONS:
        return [*found, _missing(f"{where}.action" if not isinstance(action, dict) else f"{where}.action.type")]
    if "label" in action:
        found += _counted(action["label"], f"{where}.action.label", 20, graphemes)
    return found + _ACTIONS[kind](action, f"{where}.action")


def _uri(action: dict[str, Any], where: str) -> list[Detail]:
    found = check_uri(action.get("uri"), f"{where}.uri")
    desktop = action.get("altUri", {}).get("desktop")
    return found + (check_uri(desktop, f"{where}.altUri.desktop") if desktop is not None else [])


def _postback(action: dict[str, Any], where: str) -> list[Detail]:
    found = _counted(action.get("data"), f"{where}.data", 300, units)
    for name in ("displayText", "text", "fillInText"):
        if name in action:
            found += _counted(action[name], f"{where}.{name}", 300, graphemes)
    return found


def _message(action: dict[str, Any], where: str) -> list[Detail]:
    return _counted(action.get("text"), f"{where}.text", 300, graphemes)


def _switch(action: dict[str, Any], where: str) -> list[Detail]:
    alias = _counted(action.get("richMenuAliasId"), f"{where}.richMenuAliasId", _SWITCH_ALIAS, units)
    return alias + _counted(action.get("data"), f"{where}.data", 300, units)


def _clipboard(action: dict[str, Any], where: str) -> list[Detail]:
    return _counted(action.get("clipboardText"), f"{where}.clipboardText", 1000, units)


def _moment(action: dict[str, Any], where: str) -> list[Detail]:
    found = _counted(action.get("data"), f"{where}.data", 300, units)
    return found if action.get("mode") in ("date", "time", "datetime") else [*found, _missing(f"{where}.mode")]


def _counted(value: Any, where: str, most: int, count: Callable[[str], int]) -> list[Detail]:
    if not isinstance(value, str) or not value:
        return [_missing(where)]
    return [] if count(value) <= most else [_detail(f"Length must be between 0 and {most}", where)]


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _missing(where: str) -> Detail:
    return _detail("must be specified", where)


def _detail(message: str, where: str) -> Detail:
    return {"message": message, "property": where}


_ACTIONS: dict[str, Callable[[dict[str, Any], str], list[Detail]]] = {
    "uri": _uri,
    "postback": _postback,
    "message": _message,
    "richmenuswitch": _switch,
    "datetimepicker": _moment,
    "clipboard": _clipboard,
}
