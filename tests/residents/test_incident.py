"""漏えい対応(RULES 42): 報告の時計は見つけた日から動き、報告を終えたと書くまで止まらない。"""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from backend.consent.notices import Purpose
from backend.errors import Forbidden, Refused
from backend.residents import breach, incident
from backend.residents.breach import Clocks
from backend.store import clock, work
from backend.store.clock import JST
from tests import cast
from tests.consent.desk import OFFICER, SECOND, SECTION
from tests.residents.test_consoles import seat

__all__ = ["seat"]
FOUND = datetime(2026, 11, 24, 23, 50, tzinfo=JST)
DAY = 86400


@pytest.fixture(autouse=True)
async def _desk(database: Any) -> None:
    await cast.enrol(OFFICER, SECOND)
    await clock.set_to(datetime(2026, 11, 25, 9, 0, tzinfo=JST))


async def one() -> breach.Record:
    [found] = await breach.records()
    return found


def test_the_days_are_counted_from_the_day_it_was_found() -> None:
    first = (date(2026, 11, 26), date(2026, 11, 28))
    assert breach.clocks(FOUND, None) == Clocks(*first, date(2026, 12, 23))
    assert breach.clocks(FOUND, malicious=False) == Clocks(*first, date(2026, 12, 23))
    assert breach.clocks(FOUND, malicious=True) == Clocks(*first, date(2027, 1, 22))


def test_the_day_is_a_day_in_japan() -> None:
    """世界時では前の日でも。"""
    assert breach.clocks(datetime(2026, 11, 25, 0, 10, tzinfo=JST), None).first_from == date(2026, 11, 27)


async def test_closing_begins_a_record_at_the_time_it_was_found() -> None:
    await work.run(incident.close, OFFICER, "端末をなくした", FOUND)
    assert (await one()).sheet == breach.Sheet(FOUND, "端末をなくした")
    assert (await one()).clocks.full_until == date(2026, 12, 23)


async def test_without_a_time_it_was_found_now() -> None:
    await work.run(incident.close, OFFICER, "端末をなくした")
    assert abs((await one()).sheet.found_at - await clock.now()) < timedelta(seconds=5)


async def test_the_clocks_run_on_after_the_settings_are_open_again() -> None:
    await work.run(incident.close, OFFICER, "端末をなくした", FOUND)
    before = (await one()).clocks
    await clock.advance(DAY)
    await work.run(incident.reopen, SECOND, "替えた")
    assert [record.clocks for record in await breach.running()] == [before]


async def test_closing_again_while_a_record_runs_begins_no_other() -> None:
    await work.run(breach.begin, OFFICER, FOUND, "紙をなくした")
    await work.run(incident.close, OFFICER, "まだ見つからない")
    assert [record.sheet.summary for record in await breach.records()] == ["紙をなくした"]


async def test_it_ends_only_with_both_reports_or_a_reason_for_none() -> None:
    number = await work.run(breach.begin, OFFICER, FOUND, "紙をなくした")
    sheet = (await one()).sheet
    day = date(2026, 11, 25)
    for missing in (sheet, replace(sheet, first_on=day), replace(sheet, full_on=day)):
        await work.run(breach.write, OFFICER, number, missing)
        with pytest.raises(Refused, match="まだ終えられません"):
            await work.run(breach.end, OFFICER, number)
    await work.run(breach.write, OFFICER, number, replace(sheet, first_on=day, full_on=day))
    await work.run(breach.end, SECOND, number)
    assert await breach.running() == []
    with pytest.raises(Refused, match="終わっています"):
        await work.run(breach.write, OFFICER, number, sheet)
    other = await work.run(breach.begin, OFFICER, FOUND, "思い違い")
    await work.run(breach.write, OFFICER, other, replace(sheet, unneeded="暗号のままで、鍵は無事だった"))
    await work.run(breach.end, OFFICER, other)
    assert [record.number for record in await breach.records()] == [number, other]


