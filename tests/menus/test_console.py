"""コンソール: 一から作り、もう一人が承認し、反映し、戻す。"""

import io
import re

import pytest
import pytest_asyncio
from PIL import Image

from backend.app import create_app
from backend.menus import apply, deployed, plan, versions
from backend.menus.roles import Role
from backend.store import work
from tests import cast
from tests.menus import making

FRIEND = "U" + "a" * 32
pytestmark = pytest.mark.usefixtures("database")


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database, line_settings, gateway):
    """配役と、その人のコンソールを開く関数。"""
    people = await cast.staff()
    await cast.tuesday()
    app = create_app(line_settings, gateway)
    opened = []

    async def open_for(actor):
        opened.append(await cast.signed_in(app, line_settings, actor))
        return opened[-1]

    yield people, open_for
    for one in opened:
        await one.close()


def fields(role="resident", name="春のメニュー", tabs=2, cells=2, **more):
    """画面の欄。"""
    sent = {
        "role": role,
        "name": name,
        "chat": "メニュー",
        "notice": making.NOTICE,
        "size": "kept",
        "width": "800",
        "height": "540",
        "selected": "1",
    }
    for t in range(tabs):
        sent |= {
            f"t{t}-alias": f"haru-{t}",
            f"t{t}-title": ("くらし", "子育て")[t],
            f"t{t}-palette": "ai",
            f"t{t}-grid": str(cells),
        }
        for c in range(cells):
            sent |= {
                f"t{t}c{c}-label": f"区のサイト{c}を開く",
                f"t{t}c{c}-main": "区のサイト",
                f"t{t}c{c}-kind": "uri",
                f"t{t}c{c}-value": "https://www.city.bunkyo.lg.jp/",
                f"t{t}c{c}-picture": "office",
            }
    return {**sent, **more}


async def created(console, **more):
    answer = await console.post("/console/menus/new", {**fields(**more), "do": "save"})
    assert answer.status_code == 303, answer.text
    return int(answer.headers["location"].rsplit("/", 1)[1])


async def checksum(console, version_id):
    return re.search(r'name="checksum" value="(\w+)"', (await console.get(f"/console/menus/{version_id}")).text)[1]


async def published(sato, ito, **more):
    version_id = await created(sato, **more)
    sent = await sato.post(f"/console/menus/{version_id}/submit", {"edition": 1, "reason": "春になるため"})
    assert sent.status_code == 303, sent.text
    approved = await ito.post(f"/console/menus/{version_id}/approve", {"checksum": await checksum(ito, version_id)})
    assert approved.status_code == 303, approved.text
    done = await sato.post(f"/console/menus/{version_id}/apply", {"checksum": await checksum(sato, version_id)})
    assert done.status_code == 303, done.text
    return version_id


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
        ({"t0c0-main": "とても長くて升に入らない言葉をここに書いてみるとどうなる"}, "升に入りません"),
        ({"notice": "お知らせ"}, "書き込みを区が読めない"),
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


def png(size=(2500, 1686)):
    out = io.BytesIO()
    Image.new("RGB", size, "navy").save(out, "PNG")
    return out.getvalue()


async def sent_picture(console, body, **more):
    data = {"owner": "区", "permission": "自作", "credit": "", "csrf": console.csrf, **more}
    headers = {"origin": str(console.http.base_url).rstrip("/")}
    return await console.http.post(
        "/console/menus/artwork", data=data, files={"file": ("haru.png", body, "image/png")}, headers=headers
    )


async def test_an_uploaded_picture_keeps_its_owner_and_permission(desk):
    people, open_for = desk
    sato = await open_for(people.sato)
    assert (await sent_picture(sato, png())).status_code == 303
    text = (await sato.get("/console/menus/artwork")).text
    assert "haru.png" in text
    assert "自作" in text
    assert "haru.png" in (await sato.get("/console/menus/new")).text


async def test_a_picture_without_permission_is_refused(desk):
    people, open_for = desk
    refused = await sent_picture(await open_for(people.sato), png(), permission="")
    assert refused.status_code == 422
    assert "許し" in refused.text


async def test_an_event_menu_appears_and_disappears_by_the_clock(desk, gateway, simulator, line_settings):
    from backend.menus import schedule

    people, open_for = desk
    simulator.add_friends(FRIEND)
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    event = await created(sato, role="event", name="桜まつり", tabs=1)
    await sato.post(f"/console/menus/{event}/submit", {"edition": 1, "reason": "桜まつり"})
    when = {
        "version": event,
        "start_date": "2026-11-24",
        "start_time": "12:00",
        "end_date": "2026-11-24",
        "end_time": "15:00",
    }
    assert (await sato.post("/console/menus/schedules", when)).status_code == 303
    schedule_id = (await schedule.listing())[0].id
    assert (await sato.post(f"/console/menus/schedules/{schedule_id}/approve")).status_code == 403
    assert (await ito.post(f"/console/menus/schedules/{schedule_id}/approve")).status_code == 303

    async def now_shown():
        await schedule.tick(gateway, line_settings)
        await schedule.tick(gateway, line_settings)
        simulator.finish_jobs()
        return plan.plain((await deployed.read(gateway)).menus[simulator.screen(FRIEND)["menu"]["richMenuId"]])

    assert await now_shown() == "春のメニュー くらし"
    await cast.tuesday(12, 1)
    assert await now_shown() == "桜まつり くらし"
    await cast.tuesday(15, 1)
    await work.sql("delete from menu_call")
    assert await now_shown() == "春のメニュー くらし"
    assert (await work.sql("select problem from menu_known"))[0]["problem"] == ""


async def test_an_event_menu_rewritten_after_its_hours_were_approved_is_never_shown(
    desk, gateway, simulator, line_settings
):
    """出した人が自分で差し戻し、時間の承認だけもらってから書き直しても、その絵は出ない(二人の目)。"""
    from backend.menus import composing, schedule

    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    event = await created(sato, role="event", name="桜まつり", tabs=1)
    await sato.post(f"/console/menus/{event}/submit", {"edition": 1, "reason": "桜まつり"})
    when = {
        "version": event,
        "start_date": "2026-11-24",
        "start_time": "09:00",
        "end_date": "2026-11-24",
        "end_time": "15:00",
    }
    await sato.post("/console/menus/schedules", when)
    schedule_id = (await schedule.listing())[0].id
    await sato.post(f"/console/menus/{event}/return", {"note": "直します"})
    assert (await ito.post(f"/console/menus/schedules/{schedule_id}/approve")).status_code == 422
    await work.sql("update menu_schedule set approval_id = 1, approved_by = '前の承認' where id = $1", schedule_id)
    assert event not in [version.id for version in (await composing.compose()).sets]


async def test_the_public_text_version_shows_what_is_shown_now(desk, gateway):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    await making.applied(gateway, await making.version(Role.EMERGENCY, making.emergency()))
    text = (await sato.http.get("/menu")).text
    assert "区のサイト0を開く" in text
    assert "区は読めません" in text
    from backend.menus import switch

    await switch.enter_disaster(people.watanabe, gateway)
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
    assert (await apply.latest(1))[0].staff_name == "佐藤"
