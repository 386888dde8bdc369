"""統計: LINEの数とこちらの数を、同じ期間で、少ない数を見せずに並べる(issue 4-7)。"""

import json
import re
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from backend.menus import statistics
from backend.menus.statistics import Bar, Sheet
from backend.menus.versions import Version
from backend.store import clock, work
from tests import cast
from tests.menus import counted
from tests.menus.counted import Line


@pytest_asyncio.fixture(loop_scope="session")
async def menu(database: object) -> Version:
    await cast.tuesday()
    return await counted.shown()


async def _sheet(line: Any) -> Sheet:
    (sheet,) = (await statistics.report(line)).sheets
    return sheet


async def test_lines_people_and_our_taps_stand_side_by_side(menu: Version) -> None:
    await counted.tapped("bosai_evac", "menu-kurashi-1", 1, 66)
    sheet = await _sheet(Line(counted.body(menu, 347, None, 25, 19)))
    assert [(row.line, row.ours) for row in sheet.rows] == [
        ("約340人", "約60回"),
        ("20人未満", "20回未満"),
        ("約20人", "数えません"),
        ("20人未満", "数えません"),
    ]
    assert sheet.seen == "約500人が開きました。"


async def test_a_null_is_twenty_or_fewer_never_zero(menu: Version) -> None:
    """20人に満たない期間は、LINEはidだけを返す。"""
    sheet = await _sheet(Line({"richMenuId": counted.MENU}))
    assert {row.line for row in sheet.rows} == {"20人未満"}
    assert sheet.seen == "開いた人は20人未満です。"


@pytest.mark.parametrize("clicks", [None, [], [{}], [{"bounds": {"x": 1}}], [{"bounds": None, "metrics": None}]])
async def test_an_answer_of_an_unknown_shape_is_no_number(menu: Version, clicks: Any) -> None:
    sheet = await _sheet(Line({"richMenuId": counted.MENU, "clicks": clicks}))
    assert {row.line for row in sheet.rows} == {"20人未満"}


async def test_both_count_the_same_days(menu: Version) -> None:
    for days_ago, count in ((0, 500), (1, 40), (28, 40), (29, 500)):
        await counted.tapped("home", "menu-kurashi-2", days_ago, count)
    line = Line(counted.body(menu))
    assert (await _sheet(line)).rows[1].ours == "約80回"
    assert line.asked == [(counted.MENU, date(2026, 10, 27), date(2026, 11, 23))]


async def test_taps_from_elsewhere_are_not_the_menus(menu: Version) -> None:
    await counted.tapped("home", "", 1, 500)
    await counted.tapped("home", "menu-kurashi-1", 1, 500)
    assert (await _sheet(Line(counted.body(menu)))).rows[1].ours == "20回未満"


async def test_a_link_that_became_a_telephone_is_not_counted(menu: Version) -> None:
    await work.sql("update link set url = 'tel:03-5803-1111' where code = 'home'")
    assert (await _sheet(Line(counted.body(menu)))).rows[1].ours == "数えません"


async def test_the_bars_compare_within_one_menu(menu: Version) -> None:
    sheet = await _sheet(Line(counted.body(menu, 400, 200, None, 100)))
    assert [(bar.width, bar.few) for bar in sheet.people] == [(100.0, False), (50.0, False), (1.5, True), (25.0, False)]


async def test_a_hidden_number_has_the_same_bar_whatever_it_is(menu: Version) -> None:
    few = [(await _sheet(Line(counted.body(menu, 400, people)))).people[1] for people in (None,)]
    await work.sql("delete from menu_insight")
    few += [(await _sheet(Line(counted.body(menu, 400, 19)))).people[1]]
    assert few[0] == few[1]


async def test_only_what_is_counted_has_a_bar_of_ours(menu: Version) -> None:
    sheet = await _sheet(Line(counted.body(menu)))
    assert [bar.label for bar in sheet.taps] == ["避難所を見る", "ホームページを開く"]


@pytest.mark.parametrize(
    ("bars", "words"),
    [
        (
            [Bar("ごみ", "約340人", 100.0, False), Bar("防災", "約20人", 6.0, False)],
            "いちばん多いのは「ごみ」の約340人",
        ),
        ([Bar("ごみ", "20人未満", 1.5, True)], "どの所も少ない数です"),
    ],
)
def test_the_picture_is_said_in_one_sentence(bars: list[Bar], words: str) -> None:
    assert statistics.in_words(bars) == words


async def test_line_is_asked_once_in_six_hours(menu: Version) -> None:
    line = Line(counted.body(menu))
    for _ in range(3):
        await _sheet(line)
    await clock.advance(6 * 3600 + 60)
    await _sheet(line)
    assert len(line.asked) == 2


async def test_when_line_does_not_answer_the_last_copy_is_shown_with_its_time(menu: Version) -> None:
    line = Line(counted.body(menu, 347))
    asked_at = (await _sheet(line)).asked_at
    line.broken = True
    await clock.advance(6 * 3600 + 60)
    sheet = await _sheet(line)
    assert (sheet.rows[0].line, sheet.asked_at, "前に尋ねた数" in sheet.problem) == ("約340人", asked_at, True)


async def test_when_line_never_answered_no_number_is_made_up(menu: Version) -> None:
    line = Line({})
    line.broken = True
    sheet = await _sheet(line)
    assert ({row.line for row in sheet.rows}, sheet.people, sheet.seen) == ({"分かりません"}, [], "")
    assert "しばらくしてから" in sheet.problem
    assert len(sheet.taps) == 2


async def test_a_menu_placed_within_the_period_says_since_when(menu: Version) -> None:
    assert (await _sheet(Line(counted.body(menu)))).since is None
    await work.sql("update menu_deployed set created_at = '2026-11-20'")
    assert (await _sheet(Line(counted.body(menu)))).since is not None


async def test_a_menu_not_at_line_says_so(menu: Version) -> None:
    await work.sql("delete from menu_deployed")
    line = Line({})
    assert (await _sheet(line)).problem == "まだLINEにありません。"
    assert line.asked == []


async def test_the_page_shows_charts_tables_and_delays(menu: Version, settings: Any) -> None:
    people = await cast.staff()
    await work.sql(
        "insert into menu_insight (rich_menu_id, first, last, body) values ($1, '2026-10-27', '2026-11-23', $2::jsonb)",
        counted.MENU,
        json.dumps(counted.body(menu, 347)),
    )
    console = await cast.signed_in(cast.make_app(settings), settings, people.sato)
    text = (await console.get("/console/menus/statistics")).text
    await console.close()
    assert re.findall(r'role="img" aria-label="([^"]+)"', text) == [
        "LINEの人数。いちばん多いのは「避難所を見る」の約340人。数は下の表にあります。",
        "こちらの回数。どの所も少ない数です。数は下の表にあります。",
    ]
    for words in ("翌日に出る", "すぐに数えます", "20人未満", '<th scope="row">避難所を見る</th>'):
        assert words in text
