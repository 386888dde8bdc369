"""コンソール: 一から作り、もう一人が承認し、反映し、戻す。"""

import re

import pytest

from backend.account import state
from backend.menus import deployed, grids, runs, schedule, switch, versions
from backend.menus.roles import Role
from backend.store import work
from tests.menus import making
from tests.menus.desk import checksum, created, fields, published

FRIEND = "U" + "a" * 32
# 二つのボタンの文字が重なる
OVERLAPPING = {
    f"t0c{n}-{side}": value for n in (0, 1) for side, value in zip("xywh", "0 0 400 450".split(), strict=True)
}
pytestmark = pytest.mark.usefixtures("database")


async def test_an_officer_builds_a_two_tab_menu_a_second_approves_and_a_phone_shows_it(desk, gateway, simulator):
    people, open_for = desk
    simulator.add_friends(FRIEND)
    await published(await open_for(people.sato), await open_for(people.ito))
    menu = simulator.screen(FRIEND)["menu"]
    assert [area["action"]["label"] for area in menu["areas"]] == [
        "くらし(表示中)",
        "子育てに切り替える",
        "区のサイト0を開く",
        "区のサイト1を開く",
    ]
    simulator.touch(FRIEND, "switch", alias="haru-1", data="tab=haru-1")
    assert simulator.screen(FRIEND)["menu"]["areas"][1]["action"]["label"] == "子育て(表示中)"


async def test_every_page_of_the_room_brings_its_own_style(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    for path in ("/console/menus", "/console/menus/new", "/console/menus/artwork"):
        assert "/static/menus.css" in (await sato.get(path)).text


async def test_the_author_sees_who_may_approve_and_cannot(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    version_id = await created(sato)
    await sato.post(f"/console/menus/{version_id}/submit", {"edition": 1, "reason": "春になるため"})
    text = (await sato.get(f"/console/menus/{version_id}")).text
    assert "承認できません" in text
    assert "伊藤" in text
    refused = await sato.post(f"/console/menus/{version_id}/approve", {"checksum": "x"})
    assert refused.status_code == 422


async def test_nobody_outside_the_pr_division_opens_the_room(desk):
    people, open_for = desk
    for actor in (people.tanaka, people.suzuki, people.takahashi, people.ogawa, people.yoshida):
        assert (await (await open_for(actor)).get("/console/menus")).status_code == 403


async def test_rollback_from_the_console_restores_the_exact_bytes(desk, gateway):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    first = await published(sato, ito)
    before = [i.body for i in await versions.images(first)]
    await published(sato, ito, name="夏のメニュー")
    copied = await sato.post(f"/console/menus/{first}/copy")
    again = int(copied.headers["location"].rsplit("/", 1)[1])
    await sato.post(f"/console/menus/{again}/submit", {"edition": 1, "reason": "前に戻す"})
    await ito.post(f"/console/menus/{again}/approve", {"checksum": await checksum(ito, again)})
    await sato.post(f"/console/menus/{again}/apply", {"checksum": await checksum(sato, again)})
    found = await deployed.read(gateway)
    assert [await gateway.rich_menu_image(found.aliases[f"haru-{n}"]) for n in (0, 1)] == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"t0c0-label": ""}, "読み上げの言葉がありません"),
        ({"t0c0-value": "https://example.com/"}, "区のサイトではありません"),
        ({"t0c0-value": "http://www.city.bunkyo.lg.jp/"}, "使えません"),
        ({"t0c0-main": "とても長くて升に入らない言葉をここに書いてみるとどうなる"}, "ボタンに入りません"),
        ({"notice": "お知らせ"}, "書き込みを区が読めない"),
        (
            {"t0-grid": "5+5+5+5", **{f"t0c{n}-label": "区のサイト" for n in range(21)}},
            "押せる場所は20か所までです(いま21か所)",
        ),
        ({"t0-grid": "free", "t0c1-main": "図書館", **OVERLAPPING}, "文字が薄くて読めません"),
    ],
)
async def test_a_menu_with_a_fault_is_refused_with_the_reason(desk, change, reason):
    people, open_for = desk
    sato = await open_for(people.sato)
    shown = await sato.post("/console/menus/preview", {**fields(tabs=1), **change})
    assert reason in shown.text
    version_id = await created(sato, tabs=1, **change)
    refused = await sato.post(f"/console/menus/{version_id}/submit", {"edition": 1, "reason": "春"})
    assert refused.status_code == 422
    assert "出せません" in refused.text
    assert reason in refused.text