async def test_the_sheet_keeps_what_was_written_before(owner: asyncpg.Connection) -> None:
    number = await work.run(breach.begin, OFFICER, FOUND, "紙をなくした")
    wanted = breach.Sheet(
        FOUND, "紙をなくした", people=12, items=int(Purpose.PARENTING) | breach.LINE_ID, malicious=True
    )
    await work.run(breach.write, SECOND, number, wanted)
    found = await one()
    assert (found.sheet, found.sensitive, found.by_staff) == (wanted, True, SECOND.staff_id)
    assert await owner.fetchval("select count(*) from incident_report where number = $1", number) == 2
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await work.sql("update incident_report set people = 0")


@pytest.mark.parametrize(
    "wrong",
    [
        {"found_at": datetime(2026, 11, 26, 9, 0, tzinfo=JST)},
        {"summary": ""},
        {"people": -1},
        {"items": 128},
        {"first_on": date(2026, 11, 23)},
        {"full_on": date(2026, 11, 26)},
    ],
)
async def test_a_strange_sheet_is_refused(wrong: dict[str, Any]) -> None:
    number = await work.run(breach.begin, OFFICER, FOUND, "紙をなくした")
    with pytest.raises(Refused):
        await work.run(breach.write, OFFICER, number, replace((await one()).sheet, **wrong))


async def test_a_section_writes_none_of_it() -> None:
    number = await work.run(breach.begin, OFFICER, FOUND, "紙をなくした")
    sheet = (await one()).sheet
    for verb, *args in ((breach.begin, FOUND, "x"), (breach.write, number, sheet), (breach.end, number)):
        with pytest.raises(Forbidden):
            await work.run(verb, SECTION, *args)


async def test_the_page_takes_the_sheet_and_shows_the_clocks_until_the_end(seat: Any) -> None:
    officer = await seat("privacy_officer", "mori")
    place = "/console/rights/incident"
    closing = {"reason": "端末をなくした", "found_date": "2026-11-24", "found_time": "23:50"}
    assert (await officer.post(f"{place}/close", data={**closing, "found_time": ""})).status_code == 422
    assert (await officer.post(f"{place}/close", data=closing)).status_code == 303
    page = (await officer.get(place)).text
    assert "2026年11月26日(木) から 2026年11月28日(土) まで(あと3日)" in page
    assert "2026年12月23日(水) まで(あと28日)" in page
    sheet = {
        "found_date": "2026-11-24",
        "found_time": "23:50",
        "summary": "端末をなくした",
        "people": "1,240人",
        "items": ["4", "64"],
        "malicious": "yes",
    }
    refused = await officer.post(f"{place}/records/1", data={**sheet, "people": "たくさん"})
    assert refused.status_code == 422
    assert "たくさん" in refused.text
    assert (await officer.post(f"{place}/records/1", data=sheet)).status_code == 303
    page = (await officer.get(place)).text
    for words in ("2027年1月22日(金)", "妊娠・子育ての項目を含みます", 'value="1240"', 'value="4" checked'):
        assert words in page, words
    assert (await officer.post(f"{place}/records/1/end")).status_code == 422
    await clock.advance(60 * DAY)
    officer = await seat("privacy_officer", "hayashi")
    assert "期限を57日過ぎています" in (await officer.get(place)).text
    reported = {"first_on": "2026-11-26", "full_on": "2027-01-20"}
    assert (await officer.post(f"{place}/records/1", data=sheet | reported)).status_code == 303
    assert (await officer.post(f"{place}/records/1/end")).status_code == 303
    page = (await officer.get(place)).text
    assert "終わった記録" in page
    assert "第1号の報告を終えたと書く" not in page
    assert (await officer.post(f"{place}/records", data={"reason": "紙をなくした"})).status_code == 303
    assert "第2号" in (await officer.get(place)).text
