"""控えを戻した後のやり直し: 控えより後にやめたことを、どのプロセスよりも先に、もう一度終える(RULES 40)。"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from backend.consent.ledger import Action, Channel
from backend.consent.notices import Purpose
from backend.residents import ending, erasure, journal, rows
from backend.residents.address import AddressKeys
from backend.store import work

PAGE = 2_000
_START = UUID(int=0)
_HOW = (Action.WITHDRAWN, Channel.RESTORE)


@dataclass(frozen=True)
class Replayed:
    """`erased` はすべて消した人、`narrowed` は一部だけを消した人の数。"""

    erased: int = 0
    narrowed: int = 0


@dataclass(frozen=True)
class Again:
    """一人について、もう一度終えること。"""

    everything: bool
    purposes: Purpose
    births: list[date]
    due: bool

    def __bool__(self) -> bool:
        return bool(self.everything or self.purposes or self.births or self.due)


async def run(keys: AddressKeys, page: int = PAGE) -> Replayed:
    """消去の記録に印のあることを、`page` 人ずつ読みながら、すべてもう一度終える。何度行ってもよい。

    印より後に同意し直した人には触れない。
    """
    marks = journal.latest(keys)
    erased = narrowed = 0
    after: UUID | None = _START if marks else None
    while after is not None:
        found = await work.sql("select * from resident where id > $1 order by id limit $2", after, page)
        for row in found:
            again = decide(keys, marks, keys.open(bytes(row["cipher"])), row)
            if again and await work.run(_end, keys, row["id"], again):
                erased, narrowed = erased + again.everything, narrowed + (not again.everything)
        after = found[-1]["id"] if len(found) == page else None
    return Replayed(erased, narrowed)


def decide(keys: AddressKeys, marks: Mapping[str, datetime], user_id: str, row: Mapping[str, Any]) -> Again:
    """戻した一行のうち、その同意より後の印があるもの。"""

    def marked(part: str = "") -> bool:
        at = marks.get(keys.erasure_mark(user_id, part))
        return at is not None and row["consented_at"] <= at

    return Again(
        everything=marked(),
        purposes=Purpose(sum(int(one) for one in Purpose(row["purposes"]) if marked(journal.purpose(one)))),
        births=[month for month in rows.births(row) if marked(journal.birth(month))],
        due=row["due_month"] is not None and marked(journal.due(row["due_month"])),
    )


async def _end(keys: AddressKeys, resident_id: UUID, again: Again) -> bool:
    async def verb(keys: AddressKeys, user_id: str, row: dict[str, Any]) -> None:
        children = await rows.children_of(resident_id)
        gone = [child["position"] for child in children if child["birth_month"] in again.births]
        if again.everything or again.purposes:
            await ending.end(keys, user_id, row, None if again.everything else again.purposes, *_HOW)
        for position in gone + [0] * again.due:
            left = (await rows.find(keys, [user_id])).get(user_id)
            if left and Purpose(left["purposes"]) & Purpose.PARENTING:
                await ending.stop_child(keys, user_id, left, position, *_HOW)

    return await erasure.locked(keys, resident_id, verb)
