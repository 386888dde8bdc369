"""架空の友だちを一度にたくさん作る。種と番号が同じなら、いつも同じ人。"""

import hashlib
from collections.abc import Iterator
from typing import Any

from backend.errors import Refused
from backend.simulator.platform import Person

_FAMILY = "青木 石井 井上 上田 大野 岡田 小川 加藤 金子 菊地 木村 小林 斎藤 酒井 清水 高木 中島 西村 橋本 林 原田 福田 藤井 松本 森 山口 和田".split()
_GIVEN = "葵 旭 杏 恵 和子 健太 翔 進 大輔 直樹 夏美 紀子 誠 美咲 実 結衣 優 陽菜 蓮 涼".split()


def made_up(count: int, seed: Any, first: int = 0) -> Iterator[Person]:
    for number in range(first, first + count):
        name = f"{_FAMILY[number % len(_FAMILY)]} {_GIVEN[number // len(_FAMILY) % len(_GIVEN)]}(架空)"
        yield Person(user_id(seed, number), name)


def user_id(seed: Any, number: int) -> str:
    """種と番号から決まる利用者のid。外の試験も同じ式で作れる。"""
    return "U" + hashlib.sha256(f"{seed}:{number}".encode()).hexdigest()[:32]


def described(value: Any) -> Person:
    """`{user, name, friend?, blocked?, deleted?, note?}`。"""
    if not isinstance(value, dict) or not isinstance(value.get("user"), str):
        raise Refused("people の一人ひとりに user が要ります。")
    user = value["user"]
    if len(user) != 33 or user[0] != "U" or not set(user[1:]) <= set("0123456789abcdef"):
        raise Refused(f"利用者のidの形ではありません: {user}", next_step="U に続けて16進小文字32桁にしてください。")
    flags = {name: bool(value.get(name, name == "friend")) for name in ("friend", "blocked", "deleted")}
    return Person(user, str(value.get("name", user[:8])), note=str(value.get("note", "")), **flags)
