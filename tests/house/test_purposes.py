"""属性: どれもちょうど一つの目的に属し、その同意がなければ置けない(DESIGN 6, CHECKS I6, P20)。"""

from collections import Counter
from dataclasses import fields, replace
from typing import Any

import asyncpg
import pytest

from backend.consent.notices import ALL, Purpose
from backend.residents import preferences, tables
from backend.residents.choices import ATTRIBUTES, COLUMNS, Choices
from tests.residents.people import KEN, SAKURA, consented, everything

NOT_ABOUT_THE_PERSON = {
    "id", "number", "index_version", "cipher", "subject_key",  # 宛名と札
    "purposes", "live_until", "notice_version", "consented_at",  # 同意そのもの
    "absences", "updated_at",  # 掃除のための数え
}  # fmt: skip
"""目的に属さない列。ここに足すには、本人についての答えでない理由がいる。"""
CHILD = {"resident_id", "position", "birth_month", "due_month"}
"""子の表の列。行ごと妊娠・子育てに属する(`ending` と `rows.narrow` が、目的と一緒に消す)。"""
VALUES = {"area": 12, "age_band": 30, "topics": 1, "language": "ko", "collection_area": 13, "streams": 1, "slot": 7}


def columns(table: Any) -> set[str]:
    return {column._meta.db_column_name for column in table._meta.columns}


def test_every_column_about_a_person_belongs_to_exactly_one_purpose() -> None:
    owned = Counter(column for owned in COLUMNS.values() for column in owned)
    assert {column: count for column, count in owned.items() if count != 1} == {}
    assert columns(tables.Resident) - NOT_ABOUT_THE_PERSON == set(owned)
    assert columns(tables.ResidentChild) == CHILD


def test_every_answer_belongs_to_exactly_one_purpose() -> None:
    owned = Counter(name for names in ATTRIBUTES.values() for name in names)
    assert {name: count for name, count in owned.items() if count != 1} == {}
    assert {one.name for one in fields(Choices)} - {"purposes", "guardian"} == set(owned)
    assert set(ATTRIBUTES) == set(COLUMNS) == set(Purpose)


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_the_database_keeps_no_answer_without_its_purpose(
    database: Any, keys: Any, owner: asyncpg.Connection, purpose: Purpose
) -> None:
    """P20: 移行で目的だけをなくそうとしても、答えの残る人がいる間は断られる。"""
    await consented(keys, SAKURA)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("update resident set purposes = purposes & ~$1::smallint", int(purpose))
    await owner.execute("delete from resident_child")
    empty = ", ".join(f"{column} = {value}" for owned in COLUMNS.values() for column, value in owned.items())
    await owner.execute(f"update resident set purposes = purposes & ~$1::smallint, {empty}", int(purpose))
    for column in COLUMNS[purpose]:
        value = VALUES.get(column, "2026-11-01")
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(f"update resident set {column} = '{value}'")


@pytest.mark.parametrize("purpose", list(Purpose))
async def test_dropping_a_purpose_takes_its_answers_from_everyone_and_nothing_else(
    database: Any, keys: Any, owner: asyncpg.Connection, purpose: Purpose
) -> None:
    """P20: 目的をなくす移行は、`COLUMNS` どおりに空にするほかない。その目的だけの人は、行ごと消える。"""
    await consented(keys, SAKURA)
    await consented(keys, KEN, Choices(purposes=purpose))
    before = dict((await owner.fetch("select * from resident where id = $1", keys.index(SAKURA)))[0])
    empty = ", ".join(f"{column} = {value}" for column, value in COLUMNS[purpose].items())
    bit = int(purpose)
    async with owner.transaction():
        await owner.execute(f"delete from resident where purposes = {bit}")
        if purpose is Purpose.PARENTING:
            await owner.execute("delete from resident_child")
        await owner.execute(f"update resident set purposes = purposes & ~{bit}::smallint, {empty}")
    [after] = await owner.fetch("select * from resident")
    changed = {column for column, value in dict(after).items() if value != before[column]}
    assert {"purposes"} < changed <= {"purposes", *COLUMNS[purpose]}
    found = await preferences.held(keys, SAKURA)
    assert found is not None
    nothing = Choices(purposes=ALL & ~purpose)
    wanted = {name: getattr(nothing, name) for name in ATTRIBUTES[purpose]}
    kept = replace(await everything(), purposes=nothing.purposes, **wanted)
    assert replace(found.choices, birth_due_months=()) == replace(kept, birth_due_months=())
    assert await preferences.held(keys, KEN) is None
