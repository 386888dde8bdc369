"""LINEのメッセージと要求の本文(バイト列)。承認されたバイト列が、そのまま電話に届く。"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from backend.line import limits


def utf16_length(words: str) -> int:
    """LINEの数え方での長さ。絵文字や、基本の面にない漢字は2。"""
    return len(words) + sum(1 for letter in words if ord(letter) > 0xFFFF)


def text(words: str) -> dict[str, Any]:
    """テキスト一つ。"""
    return {"type": "text", "text": words}


def encode(messages: Sequence[dict[str, Any]]) -> bytes:
    """メッセージの並びを、要求に入れるJSONの配列にする。並びが1〜5でなければ `ValueError`。"""
    if not 1 <= len(messages) <= limits.MESSAGES:
        raise ValueError(f"メッセージは1〜{limits.MESSAGES}個です。")
    return msgspec.json.encode(list(messages))


def multicast_body(ids: Sequence[str], messages: bytes, silent: bool) -> bytes:
    """マルチキャストの本文。`messages` は `encode` したもの。宛先は1〜500人で、順を変えない。

    `messages` は一文字も触らずに入れる。宛先だけをここで書く(同じ鍵の送り直しは同じ本文でなければならない)。
    """
    if not 1 <= len(ids) <= limits.MULTICAST_IDS:
        raise ValueError(f"宛先は1〜{limits.MULTICAST_IDS}人です。")
    return b'{"to":' + msgspec.json.encode(list(ids)) + b"," + _rest(messages, silent)


def broadcast_body(messages: bytes, silent: bool) -> bytes:
    """全員あての本文。"""
    return b"{" + _rest(messages, silent)


def validate_body(messages: bytes) -> bytes:
    """送る前の検査の本文。"""
    return b'{"messages":' + messages + b"}"


def dump(value: Any) -> bytes:
    """そのほかの要求の本文。"""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _rest(messages: bytes, silent: bool) -> bytes:
    quiet = b',"notificationDisabled":true' if silent else b""
    return b'"messages":' + messages + quiet + b"}"
