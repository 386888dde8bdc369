"""催し: 版と行き先と時間をもう一人が認め、その時間だけ出る。"""

import re

import pytest

from backend.links import register, repoint
from backend.links.register import Wanted
from backend.menus import composing, deployed, events, plan, schedule
from backend.store import work
from tests import cast
from tests.menus.desk import created, linked, published

FRIEND = "U" + "a" * 32
pytestmark = pytest.mark.usefixtures("database")


async def planned(sato, hours=("12:00", "15:00"), **more):
    """催しの版を出し、今日の時間を決める。(版, 予定)。"""
    event = await created(sato, role="event", name="桜まつり", tabs=1, **more)
    assert (await sato.post(f"/console/menus/{event}/submit", {"edition": 1, "reason": "桜まつり"})).status_code == 303
    day = "2026-11-24"
    when = {"version": event, "start_date": day, "start_time": hours[0], "end_date": day, "end_time": hours[1]}
    assert (await sato.post("/console/menus/schedules", when)).status_code == 303
    return event, (await events.listing())[0].id


async def approved(console, event, schedule_id):
    """版の画面で行き先を見て、予定を認める。"""
    shown = (await console.get(f"/console/menus/{event}")).text
    mark = re.search(r'name="mark" value="(\w+)"', shown)
    sent = {"mark": mark[1] if mark else (await events.find(schedule_id)).mark}
    return (await console.post(f"/console/menus/schedules/{schedule_id}/approve", sent)).status_code


async def shown_by_the_clock(gateway, simulator, settings):
    for _ in range(2):
        await schedule.tick(gateway, settings)
        await schedule.turn(gateway, settings)
    simulator.finish_jobs()
    return plan.plain((await deployed.read(gateway)).menus[simulator.screen(FRIEND)["menu"]["richMenuId"]])


async def test_an_event_menu_appears_and_disappears_by_the_clock(desk, gateway, simulator, line_settings):
    people, open_for = desk
    simulator.add_friends(FRIEND)
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    event, schedule_id = await planned(sato)
    assert await approved(sato, event, schedule_id) == 403
    assert await approved(ito, event, schedule_id) == 303

    assert await shown_by_the_clock(gateway, simulator, line_settings) == "春のメニュー くらし"
    await cast.tuesday(12, 1)
    assert await shown_by_the_clock(gateway, simulator, line_settings) == "桜まつり くらし"
    await cast.tuesday(15, 1)
    await work.sql("delete from menu_call")
    assert await shown_by_the_clock(gateway, simulator, line_settings) == "春のメニュー くらし"
    assert (await work.sql("select problem from menu_known"))[0]["problem"] == ""


async def test_the_calendar_shows_an_event_on_its_day_and_leads_to_what_is_to_be_approved(desk):
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    event, _ = await planned(sato)
    text = (await ito.get("/console/menus")).text
    today = text[text.index('aria-current="date"') :]
    assert "桜まつり" in today[: today.index("</td>")]
    assert f'href="/console/menus/{event}#schedules"' in text


async def test_an_event_menu_rewritten_after_its_hours_were_approved_is_never_shown(desk):
    """出した人が自分で差し戻し、時間の承認だけもらってから書き直しても、その絵は出ない(二人の目)。"""
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    event, schedule_id = await planned(sato, ("09:00", "15:00"))
    await sato.post(f"/console/menus/{event}/return", {"note": "直します"})
    assert await approved(ito, event, schedule_id) == 422
    await work.sql("update menu_schedule set approval_id = 1, approved_by = '前の承認' where id = $1", schedule_id)
    assert event not in [version.id for version in (await composing.compose()).sets]


async def test_an_event_whose_link_was_repointed_after_the_approval_waits_for_another_look(
    desk, gateway, simulator, line_settings
):
    people, open_for = desk
    simulator.add_friends(FRIEND)
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito)
    event, schedule_id = await planned(sato, ("10:10", "15:00"), **linked("bosai_evac"))
    assert await approved(ito, event, schedule_id) == 303
    link = await register.find("bosai_evac")
    wanted = Wanted(link.label, link.purpose, "koho", "https://www.city.bunkyo.lg.jp/b009/new.html")
    proposal = await work.run(repoint.propose, people.sato, link.code, link.version, wanted, "ページが移った")
    await work.run(repoint.approve, people.nakamura, proposal)

    await cast.tuesday(10, 11)
    assert await shown_by_the_clock(gateway, simulator, line_settings) == "春のメニュー くらし"
    assert "行き先が変わったので、出しません" in (await sato.get("/console/menus")).text
    assert await approved(ito, event, schedule_id) == 303
    await work.sql("delete from menu_call")
    assert await shown_by_the_clock(gateway, simulator, line_settings) == "桜まつり くらし"


async def test_what_was_approved_is_what_was_seen(desk):
    """画面を開いた後に行き先が変わったら、その承認は通らない。"""
    people, open_for = desk
    sato = await open_for(people.sato)
    _, schedule_id = await planned(sato)
    ito = await open_for(people.ito)
    sent = {"mark": "0" * 20}
    assert (await ito.post(f"/console/menus/schedules/{schedule_id}/approve", sent)).status_code == 422
    assert (await events.find(schedule_id)).approval_id is None
