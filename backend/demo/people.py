"""お試しの人々: 架空の友だち3,000人と職員。同じ種からいつも同じ人々が生まれる。"""

import hashlib
import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from backend.demo import secrets
from backend.permissions import Role
from backend.settings import Settings
from backend.store import clock, work
from backend.store.pool import close_pool, open_pool

SEED = 13105
FRIENDS = 3000
CAST = ("さくら", "健", "リン")  # 利用者のidは順に …1、…2、…3(choices.pyと同じ)
_FAMILY = "青木 石井 井上 上田 大野 岡田 小川 加藤 金子 菊地 木村 工藤 小林 斎藤 酒井 佐々木 清水 高木 竹内 中島 西村 野口 橋本 林 原田 福田 藤井 前田 松本 三浦 宮崎 村上 森 山口 横山 吉田 和田".split()
_GIVEN = "葵 蒼 旭 杏 一郎 恵 和子 花 健太 幸子 翔 進 大輔 千代 直樹 夏美 紀子 春 ひかり 誠 真央 美咲 実 結衣 優 由美 陽菜 蓮 涼".split()


async def prepare(settings: Settings, data: Path, say: Callable[..., Any], *, count: int) -> None:
    """友だち、同意した人、職員、メニューを入れる。あるものは入れ直さないので、途中で止まっても同じところへ着く。"""
    assert settings.database_url
    await open_pool(settings.database_url.get_secret_value(), size=4)
    try:
        from backend.demo import menu

        async with httpx.AsyncClient(base_url=settings.simulator_url, timeout=60, trust_env=False) as simulator:
            await _set_webhook(settings, simulator)
            await _friends(simulator, count, say)
        await work.run(_staff, secrets.accounts(data))
        await consent(settings, count)
        await menu.apply(settings, data)
    finally:
        await close_pool()


def friends(count: int = FRIENDS) -> list[dict[str, Any]]:
    """模擬LINEの友だち。名前は姓と名を選んで組み合わせた架空のもの。"""
    chance = random.Random(SEED)  # noqa: S311  架空の人を決めるだけ
    people = [(name, f"U{number:032x}") for number, name in enumerate(CAST, 1)]
    people += [
        (f"{chance.choice(_FAMILY)} {chance.choice(_GIVEN)}", _user(number)) for number in range(count - len(CAST))
    ]
    return [{"user": user, "name": f"{name}(架空)", "friend": True, "blocked": False} for name, user in people]


async def consent(settings: Settings, count: int) -> None:
    """友だちのうち同意した人(choices.py)を入れる。だれかがもう登録していれば、何もしない。"""
    from backend.demo import choices
    from backend.residents import preferences
    from backend.residents.address import AddressKeys
    from backend.residents.vocabulary import Language

    if await work.sql("select 1 from resident limit 1"):
        return
    keys = AddressKeys.from_settings(settings)
    today: date = (await clock.now()).astimezone(clock.JST).date()
    made = choices.made_up([person["user"] for person in friends(count)], today)

    async def save() -> None:
        for language in Language:  # 選んだ言葉の告知文を読んでいる
            group = [(user, chosen) for user, chosen in made if (chosen.language or Language.JA) == language]
            if group:
                await preferences.save_many(keys, group, language=language)

    await work.run(save)


def _user(number: int) -> str:
    return "U" + hashlib.sha256(f"{SEED}:{number}".encode()).hexdigest()[:32]


async def _set_webhook(settings: Settings, simulator: httpx.AsyncClient) -> None:
    url = f"{settings.public_url}/line/webhook"
    (await simulator.post("/_sim/webhook", json={"url": url, "redelivery": True})).raise_for_status()


async def _friends(simulator: httpx.AsyncClient, count: int, say: Callable[..., Any]) -> None:
    known = (await simulator.get("/_sim/people", params={"limit": 1})).raise_for_status().json()["total"]
    if known < count:
        say("架空の人々を用意しています…")
        (await simulator.post("/_sim/people", json={"people": friends(count)})).raise_for_status()


async def _staff(made: list[dict[str, str]]) -> None:
    from backend.staff import invitations

    ready = {row["login"] for row in await work.sql("select login from staff_member where password_hash is not null")}
    sections = {code: name for _, _, _, code, name in secrets.STAFF}
    for account in made:
        if account["login"] not in ready:
            section = account["section"]
            await invitations.add(account["login"], account["name"], Role(account["role"]), section, sections[section])
            await invitations.set_password(account["login"], account["password"])
