"""配信の宛先をSQLにする: 確定するときも、呼び出しの直前にも、同じ条件で同意を確かめる(CHECKS I3)。"""

from dataclasses import dataclass
from typing import Any

from backend.consent.notices import ALL, Purpose
from backend.errors import Refused
from backend.segments import criteria
from backend.segments.criteria import Criteria
from backend.store import work

_PURPOSES = {
    "area": Purpose.AREA,
    "town": Purpose.AREA,
    "age_band": Purpose.AGE,
    "stage": Purpose.PARENTING,
    "child_month": Purpose.PARENTING,
    "due_in_months": Purpose.PARENTING,
    "topic": Purpose.TOPICS,
    "language": Purpose.LANGUAGE,
    "garbage": Purpose.GARBAGE,
    "not_renewed": ALL,  # 続けるかを尋ねた人は、どれかの目的に同意している
    "ends_in": ALL,
}
DEEPEST_CORRECTION = 20


@dataclass(frozen=True)
class Clause:
    """`resident r` への条件。値の番号は `$first` から始まる。`tried` は、前の配信の受け付けられた人だけにする番号。"""

    text: str
    values: list[Any]


async def clause(row: dict[str, Any], first: int) -> Clause:
    """配信の行から条件へ。読めない条件、全員あての訂正、消えた宛先は `Refused`: だれにも送られない。"""
    match row["address"]:
        case "criteria":
            text, values = criteria.where(criteria.parse(row["criteria"]), first)
            return Clause(text, values)
        case "recipients":
            return Clause(consented(await _root(row["recipients_of"])), [])
        case _:
            raise Refused("この宛先は条件になりません。")


def consented(wanted: Criteria) -> str:
    """値を外した条件: どの群についても、その目的のどれかに今も同意している。訂正の宛先に使う。"""
    masks = [sum({int(_PURPOSES[term.field]) for term in group}) for group in wanted.groups]
    held = " and ".join(f"(r.purposes & {mask}) <> 0" for mask in masks)
    return f"{held} and r.live_until > (select ward_now())"


async def _root(delivery_id: int) -> Criteria:
    """訂正の訂正…をさかのぼった、はじめの条件。"""
    for _ in range(DEEPEST_CORRECTION):
        rows = await work.sql("select address, criteria, recipients_of from delivery where id = $1", delivery_id)
        if not rows or rows[0]["address"] == "everyone":
            raise Refused("全員あての訂正は、全員に送ります。", next_step="宛先を全員にしてください。")
        if rows[0]["address"] == "criteria":
            return criteria.parse(rows[0]["criteria"])
        delivery_id = rows[0]["recipients_of"]
    raise Refused("訂正のもとをたどれません。だれにも送られません。")
