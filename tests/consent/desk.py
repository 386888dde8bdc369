"""告知文の試験の人々と、新しい版の作り方。"""

from datetime import date, timedelta
from typing import Any

from backend.consent import publishing
from backend.consent.notices import Purpose
from backend.permissions import Actor, Role
from backend.residents import renewal
from backend.store import clock, work

OFFICER = Actor(901, "mori", "森", Role.PRIVACY_OFFICER, "somu", "総務課")
SECOND = Actor(902, "hayashi", "林", Role.PRIVACY_OFFICER, "somu", "総務課")
PR = Actor(903, "sato", "佐藤", Role.PR, "koho", "広報課")
CHIEF = Actor(904, "ito", "伊藤", Role.PR_CHIEF, "koho", "広報課")
SECTION = Actor(905, "tanaka", "田中", Role.SECTION_STAFF, "kosodate", "子育て支援課")


async def proposal(material: Purpose = Purpose(0), *, effective_in: int = 30, actor: Actor = PR, **more: Any) -> int:
    """いまの文に一字足した案。"""
    known = await publishing.versions()
    texts = await publishing.texts(next(one.version for one in known if one.published))
    for parts in texts.values():
        parts["common"] += f"\n(第{known[0].version + 1}版)"
    today: date = (await clock.now()).astimezone(clock.JST).date()
    wanted = {"published_on": today, "effective_on": today + timedelta(days=effective_in), "reason": "試験", **more}
    return await work.run(publishing.propose, actor, texts, material=material, **wanted)


async def publish(material: Purpose = Purpose(0), **more: Any) -> int:
    number = await proposal(material, **more)
    await work.run(renewal.publish, OFFICER, number)
    return number
