"""試験の人々と、住民のページの代わりに話す客。"""

from datetime import date, timedelta
from typing import Any

from backend.consent.notices import Purpose
from backend.residents import preferences
from backend.residents.choices import Choices
from backend.residents.vocabulary import AgeBand, Language, Slot, Stream, Topic
from backend.store import clock, work

SAKURA = "U" + "0" * 31 + "1"
KEN = "U" + "0" * 31 + "2"
LIN = "U" + "0" * 31 + "3"
HONGO_3 = 28


def user(number: int) -> str:
    return f"U{number:032x}"


async def today() -> date:
    return (await clock.now()).astimezone(clock.JST).date()


async def everything() -> Choices:
    """すべての目的に同意した人。"""
    now = await today()
    born = (now.replace(day=1) - timedelta(days=200)).replace(day=1)
    due = (now.replace(day=1) + timedelta(days=100)).replace(day=1)
    return Choices(
        purposes=Purpose(63),
        area=12,
        age_band=AgeBand.THIRTIES,
        due_months=(due,),
        birth_months=(born,),
        topics=(Topic.BOSAI, Topic.EVENT),
        language=Language.EN,
        collection_area=13,
        streams=(Stream.BURNABLE,),
        slot=Slot.EVENING,
    )


async def consented(keys: Any, user_id: str, choices: Choices | None = None, **more: Any) -> Any:
    return await work.run(preferences.save, keys, user_id, choices or await everything(), **more)


async def renewed(keys: Any, user_id: str, purpose: Purpose, **more: Any) -> Any:
    return await work.run(preferences.renew, keys, user_id, purpose, **more)