async def test_the_editor_adds_moves_and_removes_without_a_script(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    added = await sato.post("/console/menus/new", {**fields(tabs=1), "do": "add_cell:0"})
    assert "t0c2-label" in added.text
    moved = await sato.post("/console/menus/new", {**fields(tabs=1), "do": "down:0.0"})
    assert moved.text.index("区のサイト1を開く") < moved.text.index("区のサイト0を開く")
    assert "t1-title" in (await sato.post("/console/menus/new", {**fields(tabs=1), "do": "add_tab"})).text
    dropped = await sato.post("/console/menus/new", {**fields(tabs=2), "do": "drop_tab:1"})
    assert "t1-title" not in dropped.text


async def test_what_was_typed_is_kept_when_another_screen_saved_first(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    version_id = await created(sato)
    await sato.post(f"/console/menus/{version_id}/edit", {**fields(name="先の名前"), "edition": "1", "do": "save"})
    late = await sato.post(
        f"/console/menus/{version_id}/edit", {**fields(name="後の名前"), "edition": "1", "do": "save"}
    )
    assert late.status_code == 422
    assert "後の名前" in late.text


async def test_free_bounds_typed_in_the_form_are_kept(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    places = {"t0-grid": "free", "t0c0-x": "0", "t0c0-y": "0", "t0c0-w": "400", "t0c0-h": "450"}
    version_id = await created(sato, tabs=1, cells=1, **places)
    bounds = (await versions.find(version_id)).declaration.tabs[0].cells[0].bounds
    assert (bounds.x, bounds.y, bounds.width, bounds.height) == (0, 0, 400, 450)


async def test_cells_freed_from_the_grid_start_where_they_were(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    version_id = await created(sato, tabs=1, cells=2, **{"t0-grid": "free"})
    first, second = (cell.bounds for cell in (await versions.find(version_id)).declaration.tabs[0].cells)
    assert (first.x, second.x, first.width, second.width) == (0, 400, 400, 400)


async def test_the_public_text_version_shows_what_is_shown_now(desk, gateway):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    await making.applied(gateway, await making.version(Role.EMERGENCY, making.emergency()))
    text = (await sato.http.get("/menu")).text
    assert "区のサイト0を開く" in text
    assert "区は読めません" in text
    await work.run(state.enter_disaster, people.watanabe)
    await switch.follow(gateway, making.WHERE)
    text = (await sato.http.get("/menu")).text
    assert "避難情報を見る" in text
    assert "tel:0338127111" in text


async def test_statistics_under_twenty_people_are_not_numbers(desk, gateway, simulator):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    assert "20人未満" in (await sato.get("/console/menus/statistics")).text


async def test_a_plan_in_plain_words_stands_beside_both_pictures(desk):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    version_id = await created(sato, name="夏のメニュー")
    text = (await sato.get(f"/console/menus/{version_id}")).text
    assert "「夏のメニュー くらし」のメニューを作ります。" in text
    assert "住民が見ているもの" in text
    assert "反映した後" in text


async def test_the_gallery_says_what_must_be_done_first(desk):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    version_id = await created(sato, name="夏のメニュー")
    await sato.post(f"/console/menus/{version_id}/submit", {"edition": 1, "reason": "夏"})
    text = (await ito.get("/console/menus")).text
    assert text.index("承認を待っているもの") < text.index("いま使われているもの")
    assert (await runs.latest(1))[0].staff_name == "佐藤"


async def test_the_apply_can_be_watched_step_by_step(desk):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    run = (await runs.latest(1))[0]
    text = (await sato.get(f"/console/menus/runs/{run.id}")).text
    steps = await runs.steps(run.id)
    assert text.count("<li") == len(steps) == text.count("済み")
    assert "反映しました。" in text


async def test_the_history_says_who_when_and_why(desk):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await published(sato, ito)
    text = (await sato.get(f"/console/menus/{version_id}")).text
    past = re.sub(r"<[^>]+>", "", text[text.index("<h2>これまで</h2>") :])
    for words in (
        "佐藤 — メニューの版を作った",
        "佐藤 — メニューの版を出した",
        "春になるため",
        "伊藤 — メニューの版を承認した",
    ):
        assert words in past
    assert past.count("2026年11月24日(火) 10:0") == 4


async def test_a_default_made_in_line_s_own_console_is_explained_on_the_page(desk, simulator):
    people, open_for = desk
    simulator.account(console_menu=True)
    sato = await open_for(people.sato)
    version_id = await created(sato)
    text = (await sato.get(f"/console/menus/{version_id}")).text
    assert "LINEの管理画面で作られたもの" in text
    assert "管理画面のものは残ります" in text


async def test_a_draft_may_be_half_written_and_the_page_says_what_is_still_to_write(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    half = {name: value for name, value in fields(tabs=1, cells=3).items() if not name.startswith("t0c2-")}
    shown = (await sato.post("/console/menus/preview", {**half, "t0c2-kind": "link"})).text
    assert "これから書くところ</strong> ボタン3" in shown
    assert "finding-block" not in shown


@pytest.mark.parametrize("count", range(1, 20))
async def test_every_way_to_arrange_the_buttons_has_room_for_all_of_them(count):
    for grid in grids.grids(count):
        rows = [int(row) for row in grid.split("+")]
        assert sum(rows) == count
        assert max(rows) <= 5


async def test_the_stop_page_tells_whether_lines_menu_has_followed(desk, gateway, simulator, line_settings):
    people, open_for = desk
    watanabe = await open_for(people.watanabe)
    assert "まだLINEに置かれていません" in (await watanabe.get("/console/menus/following")).text
    await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs()))
    assert "災害時のメニューがありません" in (await watanabe.get("/console/menus/following")).text
    await making.applied(gateway, await making.version(Role.EMERGENCY, making.emergency()))
    simulator.fault("POST /v2/bot/user/all/richmenu/*", "500_before", times=None)
    await work.run(state.enter_disaster, people.watanabe)
    await schedule.turn(gateway, line_settings)
    waiting = (await watanabe.get("/console/menus/following")).text
    assert "まだ替わっていません" in waiting
    assert "もう一度押さないでください" in waiting
    assert "every 1s" in waiting
    simulator.clear_faults()
    await schedule.turn(gateway, line_settings)
    done = (await watanabe.get("/console/menus/following")).text
    assert "「災害時」のメニュー" in done
    assert "every 1s" not in done
