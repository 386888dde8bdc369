"""時期: 日付から求まり、Pythonの答えとデータベースの答えが、どの月でも同じ。"""

from datetime import date, datetime, timedelta

import pytest

from backend.consent.notices import Purpose
from backend.residents import preferences, stages
from backend.residents.choices import Choices
from backend.residents.stages import Stage
from backend.store import clock, work
from tests.residents.people import user


@pytest.mark.parametrize(
    ("birth", "today", "stage"),
    [
        (date(2026, 11, 1), date(2026, 11, 24), Stage.MONTHS_0_2),
        (date(2026, 8, 1), date(2026, 11, 1), Stage.MONTHS_3_5),
        (date(2025, 12, 1), date(2026, 11, 30), Stage.MONTHS_6_11),
        (date(2025, 11, 1), date(2026, 11, 1), Stage.YEAR_1),
        (date(2023, 12, 1), date(2026, 11, 30), Stage.YEAR_2),
        (date(2023, 11, 1), date(2026, 11, 1), Stage.PRESCHOOL),
        (date(2020, 3, 1), date(2026, 3, 31), Stage.PRESCHOOL),
        (date(2020, 3, 1), date(2026, 4, 1), Stage.ELEMENTARY),
        (date(2020, 4, 1), date(2027, 3, 31), Stage.PRESCHOOL),
        (date(2020, 4, 1), date(2027, 4, 1), Stage.ELEMENTARY),
        (date(2014, 3, 1), date(2026, 4, 1), Stage.JUNIOR_HIGH),
        (date(2011, 3, 1), date(2026, 4, 1), Stage.HIGH),
        (date(2008, 3, 1), date(2026, 3, 31), Stage.HIGH),
        (date(2008, 3, 1), date(2026, 4, 1), None),
        (date(2026, 12, 1), date(2026, 11, 24), None),
    ],
)
def test_a_child_is_in_the_stage_of_the_day(birth: date, today: date, stage: Stage | None) -> None:
    assert stages.stage_of(birth, today) is stage


def test_the_due_month_is_pregnant_until_it_ends_and_then_nothing_is_assumed() -> None:
    due = date(2026, 11, 1)
    assert stages.is_pregnant(due, date(2026, 11, 30))
    assert not stages.is_pregnant(due, date(2026, 12, 1))
    assert not stages.asks_for_birth(due, date(2026, 11, 30))
    assert stages.asks_for_birth(due, date(2026, 12, 1))
    assert stages.asks_for_birth(due, date(2027, 1, 31))
    assert not stages.asks_for_birth(due, date(2027, 2, 1))


async def test_the_database_gives_the_same_answer_in_every_month(database, keys):
    now = (await clock.now()).astimezone(clock.JST).date().replace(day=1)
    births = {user(n): _shift(now, -n) for n in range(226)}
    good = [(who, birth) for who, birth in births.items() if stages.stage_of(birth, now)]
    choices = [(who, Choices(purposes=Purpose.PARENTING, birth_months=(birth,))) for who, birth in good]
    await work.run(preferences.save_many, keys, choices)
    compared = 0
    for months in (0, 1, 4, 5, 11, 16, 23):
        day = _shift(now, months)
        # 日本時間の月の始まりの直後と、月の終わりの直前
        for moment in (_midnight(day) + timedelta(seconds=1), _midnight(_shift(day, 1)) - timedelta(seconds=60)):
            await clock.set_to(moment)
            for stage in Stage:
                found = await work.sql(f"select id from resident r where {stages.condition(stage, 'r')}")
                expected = {keys.index(who) for who, birth in good if stages.stage_of(birth, day) is stage}
                assert {row["id"] for row in found} == expected, (day, stage)
                compared += 1
    print(f"時期の比べ: {compared}回 × {len(good)}人")


async def test_the_japanese_date_decides(database, keys):
    """月末の23時59分(日本)は、まだその月。世界時ではもっと前。"""
    now = (await clock.now()).astimezone(clock.JST).date().replace(day=1)
    await work.run(preferences.save, keys, user(1), Choices(purposes=Purpose.PARENTING, due_months=(now,)))
    end = _midnight(_shift(now, 1))
    for moment, pregnant in ((end - timedelta(seconds=30), 1), (end + timedelta(seconds=1), 0)):
        await clock.set_to(moment)
        found = await work.sql(f"select 1 from resident r where {stages.condition(Stage.PREGNANT)}")
        assert len(found) == pregnant


def _shift(month: date, months: int) -> date:
    total = month.year * 12 + month.month - 1 + months
    return date(total // 12, total % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=clock.JST)
