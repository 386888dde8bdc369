"""お試しの人々が選んだこと: 同じ人からいつも同じ答えが生まれる。だれも実在しない。"""

import hashlib
import random
from datetime import date

from backend.consent.notices import Purpose
from backend.residents.choices import Choices
from backend.residents.vocabulary import AgeBand, Language, Slot, Stream, Topic
from backend.ward import areas

SHARE = 0.45
_CAST = {f"U{n:032x}": n for n in (1, 2, 3)}  # さくら、健、リン
_AGES = (
    AgeBand.FROM_18,
    AgeBand.THIRTIES,
    AgeBand.FORTIES,
    AgeBand.FIFTIES,
    AgeBand.SIXTIES,
    AgeBand.SEVENTIES,
    AgeBand.OVER_80,
)
HONGO_3 = next(area.code for area in areas.AREAS if area.name == "本郷三丁目")


def made_up(user_ids: list[str], today: date) -> list[tuple[str, Choices]]:
    """`user_ids` のうち、およそ45%の人の選んだこと。

    さくらと健は同意していない: さくらは、歩く人が自分の手で同意させる。リンは英語で同意している。
    """
    found: list[tuple[str, Choices]] = []
    for number, user_id in enumerate(user_ids):
        if user_id in _CAST:
            if _CAST[user_id] == 3:
                found.append((user_id, _lin()))
            continue
        chance = random.Random(hashlib.sha256(user_id.encode()).digest())  # noqa: S311  架空の人を決めるだけ
        if chance.random() < SHARE:
            found.append((user_id, _person(chance, number, today)))
    return found


def _lin() -> Choices:
    return Choices(
        purposes=Purpose.AREA | Purpose.TOPICS | Purpose.LANGUAGE,
        area=HONGO_3,
        topics=(Topic.BOSAI, Topic.INTERNATIONAL),
        language=Language.EN,
    )


def _person(chance: random.Random, number: int, today: date) -> Choices:
    # 七人に一人は本郷三丁目: 歩く人が選ぶ対象が、最少人数を下回らない。
    area = HONGO_3 if number % 7 == 0 else chance.randint(1, areas.OUTSIDE)
    purposes = Purpose.AREA if number % 7 == 0 or chance.random() < 0.85 else Purpose(0)
    for purpose, share in _SHARES:
        purposes |= purpose if chance.random() < share else Purpose(0)
    purposes = purposes or Purpose.AREA
    births, due = _children(chance, today)
    return Choices(
        purposes=purposes,
        area=area,
        age_band=chance.choice(_AGES),
        birth_months=births,
        due_months=due,
        topics=tuple(chance.sample(list(Topic), chance.randint(1, 4))),
        language=chance.choices(list(Language), (88, 3, 4, 3, 2))[0],
        collection_area=min(area, 68),
        streams=tuple(chance.sample(list(Stream), chance.randint(1, 4))),
        slot=chance.choice(list(Slot)),
    )


_SHARES = (
    (Purpose.AGE, 0.6),
    (Purpose.PARENTING, 0.4),
    (Purpose.TOPICS, 0.6),
    (Purpose.GARBAGE, 0.5),
    (Purpose.LANGUAGE, 0.3),
)
_MONTHS = ((0, 2), (3, 5), (6, 11), (12, 23), (24, 35), (36, 71), (86, 143), (158, 178), (194, 209))
"""時期ごとの月齢。学年の境の近くは、年度によって前後するので避ける。"""


def _children(chance: random.Random, today: date) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """(生まれた月, 予定月)。どの時期にも人がいるように、先に時期を選び、その中の月を選ぶ。"""
    if chance.random() < 0.15:
        return (), (_months_from(today, chance.randint(0, 8)),)
    count = chance.choices((1, 2, 3), (60, 32, 8))[0]
    return tuple(_months_from(today, -chance.randint(*chance.choice(_MONTHS))) for _ in range(count)), ()


def _months_from(today: date, months: int) -> date:
    total = today.year * 12 + today.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)
