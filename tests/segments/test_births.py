"""子の月の写し: 数え上げが見る `birth_1`〜`birth_5` は、どの道を通っても `resident_child` と同じ。"""

from datetime import date

import asyncpg
import pytest

from backend.consent.notices import Purpose
from backend.residents import preferences
from backend.residents.choices import Choices
from backend.store import work
from tests import cast

MONTHS = (date(2020, 5, 1), date(2024, 2, 1), date(2026, 1, 1))
COPIES = "array_remove(array[birth_1, birth_2, birth_3, birth_4, birth_5], null)"


async def copies(owner) -> list[date]:
    return await owner.fetchval(f"select {COPIES} from resident") or []


async def save(keys, *months: date, purposes: Purpose = Purpose.AREA | Purpose.PARENTING) -> None:
    await cast.consented(keys, {cast.SAKURA: Choices(purposes=purposes, area=41, birth_months=months)})


async def test_the_copy_follows_saving_stopping_and_withdrawing(database, keys, owner):
    await cast.tuesday()
    await save(keys, *MONTHS)
    assert await copies(owner) == list(MONTHS)
    await save(keys, MONTHS[1])
    assert await copies(owner) == [MONTHS[1]]
    await save(keys, *MONTHS)
    assert await work.run(preferences.stop_child, keys, cast.SAKURA, 1)
    assert await copies(owner) == list(MONTHS[1:])
    await work.run(preferences.withdraw, keys, cast.SAKURA, Purpose.PARENTING)
    assert await copies(owner) == []


async def test_leaving_parenting_out_of_a_second_save_clears_the_copy(database, keys, owner):
    await cast.tuesday()
    await save(keys, *MONTHS)
    await save(keys, purposes=Purpose.AREA)
    assert await copies(owner) == []


async def test_the_database_refuses_a_copy_without_consent(database, keys, owner):
    await cast.tuesday()
    await save(keys, purposes=Purpose.AREA)
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute("update resident set birth_1 = '2024-01-01'")
