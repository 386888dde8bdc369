"""替える前と後: 押せる所ごとに、少ない数を見せずにくらべる(issue 4-6)。"""

from datetime import timedelta

import pytest_asyncio

from backend.menus import effects
from backend.menus.roles import Role
from backend.store import clock, work
from tests import cast
from tests.menus import counted, making


@pytest_asyncio.fixture(loop_scope="session")
async def changed(database: object) -> None:
    """10日前に、一つめのボタンの言葉と行き先を替えた。"""
    await cast.tuesday()
    before = await counted.shown()
    await _applied(before.id, 100)
    source = making.text(
        making.tab(
            "kurashi",
            making.cell("開いている避難所を見る", "{link: bosai_evac}", "[避難所]"),
            making.cell("電話する", "{tel: 03-3812-7111}", "[電話]"),
            grid="2",
            title="くらし",
        )
    )
    after = await making.version(Role.RESIDENT, source, where=counted.WHERE)
    await _applied(after.id, 10)
    await work.sql("update menu_current set version_id = $1", after.id)


async def _applied(version_id: int, days_ago: int) -> None:
    at = await clock.now() - timedelta(days=days_ago)
    await work.sql("update menu_version set applied_at = $2, reason = '分かりやすく' where id = $1", version_id, at)


async def test_each_spot_is_compared_before_and_after(changed: None) -> None:
    for days_ago, count in ((24, 40), (11, 40), (10, 500), (9, 100), (1, 100), (0, 500), (25, 500)):
        await counted.tapped("bosai_evac", "menu-kurashi-1", days_ago, count)
    (one,) = await effects.report()
    assert (one.before_days, one.after_days, one.reason) == (14, 9, "分かりやすく")
    assert [(spot.was, spot.now, spot.before, spot.after) for spot in one.spots] == [
        ("避難所を見る", "開いている避難所を見る", "約80回", "約200回"),
        ("ホームページを開く", "電話する", "20回未満", "数えません"),
        ("電話する", "", "数えません", "ありません"),
        ("区のサイトを開く", "", "数えません", "ありません"),
    ]


async def test_a_small_number_stays_hidden(changed: None) -> None:
    await counted.tapped("bosai_evac", "menu-kurashi-1", 5, 19)
    (one,) = await effects.report()
    assert one.spots[0].after == "20回未満"


async def test_the_first_version_has_nothing_to_compare_with(database: object) -> None:
    await cast.tuesday()
    await _applied((await counted.shown()).id, 10)
    assert await effects.report() == []


async def test_the_sheet_holds_no_formula(changed: None) -> None:
    await work.sql("update menu_version set declaration = replace(declaration, '開いている避難所を見る', '=cmd()')")
    sheet = effects.csv_file(await effects.report()).decode("utf-8-sig")
    assert "'=cmd()" in sheet
    assert sheet.count("\r\n") == 5
