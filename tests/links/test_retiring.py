"""リンクをやめる: メニューに出ているものは、一人の手で行き止まりにできない。後継へは二人で向ける。"""

from datetime import timedelta
from typing import Any

import pytest

from backend.errors import Refused
from backend.links import editing, register, repoint
from backend.menus import events, schedule
from backend.store import clock, work
from tests.menus.conftest import desk
from tests.menus.desk import approved, linked, published, submitted

__all__ = ["desk"]
EVAC = "bosai_evac"
pytestmark = pytest.mark.usefixtures("database")


async def _retire(actor: Any, code: str = EVAC, replacement: str | None = None) -> None:
    link = await register.find(code)
    await work.run(editing.retire, actor, code, link.version, replacement, "終わった")


@pytest.mark.parametrize("how", [approved, published])
async def test_a_link_in_a_menu_is_not_retired_and_the_menu_is_named(desk: Any, how: Any) -> None:
    people, open_for = desk
    version_id = await how(await open_for(people.sato), await open_for(people.ito), tabs=1, **linked(EVAC))
    with pytest.raises(Refused, match=f"メニュー {version_id}") as refused:
        await _retire(people.sato)
    assert "後継" in refused.value.next_step
    assert (await register.find(EVAC)).state is not register.State.RETIRED


async def test_a_link_is_retired_when_the_menus_let_it_go(desk: Any) -> None:
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito, tabs=1, **linked(EVAC))
    await published(sato, ito, tabs=1, name="夏のメニュー")
    await _retire(people.sato)
    assert (await register.find(EVAC)).state is register.State.RETIRED


async def _festival(desk: Any) -> tuple[Any, int, int]:
    """承認された催し: (職員の机, 版, 予定)。"""
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito, tabs=1)
    version_id = await submitted(sato, role="event", name="桜まつり", tabs=1, **linked(EVAC))
    now = await clock.now()
    planned = await work.run(events.add, people.sato, version_id, now + timedelta(days=2), now + timedelta(days=3))
    await work.run(events.approve, people.ito, planned, (await events.find(planned)).mark)
    return people, version_id, planned


async def test_a_link_in_a_planned_event_is_not_retired(desk: Any) -> None:
    people, version_id, _ = await _festival(desk)
    with pytest.raises(Refused, match=f"メニュー {version_id}"):
        await _retire(people.sato)


@pytest.mark.parametrize("how", ["over", "cancelled"])
async def test_an_event_that_is_over_holds_its_links_no_longer(
    desk: Any, gateway: Any, line_settings: Any, how: str
) -> None:
    people, _, planned = await _festival(desk)
    if how == "over":
        await clock.advance(4 * 24 * 3600)
    else:
        await work.run(events.cancel, people.sato, planned)
    await schedule.tick(gateway, line_settings)
    await _retire(people.sato)


async def test_the_page_offers_a_successor_in_place_of_the_end(desk: Any) -> None:
    people, open_for = desk
    sato = await open_for(people.sato)
    version_id = await published(sato, await open_for(people.ito), tabs=1, **linked(EVAC))
    page = (await sato.get(f"/console/links/{EVAC}")).text
    assert f'<a href="/console/menus/{version_id}">メニュー {version_id}</a>' in page
    assert "を使うのをやめる</button>" not in page
    assert "後継のリンクへ向ける" in page


async def test_a_successor_for_a_link_in_use_waits_for_a_second_person(desk: Any) -> None:
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito, tabs=1, **linked(EVAC))
    link, home = await register.find(EVAC), await register.find("home")
    sent = await sato.post(
        f"/console/links/{EVAC}/retire", {"version": link.version, "replacement": "home", "reason": "まとめた"}
    )
    assert sent.status_code == 303
    (waiting,) = await repoint.waiting(EVAC)
    assert (waiting.url, (await register.find(EVAC)).url) == (home.url, link.url)
    await ito.post(f"/console/links/proposals/{waiting.id}/approve")
    assert (await sato.http.get(f"/go/{EVAC}")).headers["location"] == home.url


async def test_a_dead_link_is_no_successor(desk: Any) -> None:
    people, open_for = desk
    await published(await open_for(people.sato), await open_for(people.ito), tabs=1, **linked(EVAC))
    await work.sql("update link_check set dead_since = ward_now() where code = 'home'")
    link = await register.find(EVAC)
    with pytest.raises(Refused, match="代わりのリンクが使えません"):
        await work.run(repoint.propose_successor, people.sato, EVAC, link.version, "home", "まとめた")
