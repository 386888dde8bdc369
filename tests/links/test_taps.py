"""押された数。"""

import csv
import io
from datetime import date

import pytest

from backend.links import chart, taps
from backend.links.taps import Day
from backend.store import clock, work

TODAY = date(2026, 11, 24)


async def _tap(times: int, source: str = "", code: str = "home") -> None:
    for _ in range(times):
        await taps.count(code, source)


async def test_taps_are_counted_by_day(database: object) -> None:
    await _tap(21)
    await clock.advance(86_400)
    await _tap(25)
    assert [day.taps for day in (await taps.daily("home"))[-2:]] == [21, 25]


async def test_a_day_turns_at_midnight_in_japan(database: object) -> None:
    from datetime import UTC, datetime

    await clock.set_to(datetime(2026, 11, 24, 14, 59, 50, tzinfo=UTC))  # 日本の23時59分50秒
    await _tap(20)
    await clock.advance(20)
    await _tap(30)
    assert [(day.day.day, day.taps) for day in (await taps.daily("home"))[-2:]] == [(24, 20), (25, 30)]


@pytest.mark.parametrize(("count", "shown"), [(0, None), (1, None), (19, None), (20, 20)])
async def test_small_numbers_are_hidden(database: object, count: int, shown: int | None) -> None:
    await _tap(count)
    assert (await taps.daily("home"))[-1].taps == shown


def test_a_hidden_number_says_only_that_it_is_small() -> None:
    assert Day(TODAY, None).words == "20未満"


async def test_places_are_told_apart(database: object) -> None:
    await _tap(22, "menu-kurashi-2")
    await _tap(20, "message")
    await _tap(1, "menu-kurashi-3")
    assert await taps.places("home") == [("menu-kurashi-2", 20), ("message", 20), ("menu-kurashi-3", None)]


@pytest.mark.parametrize(("count", "rough"), [(0, None), (19, None), (20, 20), (39, 20), (40, 40), (12345, 12340)])
def test_a_place_is_told_roughly_so_that_no_hidden_day_can_be_subtracted(count: int, rough: int | None) -> None:
    assert taps.rough(count) == rough


@pytest.mark.parametrize("source", ["U" + "0" * 32, "a" * 25, "あ", "a b", "'; drop table", "A", "\x00"])
async def test_a_strange_place_is_no_place(database: object, source: str) -> None:
    await _tap(20, source)
    assert await taps.places("home") == [("", 20)]


async def test_made_up_places_cannot_fill_the_table(database: object) -> None:
    for number in range(80):
        await _tap(1, f"p{number}")
    rows = await work.sql("select count(distinct source) as places, sum(taps)::int as taps from link_tap")
    assert rows[0]["places"] <= taps.SOURCES_A_DAY + 1
    assert rows[0]["taps"] == 80


async def test_nothing_in_the_table_points_to_a_person(database: object) -> None:
    rows = await work.sql("select column_name from information_schema.columns where table_name = 'link_tap'")
    assert {row["column_name"] for row in rows} == {"code", "day", "source", "slot", "taps"}


@pytest.mark.parametrize(
    "value", ["=1+1", "+81", "-1", "@x", "\t=1", "  =1", "\r=1", "|x", "\n=x", "＝1+1", "\u3000＋1", "＠x", "－1"]
)
def test_a_value_in_the_csv_is_never_a_formula(value: str) -> None:
    assert taps.harmless(value).startswith("'")


def test_the_csv_opens_in_a_spreadsheet() -> None:
    raw = taps.csv_file("home", '=HYPERLINK("x")', [Day(TODAY, None), Day(TODAY, 1200, changed=True)])
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert raw.startswith(b"\xef\xbb\xbf")
    assert rows[1:] == [
        ["home", '\'=HYPERLINK("x")', "2026-11-24", "20未満", ""],
        ["home", '\'=HYPERLINK("x")', "2026-11-24", "1200", "変更"],
    ]


def test_the_tallest_bar_is_the_busiest_day() -> None:
    low, high = chart.bars([Day(TODAY, 50), Day(TODAY, 100)])
    assert (low.height, high.height, high.y) == (60.0, 120.0, 0.0)


def test_hidden_days_all_look_the_same() -> None:
    bars = chart.bars([Day(TODAY, None), Day(TODAY, None), Day(TODAY, 20)])
    assert (bars[0].height, bars[0].hidden) == (bars[1].height, True)


@pytest.mark.parametrize(
    ("place", "words"),
    [("menu-kurashi-2", "メニュー「kurashi」の2番目"), ("", "お知らせやほかのページ"), ("poster", "poster")],
)
def test_a_place_is_named_as_people_know_it(place: str, words: str) -> None:
    assert taps.place_words(place) == words
