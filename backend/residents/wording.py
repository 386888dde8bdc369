"""預かっている内容の読み下し: 画面・開示・レシートが同じ言い方をする。"""

from datetime import date

from backend.consent.notices import Purpose
from backend.residents.choices import Choices
from backend.residents.vocabulary import AgeBand, Slot
from backend.ward import areas


def sentences(choices: Choices) -> list[str]:
    """目的ごとに一行ずつ。答えていないものは「答えていません」と言う。"""
    return [f"{purpose.label}: {_WORDS[purpose](choices) or '答えていません'}" for purpose in choices.purposes]


def month(day: date) -> str:
    return f"{day.year}年{day.month}月"


def _parenting(c: Choices) -> str:
    dues = c.birth_due_months or (None,) * len(c.birth_months)
    children = [
        f"{month(birth)}生まれ" + (f"(予定月 {month(due)})" if due else "")
        for birth, due in zip(c.birth_months, dues, strict=True)
    ]
    return "、".join([*(f"出産予定 {month(due)}" for due in c.due_months), *children])


def _garbage(c: Choices) -> str:
    parts = [
        areas.name_of(c.collection_area) if c.collection_area else "",
        "・".join(stream.label for stream in c.streams),
        Slot(c.slot).label if c.slot else "",
    ]
    return "、".join(part for part in parts if part)


_WORDS = {
    Purpose.AREA: lambda c: areas.name_of(c.area) if c.area else "",
    Purpose.AGE: lambda c: AgeBand(c.age_band).label if c.age_band else "",
    Purpose.PARENTING: _parenting,
    Purpose.TOPICS: lambda c: "、".join(topic.label for topic in c.topics),
    Purpose.GARBAGE: _garbage,
    Purpose.LANGUAGE: lambda c: c.language.label if c.language else "",
}
