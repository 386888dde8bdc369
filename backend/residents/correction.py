"""窓口での訂正: 本人の申し出で、同意している目的の答えを直す。同意を足すことも、同意の日を動かすこともない(RULES 41, P17)。"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from backend.consent.ledger import Action, Channel
from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.residents import choices, ending, journal, rows
from backend.residents.address import AddressKeys
from backend.residents.choices import BadChoices, Choices
from backend.residents.preferences import Held
from backend.residents.vocabulary import Stream, Topic, mask
from backend.store import clock, work

PURPOSE_OF = {
    "area": Purpose.AREA,
    "age_band": Purpose.AGE,
    "due_month": Purpose.PARENTING,
    "children": Purpose.PARENTING,
    "topics": Purpose.TOPICS,
    "collection_area": Purpose.GARBAGE,
    "streams": Purpose.GARBAGE,
    "slot": Purpose.GARBAGE,
    "language": Purpose.LANGUAGE,
}
"""直せる答え → その目的。預かる答えのすべて(試験が、`choices.ATTRIBUTES` と比べる)。"""
_SETS: dict[str, type[Topic] | type[Stream]] = {"topics": Topic, "streams": Stream}
_MONTH = re.compile(r"((?:19|20)\d\d)-(0[1-9]|1[0-2])")
Child = tuple[date, date | None]
"""一人の子の、生まれた月と、残してよい予定月。"""


@dataclass(frozen=True)
class Typed:
    """窓口の画面に入れられたまま。`many` は選ばれた語、`births` と `dues` は同じ並びの月。"""

    value: str = ""
    many: Sequence[str] = ()
    births: Sequence[str] = ()
    dues: Sequence[str] = ()


def read(name: str, typed: Typed) -> Any:
    """入れられたものを答えにする。読めなければ `Refused`。空は「答えない」。"""
    if name in _SETS:
        known = {str(one.value): one for one in _SETS[name]}
        if set(typed.many) - set(known):
            raise Refused("一覧から選んでください。")
        return tuple(known[word] for word in known if word in typed.many)
    if name == "children":
        pairs = zip(typed.births, [*typed.dues, *[""] * len(typed.births)], strict=False)
        return tuple((_month(birth), _month(due) if due else None) for birth, due in pairs if birth or due)
    if not typed.value:
        return None
    if name == "due_month":
        return _month(typed.value)
    if name == "language":
        return typed.value
    if not typed.value.isdecimal():
        raise Refused("一覧から選んでください。")
    return int(typed.value)


async def apply(keys: AddressKeys, user_id: str, row: dict[str, Any], held: Held, name: str, value: Any) -> None:
    """鍵のかかった一行の、一つの答えを直す。直せない理由があれば `Refused` で、何も変わらない。"""
    _require(held.choices.purposes, name)
    today = (await clock.now()).astimezone(clock.JST).date()
    if name in ("due_month", "children"):
        await _parenting(keys, user_id, row, held, _family(held.choices, name, value, today))
        return
    choices.check_value(name, value, today)
    await work.sql(
        f"update resident set {name} = $2, updated_at = ward_now() where id = $1",  # noqa: S608  名は PURPOSE_OF から
        row["id"],
        mask(value) if name in _SETS else value,
    )


def _require(agreed: Purpose, name: str) -> None:
    if name not in PURPOSE_OF:
        raise Refused("その項目はありません。", next_step="画面の一覧から選んでください。")
    if not agreed & PURPOSE_OF[name]:
        raise Refused(
            f"本人は「{PURPOSE_OF[name].label}」に同意していないので、直す答えがありません。",
            next_step="本人の画面で、同意して登録してください。",
        )


def _family(before: Choices, name: str, value: Any, today: date) -> Choices:
    """直した後の、妊娠と子。"""
    only = Choices(purposes=Purpose.PARENTING, guardian=True)
    now = replace(
        only,
        due_months=before.due_months,
        birth_months=before.birth_months,
        birth_due_months=before.birth_due_months,
    )
    if name == "due_month":
        return choices.tidy(replace(now, due_months=(value,) if value else ()), today, before.birth_months)
    children: Sequence[Child] = value
    born, dues = tuple(birth for birth, _ in children), tuple(due for _, due in children)
    return choices.tidy(replace(now, birth_months=born, birth_due_months=dues), today, before.birth_months)


async def _parenting(keys: AddressKeys, user_id: str, row: dict[str, Any], held: Held, after: Choices) -> None:
    """妊娠と子を書き直す。なくなった月は止めたのと同じに扱う: 消去の記録に印を残し、固まった送信単位からも外す。"""
    before = held.choices
    gone = [journal.birth(month) for month in sorted({*before.birth_months} - {*after.birth_months})]
    gone += [journal.due(month) for month in before.due_months if month not in after.due_months]
    dues = after.birth_due_months or (None,) * len(after.birth_months)
    await work.sql("delete from resident_child where resident_id = $1", row["id"])
    await work.sql(
        "insert into resident_child (resident_id, position, birth_month, due_month) "
        "select $1, n, birth, due from unnest($2::date[], $3::date[]) with ordinality as k (birth, due, n)",
        row["id"],
        list(after.birth_months),
        list(dues),
    )
    await work.sql(
        "update resident set due_month = $2, number = $3, updated_at = ward_now() where id = $1",
        row["id"],
        after.due_months[0] if after.due_months else None,
        rows.new_number() if gone else row["number"],
    )
    await journal.append_parts(keys, user_id, await clock.now(), gone)
    if gone and not after.due_months and not after.birth_months:
        await ending.end(keys, user_id, row, Purpose.PARENTING, Action.WITHDRAWN, Channel.COUNTER)


def _month(text: str) -> date:
    found = _MONTH.fullmatch(text)
    if not found:
        raise BadChoices({"children": "月は「2025-04」のように入れてください。"})
    return date(int(found[1]), int(found[2]), 1)
