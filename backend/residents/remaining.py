"""残ったもの: 消した後に、同じ取引の中でデータベースに尋ねて数える。証明に書く数は、ここで数えたものだけ。"""

from dataclasses import dataclass
from uuid import UUID

from backend.consent.notices import Purpose
from backend.residents.choices import COLUMNS
from backend.store import work


class NotErased(Exception):
    """消したはずのものが残っている。取引ごと取り消し、消していないものを消したとは言わない。"""


@dataclass(frozen=True)
class Remaining:
    """`rows` は本人につながる行の数、`answers` はやめた目的の答えの数。"""

    rows: int
    answers: int


_ROWS = """
select (select count(*) from resident where id = any($1::uuid[]))
     + (select count(*) from resident_child where resident_id = any($1::uuid[]))
     + (select count(*) from counter_code where resident_id = any($1::uuid[]))
     + (select count(*) from counter_case where resident_id = any($1::uuid[])) as rows
"""


async def count(ids: list[UUID], gone: Purpose) -> Remaining:
    """`ids`(どの版の鍵の索引も)の行と、`gone` の目的の答え。"""
    rows = (await work.sql(_ROWS, ids))[0]["rows"]
    found = await work.sql(_answers(gone), ids)
    return Remaining(rows, sum(row["answers"] for row in found))


def _answers(gone: Purpose) -> str:
    filled = [
        f"(r.{column} is distinct from {empty})::int"
        for purpose in gone
        for column, empty in COLUMNS[purpose].items()
    ]  # fmt: skip
    if gone & Purpose.PARENTING:  # 子の月は、行の写しのほかに、子の表にもある
        filled.append("(select count(*) from resident_child k where k.resident_id = r.id)")
    return f"select {' + '.join(filled) or '0'} as answers from resident r where r.id = any($1::uuid[])"  # noqa: S608  列の名は表から
