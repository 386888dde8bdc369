"""リンクと統計の画面: 空、いっぱい、うまくいかないとき。明るい・暗い、幅390・1280で、axeの違反もはみ出しもない(CHECKS 7)。"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any, Literal

import pytest_asyncio

from backend.links import editing, repoint
from backend.links.register import Wanted
from backend.store import work
from tests import cast
from tests.browser import looking
from tests.browser.phone import WARD, Phone
from tests.browser.test_console_looks import LEAST, LOOKS, at_desk, said
from tests.cast import Cast
from tests.menus import counted
from tests.messages import requests

TODAY = date(2026, 11, 24)
PICTURES: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    (1280, "light"),
    (390, "dark"),
    (1280, "dark"),
    (390, "light"),
)
NEW = "https://www.city.bunkyo.lg.jp/b009/p009999.html"
BODY = "避難所の開け方が12月5日(土)から変わります。\nhttps://line.example.jp/go/bosai_evac\nくわしくは上のページへ。"


@pytest_asyncio.fixture(loop_scope="session")
async def people(pick_up: Any) -> Cast:
    made = await cast.staff()
    await cast.tuesday()
    return made


async def _open(opened: Phone, path: str, name: str) -> list[str]:
    opened.said.clear()
    await opened.page.goto(f"{WARD}{path}")
    await opened.page.evaluate("document.querySelectorAll('main details').forEach(d => { d.open = true; })")
    return await _faults(opened, name)


async def _faults(opened: Phone, name: str, status: int = 200) -> list[str]:
    """いまの画面の悪いところを、どの見かけでも。`PICTURES=1` なら、机と電話の写真も残す。"""
    looks: tuple[looking.Look, ...] = (*LOOKS, (390, 100, "light"))
    found = await looking.every_look(opened.page, looks, LEAST)
    for width, scheme in PICTURES:
        await opened.page.set_viewport_size({"width": width, "height": 844})
        await opened.page.emulate_media(color_scheme=scheme)
        await looking.picture(opened.page, f"{name}-{width}-{scheme}")
    return [*(one for wrong in found for one in wrong), *said(opened, status)]


async def _turned(people: Cast) -> str:
    """送ったあとで行き先の変わったお知らせ。番号を返す。"""
    request_id = await requests.submitted(people.tanaka, body=BODY)
    await requests.approve(people.sato, request_id)
    wanted = Wanted("災害時の避難", "避難の案内", "koho", NEW)
    proposal = await work.run(repoint.propose, people.sato, "bosai_evac", 1, wanted, "古いページが消えたため")
    await work.run(repoint.approve, people.nakamura, proposal)
    rows = await work.sql(
        "update delivery set first_accepted_at = ward_now(), state = 'sent', finished_at = ward_now() returning public_number"
    )
    return rows[0]["public_number"]


async def _well_used() -> None:
    """一年前からあり、三度直し、毎日押されているリンク。"""
    await work.sql("update link set created_at = '2025-04-01'")
    for days_ago in (6, 40, 120):
        await work.sql(
            "insert into link_change (code, what, url_before, url_after, reason, staff_name, section_name, at) values "
            "('bosai_evac', 'repoint', $2, $3, '移った', '佐藤', '広報課', ward_now() - make_interval(days => $1))",
            days_ago,
            f"{NEW}?{days_ago}",
            NEW,
        )
    for days_ago in range(150):
        taps = 5 if days_ago % 11 == 0 else 30 + days_ago * 7 % 90
        await counted.tapped("bosai_evac", "menu-bosai-1" if days_ago % 2 else "", days_ago, taps)


async def test_a_new_link_has_a_quiet_page(pick_up: Any, people: Cast) -> None:
    opened = await at_desk(pick_up, people.sato)
    assert not await _open(opened, "/console/links/bosai_evac", "links-empty")


async def test_a_busy_link_shows_every_change_and_can_be_reached_by_keyboard(pick_up: Any, people: Cast) -> None:
    await _turned(people)
    await _well_used()
    wanted = Wanted("災害時の避難", "避難の案内", "koho", f"{NEW}?new", "www.elsewhere.co.jp", True)
    await work.run(repoint.propose, people.sato, "bosai_evac", 2, wanted, "もう一度移すため")
    opened = await at_desk(pick_up, people.ito)
    assert not await _open(opened, "/console/links/bosai_evac", "links-full")
    regions = await opened.page.locator("main .table-frame").count()
    stops = [stop["name"] for stop in await looking.tab_walk(opened.page)]
    assert sum("表" in name for name in stops) >= regions
    assert "前と後をCSVで取り出す" in stops


async def test_dead_links_are_told_on_the_list_and_at_home(pick_up: Any, people: Cast) -> None:
    await work.run(editing.add, people.tanaka, "soudan", Wanted("子育ての相談", "", "kosodate", NEW))
    await work.sql(
        "update link_check set dead_since = ward_now(), checked_at = ward_now(), reason = 'ページがありません。'"
    )
    await work.sql(
        "insert into delivery_alarm (code, words, since, mail) values ('link:bosai_evac', 'x', ward_now(), 'failed')"
    )
    opened = await at_desk(pick_up, people.sato)
    for path, name in (("/console", "home"), ("/console/links", "list"), ("/console/links/bosai_evac", "show")):
        assert not await _open(opened, path, f"links-dead-{name}")
    owner = await at_desk(pick_up, people.tanaka)
    assert not await _open(owner, "/console", "links-dead-owner")


async def test_what_was_typed_is_kept_beside_the_refusal(pick_up: Any, people: Cast) -> None:
    opened = await at_desk(pick_up, people.sato)
    await opened.page.goto(f"{WARD}/console/links/new")
    await opened.page.fill("#code", "matsuri")
    await opened.page.fill("#label", "まつり")
    await opened.page.fill("#url", "http://www.city.bunkyo.lg.jp/")
    await opened.page.click("text=この内容で登録する")
    await opened.page.wait_for_selector("[role=alert]")
    assert not await _faults(opened, "links-refused", 422)
    assert await opened.page.input_value("#label") == "まつり"


async def test_anyone_reads_where_a_link_of_a_sent_notice_was_turned(pick_up: Any, people: Cast) -> None:
    number = await _turned(people)
    opened: Phone = await pick_up(agent=None, width=1280)
    for lang in ("ja", "easy"):
        assert not await _open(opened, f"/verify/{number}?lang={lang}", f"verify-turned-{lang}")


async def test_the_statistics_of_a_busy_menu(pick_up: Any, people: Cast) -> None:
    version = await counted.shown()
    for days_ago in range(1, 28):
        await counted.tapped("bosai_evac", "menu-kurashi-1", days_ago, 40)
        await counted.tapped("home", "menu-kurashi-2", days_ago, 9)
    await work.sql(
        "insert into menu_insight (rich_menu_id, first, last, body) values ($1, $2, $3, $4::jsonb)",
        counted.MENU,
        TODAY - timedelta(days=28),
        TODAY - timedelta(days=1),
        json.dumps(counted.body(version, 1234, 347, None, 25, seen=3456)),
    )
    opened = await at_desk(pick_up, people.ito)
    assert not await _open(opened, "/console/menus/statistics", "statistics-full")


async def test_the_statistics_when_line_does_not_know_the_menu(pick_up: Any, people: Cast) -> None:
    await counted.shown(date(2026, 11, 20))
    opened = await at_desk(pick_up, people.ito)
    assert not await _open(opened, "/console/menus/statistics", "statistics-failing")
    assert "LINEの人数をいま読めません" in await opened.page.inner_text("main")
