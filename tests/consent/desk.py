"""告知文の試験の人々と、新しい版の作り方。"""

from datetime import date, timedelta
from typing import Any

from backend.consent import publishing
from backend.consent.notices import LANGUAGES, PARTS, Purpose
from backend.consent.translations import TRANSLATED, Translation
from backend.permissions import Actor, Role
from backend.residents import renewal
from backend.store import clock, work
from tests import cast

OFFICER = Actor(901, "mori", "森", Role.PRIVACY_OFFICER, "somu", "総務課")
SECOND = Actor(902, "hayashi", "林", Role.PRIVACY_OFFICER, "somu", "総務課")
PR = Actor(903, "sato", "佐藤", Role.PR, "koho", "広報課")
CHIEF = Actor(904, "ito", "伊藤", Role.PR_CHIEF, "koho", "広報課")
SECTION = Actor(905, "tanaka", "田中", Role.SECTION_STAFF, "kosodate", "子育て支援課")


async def proposal(material: Purpose = Purpose(0), *, effective_in: int = 30, actor: Actor = PR, **more: Any) -> int:
    """いまの文に一字足した案。`more` の言語の名(`ja=`)は、その言語の部分を置き換える。"""
    known = await publishing.versions()
    texts = await publishing.texts(next(one.version for one in known if one.published))
    for language, parts in texts.items():
        texts[language] = parts or dict(texts["ja"])
        texts[language]["common"] += f"\n(第{known[0].version + 1}版)"
    for language in {"ja", *TRANSLATED} & set(more):
        texts[language] |= more.pop(language)
    today: date = (await clock.now()).astimezone(clock.JST).date()
    translated = {language: Translation("国際交流の訳者", "広報課", today) for language in TRANSLATED}
    wanted = {
        "translated": translated,
        "published_on": today,
        "effective_on": today + timedelta(days=effective_in),
        "reason": "試験",
        **more,
    }
    return await work.run(publishing.propose, actor, texts, material=material, **wanted)


async def publish(material: Purpose = Purpose(0), **more: Any) -> int:
    await cast.enrol(OFFICER)
    number = await proposal(material, **more)
    await work.run(renewal.publish, OFFICER, number)
    return number


async def form(*, only: str = "", **changed: Any) -> dict[str, Any]:
    """新しい案の欄。`only` の言語(空なら、日本語のほかのすべて)に訳の記録がある。"""
    today = (await clock.now()).astimezone(clock.JST).date().isoformat()
    texts = await publishing.texts(1)
    fields = {f"{lang}.{part}": texts[lang][part] + "改" for lang in LANGUAGES for part in PARTS}
    for language in (only,) if only else TRANSLATED:
        names = {"translator": "翻訳会社", "checker": "国際交流担当", "checked_on": today}
        fields |= {f"{language}.{name}": value for name, value in names.items()}
    dates = {"published_on": today, "effective_on": today}
    return {**fields, **dates, "reason": "言い方を直した", "material": ["area"], **changed}
