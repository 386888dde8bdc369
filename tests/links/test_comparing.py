"""変更の前と後: 直した日の前後14日の、一日ごとの数。少ない数は、引き算でも知られない。"""

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio

from backend.links import comparing, editing, register, repoint
from backend.links.comparing import Comparison
from backend.links.register import Link, Wanted
from backend.links.taps import Day
from backend.store import work
from tests.cast import Cast
from tests.console_fixtures import Opening, app, console, people

__all__ = ["app", "console", "people"]
TODAY = date(2026, 11, 24)
CHANGED = date(2026, 11, 9)
OLD, NEW = "https://www.city.bunkyo.lg.jp/b009/p000034.html", "https://www.city.bunkyo.lg.jp/b009/p009999.html"


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def old_link(people: Cast) -> None:
    """去年からあるリンク。"""
    await work.sql("update link set created_at = '2025-04-01' where code = 'bosai_evac'")


async def _change(day: date = CHANGED, what: str = "repoint", before: str = OLD, after: str = NEW) -> None:
    await work.sql(
        "insert into link_change (code, what, url_before, url_after, reason, staff_name, section_name, at) "
        "values ('bosai_evac', $1, $2, $3, '移った', '佐藤', '広報課', ($4::date + time '10:00') at time zone 'Asia/Tokyo')",
        what,
        before,
        after,
        day,
    )


async def _tapped(day: date, count: int) -> None:
    await work.sql("insert into link_tap (code, day, taps) values ('bosai_evac', $1, $2)", day, count)


async def _found() -> list[Comparison]:
    return await comparing.of(await _link(), await repoint.history("bosai_evac"))


async def _link() -> Link:
    return await register.find("bosai_evac")


async def test_fourteen_days_stand_on_each_side_of_the_change() -> None:
    await _change()
    for apart, count in ((-15, 99), (-14, 30), (-1, 40), (0, 77), (1, 50), (14, 60), (15, 99)):
        await _tapped(CHANGED + timedelta(days=apart), count)
    (one,) = await _found()
    assert (one.before[0].taps, one.before[-1].taps, one.that_day.taps) == (30, 40, 77)
    assert (one.after[0].taps, one.after[-1].taps) == (50, 60)
    assert (len(one.before), len(one.after)) == (14, 14)


async def test_an_edit_is_compared_too() -> None:
    await _change(what="edit")
    assert [change.label for change in (await _found())[0].changes] == ["直した"]


@pytest.mark.parametrize("what", ["add", "retire"])
async def test_what_has_no_other_side_is_not_compared(what: str) -> None:
    await _change(what=what)
    assert await _found() == []


async def test_every_change_has_its_own_comparison_newest_first() -> None:
    await _change(date(2026, 9, 1))
    await _change(date(2026, 10, 1))
    assert [one.day for one in await _found()] == [date(2026, 10, 1), date(2026, 9, 1)]


async def test_two_changes_of_one_day_are_one_comparison() -> None:
    await _change(after=f"{NEW}?1")
    await _change(before=f"{NEW}?1")
    (one,) = await _found()
    assert len(one.changes) == 2


async def test_days_before_the_link_existed_are_not_counted() -> None:
    await work.sql("update link set created_at = '2026-11-05' where code = 'bosai_evac'")
    await _change()
    assert [day.day for day in (await _found())[0].before] == [date(2026, 11, d) for d in (5, 6, 7, 8)]


async def test_days_that_are_not_over_are_not_counted() -> None:
    await _change(TODAY - timedelta(days=2))
    await _tapped(TODAY, 500)
    assert [day.day for day in (await _found())[0].after] == [TODAY - timedelta(days=1)]


async def test_a_change_of_today_does_not_open_today_for_an_earlier_one() -> None:
    await _change(TODAY - timedelta(days=2))
    await _change(TODAY)
    assert [day.day for day in (await _found())[1].after] == [TODAY - timedelta(days=1)]


async def test_a_change_of_today_has_no_after_yet() -> None:
    await _change(TODAY)
    assert comparing.a_day((await _found())[0].after) == "まだ数がありません"


@pytest.mark.parametrize(
    ("taps", "words"),
    [
        ([40, 50], "1日に約45回"),
        ([None, None], "毎日20回未満"),
        ([1200, 1300], "1日に約1,250回"),
        ([40, None], "1日に約20〜30回"),
        ([], "まだ数がありません"),
    ],
)
def test_the_average_is_made_of_what_may_be_shown(taps: list[int | None], words: str) -> None:
    assert comparing.a_day([Day(TODAY, count) for count in taps]) == words


async def test_a_hidden_day_leaves_no_trace_in_any_figure(console: Opening, people: Cast) -> None:
    """画面もCSVも、隠した日が0回でも19回でも、一字も変わらない。置き場所ごとの合計との引き算でも分からない。"""
    await _change()
    await _tapped(CHANGED - timedelta(days=1), 40)
    sato = await console(people.sato)

    async def everything() -> list[str]:
        paths = ("", "/changes.csv", "/taps.csv")
        return [(await sato.get(f"/console/links/bosai_evac{path}")).text for path in paths]

    nobody = await everything()
    await _tapped(CHANGED + timedelta(days=3), 19)
    assert await everything() == nobody


async def test_the_page_shows_a_picture_with_words_and_a_table(console: Opening, people: Cast) -> None:
    await _change()
    await _tapped(CHANGED - timedelta(days=1), 50)
    page = (await (await console(people.sato)).get("/console/links/bosai_evac")).text
    assert 'role="img" aria-label="前の14日は1日に約4〜21回、後の14日は毎日20回未満。数は下の表にあります。"' in page
    assert '<th scope="row">前1日</th><td>2026年11月8日(日)</td><td class="number">50</td>' in page


async def test_a_link_never_changed_has_no_such_part(console: Opening, people: Cast) -> None:
    page = (await (await console(people.sato)).get("/console/links/bosai_evac")).text
    assert "変更の前と後" not in page


async def test_the_csv_holds_one_row_a_day(console: Opening, people: Cast) -> None:
    await _change()
    await _tapped(CHANGED + timedelta(days=1), 1234)
    rows = await _csv(await console(people.sato))
    assert len(rows) == 1 + 29
    assert rows[0] == ["名前", "題", "変えた日", "したこと", "前の行き先", "後の行き先", "いつ", "日", "押された数"]
    assert rows[1][2:] == ["2026-11-09", "行き先を変えた", OLD, NEW, "前14日", "2026-10-26", "20未満"]
    assert rows[16][6:] == ["後1日", "2026-11-10", "1234"]


async def test_no_cell_of_the_csv_is_a_formula(console: Opening, people: Cast) -> None:
    await work.run(editing.edit, people.sato, "bosai_evac", 1, Wanted('=HYPERLINK("x")', "", "koho", OLD), "@SUM(1)")
    await _change(TODAY)
    for path in ("changes.csv", "taps.csv"):
        cells = [cell for row in await _csv(await console(people.sato), path) for cell in row]
        assert '\'=HYPERLINK("x")' in cells
        assert not [cell for cell in cells if cell[:1] in "=+-@" and cell]


async def _csv(browser: Any, path: str = "changes.csv") -> list[list[str]]:
    answer = await browser.get(f"/console/links/bosai_evac/{path}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
