"""メッセージの形の検査。LINEと同じ言葉で断る(LINE.md 1.1, 1.2)。"""

import json
import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

Detail = dict[str, str]
_SCHEMES = {"http", "https", "line", "tel"}


def units(text: str) -> int:
    """UTF-16の符号単位の数。"""
    return len(text.encode("utf-16-le")) // 2


def graphemes(text: str) -> int:
    """書記素の数(合字の絵文字、濁点、国旗は一つ)。LINEの数え方に足りるだけの近似。"""
    count, joined, flags = 0, False, 0
    for character in text:
        code = ord(character)
        extends = unicodedata.combining(character) or code in (0x200D, 0xFE0E, 0xFE0F, 0x20E3, 0x3099, 0x309A)
        extends = extends or 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F
        is_flag = 0x1F1E6 <= code <= 0x1F1FF
        flags = flags + 1 if is_flag else 0
        if not (extends or joined or (is_flag and flags % 2 == 0)):
            count += 1
        joined = code == 0x200D
    return count


def check(messages: Any) -> list[Detail]:
    """誤りの列。空なら送れる。"""
    if not isinstance(messages, list) or not 1 <= len(messages) <= 5:
        return [_detail("Size must be between 1 and 5", "messages")]
    found: list[Detail] = []
    for index, message in enumerate(messages):
        where = f"messages[{index}]"
        kind = message.get("type") if isinstance(message, dict) else None
        checker = _CHECKERS.get(kind) if isinstance(kind, str) else None
        if checker is None:
            found.append(_detail("Must be one of the following values: [text, image, video, audio, location, sticker, "
                                 "template, imagemap, flex, textV2, coupon]", f"{where}.type"))  # fmt: skip
        else:
            found += checker(message, where) + _around(message, where)
    return found


def check_uri(uri: Any, where: str) -> list[Detail]:
    if not isinstance(uri, str) or not uri:
        return [_detail("must be specified", where)]
    if units(uri) > 1000 or urlsplit(uri).scheme not in _SCHEMES or any(c.isspace() or ord(c) > 126 for c in uri):
        return [_detail("invalid uri", where)]
    return []


def _around(message: dict[str, Any], where: str) -> list[Detail]:
    """どの種類にも付けられるもの: 送り主の名前と、押すだけの返事。"""
    found: list[Detail] = []
    items = message.get("quickReply", {}).get("items", [])
    if len(items) > 13:
        found.append(_detail("Size must be between 0 and 13", f"{where}.quickReply.items"))
    sender = message.get("sender", {})
    if units(sender.get("name", "")) > 20:
        found.append(_detail("Length must be between 0 and 20", f"{where}.sender.name"))
    elif "line" in sender.get("name", "").lower():
        found.append(_detail("The sender name contains a word that can't be used", f"{where}.sender.name"))
    return found + (_https(sender["iconUrl"], f"{where}.sender.iconUrl") if "iconUrl" in sender else [])


def _text(message: dict[str, Any], where: str) -> list[Detail]:
    text = message.get("text")
    if not isinstance(text, str) or not text:
        return [_detail("May not be empty", f"{where}.text")]
    return [] if units(text) <= 5000 else [_detail("Length must be between 0 and 5000", f"{where}.text")]


def _image(message: dict[str, Any], where: str) -> list[Detail]:
    return [
        d for name in ("originalContentUrl", "previewImageUrl") for d in _https(message.get(name), f"{where}.{name}")
    ]


def _alt_text(message: dict[str, Any], where: str) -> list[Detail]:
    text = message.get("altText")
    if not isinstance(text, str) or not text:
        return [_detail("May not be empty", f"{where}.altText")]
    return [] if units(text) <= 1500 else [_detail("Length must be between 0 and 1500", f"{where}.altText")]


def _flex(message: dict[str, Any], where: str) -> list[Detail]:
    found, contents = _alt_text(message, where), message.get("contents")
    if not isinstance(contents, dict) or contents.get("type") not in ("bubble", "carousel"):
        return [*found, _detail("must be specified", f"{where}.contents")]
    bubbles = contents.get("contents", []) if contents["type"] == "carousel" else [contents]
    if len(bubbles) > 12:
        found.append(_detail("Size must be between 1 and 12", f"{where}.contents.contents"))
    if any(len(json.dumps(bubble, ensure_ascii=False).encode()) > 30_000 for bubble in bubbles):
        found.append(_detail("The bubble is too large", f"{where}.contents"))
    if len(json.dumps(contents, ensure_ascii=False).encode()) > 50_000:
        found.append(_detail("The carousel is too large", f"{where}.contents"))
    return found


def _imagemap(message: dict[str, Any], where: str) -> list[Detail]:
    found = _alt_text(message, where) + _https(message.get("baseUrl"), f"{where}.baseUrl")
    if len(message.get("actions", [])) > 50:
        found.append(_detail("Size must be between 0 and 50", f"{where}.actions"))
    return found


def _https(url: Any, where: str) -> list[Detail]:
    if not isinstance(url, str) or not url.startswith("https://") or units(url) > 2000:
        return [_detail("Must be a valid HTTPS URL", where)]
    return []


def _nothing(_message: dict[str, Any], _where: str) -> list[Detail]:
    return []


def _detail(message: str, where: str) -> Detail:
    return {"message": message, "property": where}


_CHECKERS: dict[str, Callable[[dict[str, Any], str], list[Detail]]] = {
    "text": _text,
    "textV2": _text,
    "image": _image,
    "flex": _flex,
    "imagemap": _imagemap,
    "template": _alt_text,
    "sticker": _nothing,
    "video": _nothing,
    "audio": _nothing,
    "location": _nothing,
    "coupon": _nothing,
}
