"""C2の模型: 一人が何に同意し、何と答え、いつ終わるかを、製品のどの行も見ずに知っている。"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import asyncpg

from backend.consent.notices import Purpose
from backend.residents import journal
from backend.residents.choices import ATTRIBUTES, Choices
from backend.residents.vocabulary import AgeBand, Language, Slot, Stream, Topic, mask

NEVER = datetime.min.replace(tzinfo=UTC)
Grants = dict[Purpose, tuple[int, datetime]]
"""目的 → (告知文の版, 終わり)。"""
FAMILIES: tuple[tuple[int | None, tuple[int, ...]], ...] = ((None, ()), (1, ()), (None, (-6,)), (3, (-20, -210)))
"""予定月と、生まれた月(今月から何か月か)。最後の子は、待っているうちに高校の年代を過ぎる。"""


@dataclass
class World:
    """試験の間だけの、外の世界。"""

    loop: asyncio.AbstractEventLoop
    keys: Any
    owner: asyncpg.Connection
    truncate: str
    steps: int = 0
    sends: int = 0
    sent: int = 0
    restored: int = 0

    def run(self, coroutine: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(coroutine)


@dataclass
class Known:
    """模型が知っている一人。`at` は最後に同意した時。"""

    grants: Grants = field(default_factory=dict)
    at: datetime = NEVER
    choices: Choices = field(default_factory=lambda: Choices(purposes=Purpose(0)))

    @property
    def held(self) -> Purpose:
        return Purpose(sum(map(int, self.grants)))

    @property
    def row(self) -> dict[str, Any]:
        """行にあるはずの答え。同意のない目的の列は空(I6)。"""
        c = self.choices
        return {
            "area": c.area,
            "age_band": c.age_band,
            "topics": mask(c.topics),
            "language": c.language.value if c.language else None,
            "collection_area": c.collection_area,
            "streams": mask(c.streams),
            "slot": c.slot,
            "due_month": c.due_months[0] if c.due_months else None,
            "births": [*c.birth_months],
        }

    def keep(self, grants: Grants) -> None:
        """`grants` の目的だけを残し、ほかの答えを忘れる。"""
        self.grants = grants
        nothing = Choices(purposes=self.held)
        gone = [name for purpose, names in ATTRIBUTES.items() if not purpose & self.held for name in names]
        self.choices = replace(self.choices, purposes=self.held, **{name: getattr(nothing, name) for name in gone})

    def end(self, purposes: Purpose | None, now: datetime) -> list[str]:
        """`purposes`(Noneならすべて)と、終わりを過ぎたものを終える。残るはずの消去の記録の印を返す。"""
        before = self.held
        ended = before if purposes is None else purposes
        self.keep({p: one for p, one in self.grants.items() if not p & ended and one[1] > now})
        if not before:
            return []
        return [journal.purpose(p) for p in before & ~self.held] if self.grants else [""]

    def family(self, due: tuple[date, ...], born: tuple[date, ...], now: datetime) -> list[str]:
        """妊娠と子を替える。一つでも減って空になれば、目的も終わる。印を返す。"""
        gone = [journal.birth(month) for month in {*self.choices.birth_months} - {*born}]
        gone += [journal.due(month) for month in self.choices.due_months if month not in due]
        self.choices = replace(self.choices, due_months=due, birth_months=born)
        return gone + (self.end(Purpose.PARENTING, now) if gone and not due and not born else [])


def answers(purposes: Purpose, today: date, family: int = 0) -> Choices:
    """保存する答え。同意しない目的の答えも送り、製品が落とすのを見る。"""
    due, born = FAMILIES[family]
    return Choices(
        purposes=purposes,
        area=12,
        age_band=AgeBand.THIRTIES,
        topics=(Topic.BOSAI,),
        language=Language.KO,
        collection_area=13,
        streams=(Stream.PLASTIC,),
        slot=Slot.MORNING,
        due_months=(month(today, due),) if due else (),
        birth_months=tuple(month(today, ago) for ago in born),
    )


def saved(known: Known, wanted: Choices, fresh: Grants, now: datetime) -> tuple[Known, list[str]]:
    """保存の後の一人と、印。`fresh` は、いま同意したときの、目的ごとの版と終わり。"""
    after = Known(fresh, now, wanted)
    after.keep(fresh)
    live = {p: one for p, one in known.grants.items() if one[1] > now}
    same = [p for p in live if p & after.held and _said(known.choices, p) == _said(after.choices, p)]
    after.grants = {p: live[p] if p in same else one for p, one in fresh.items()}
    marks = [journal.purpose(p) for p in known.held & ~after.held] if known.grants else []
    if known.held & after.held & Purpose.PARENTING:
        old, new = {*known.choices.birth_months}, {*after.choices.birth_months}
        marks += [journal.birth(one) for one in old - new]
        due = [one for one in known.choices.due_months if one not in after.choices.due_months]
        marks += [journal.due(one) for one in due if old >= new]  # 「生まれました」は、止めたのではない
    return after, marks


def replayed(known: Known, marks: dict[str, datetime], now: datetime) -> list[str]:
    """控えから戻った一人に、同意より後の印をもう一度当てる。新しい印を返す。"""
    found = {part for part, at in marks.items() if known.at <= at}
    purposes = Purpose(sum(int(p) for p in known.grants if journal.purpose(p) in found))
    if "" in found:
        return known.end(None, now)
    made = known.end(purposes, now) if purposes else []
    born = tuple(one for one in known.choices.birth_months if journal.birth(one) not in found)
    due = tuple(one for one in known.choices.due_months if journal.due(one) not in found)
    return made + (known.family(due, born, now) if known.held & Purpose.PARENTING else [])


def month(day: date, ahead: int) -> date:
    count = day.year * 12 + day.month - 1 + ahead
    return date(count // 12, count % 12 + 1, 1)


def months_later(at: datetime, months: int) -> datetime:
    first, day = month(at.date(), months), at.day
    while True:
        try:
            return at.replace(year=first.year, month=first.month, day=day)
        except ValueError:
            day -= 1


def _said(choices: Choices, purpose: Purpose) -> list[Any]:
    values = [getattr(choices, name) for name in ATTRIBUTES[purpose] if name != "birth_due_months"]
    return [sorted(value) if isinstance(value, tuple) else value for value in values]
