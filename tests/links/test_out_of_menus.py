"""出る間際のメニューの中のリンク: 開けないものは、承認も反映もできない。災害時の切り替えだけは止めない。"""

from datetime import timedelta
from typing import Any

import pytest

from backend.account import state
from backend.errors import Refused
from backend.links import editing, health, register
from backend.links.register import Wanted
from backend.menus import deployed, events, plan, schedule, versions
from backend.store import clock, work
from tests.menus.conftest import desk
from tests.menus.desk import approved, checksum, created, linked, published, submitted

__all__ = ["desk"]
EVAC = "bosai_evac"
pytestmark = pytest.mark.usefixtures("database")


async def _die(code: str = EVAC) -> None:
    await work.sql(
        "update link_check set dead_since = ward_now(), verdict = 'gone', reason = 'ページがありません。' where code = $1",
        code,
    )


async def _come_back(code: str = EVAC) -> None:
    await work.sql("update link_check set dead_since = null, verdict = 'ok', reason = '' where code = $1", code)


async def test_a_link_that_died_after_the_submission_is_not_approved(desk: Any) -> None:
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await submitted(sato, tabs=1, **linked(EVAC))
    seen = await checksum(ito, version_id)
    await _die()
    refused = await ito.post(f"/console/menus/{version_id}/approve", {"checksum": seen})
    assert refused.status_code == 422
    for words in ("災害時の避難", "ページがありません。", "これをもとに新しい版を作る"):
        assert words in refused.text
    assert (await versions.find(version_id)).state is versions.State.SUBMITTED
    assert await register.uses(EVAC) == []


async def test_a_link_that_died_after_the_approval_is_not_put_out(desk: Any, gateway: Any) -> None:
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await approved(sato, ito, tabs=1, **linked(EVAC))
    seen = await checksum(sato, version_id)
    await _die()
    refused = await sato.post(f"/console/menus/{version_id}/apply", {"checksum": seen})
    assert refused.status_code == 422
    assert "災害時の避難" in refused.text
    assert (await deployed.read(gateway)).menus == {}


async def test_an_inner_address_that_nobody_had_looked_at_is_told_and_goes_no_further(
    desk: Any,
) -> None:
    """登録の直後は、まだ確かめていない。出すことはできても、内側の網を指すと分かれば、承認できない。"""
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    inner = Wanted("中の機械", "", "koho", "https://naka.city.bunkyo.lg.jp/")
    await work.run(editing.add, people.sato, "naka", inner)
    version_id = await submitted(sato, tabs=1, **linked("naka"))
    page = (await ito.get(f"/console/menus/{version_id}")).text
    assert "開けるかを、まだ機械では確かめられていないリンクです。" in page
    seen = await checksum(ito, version_id)

    async def inside(_host: str) -> list[str]:
        return ["10.0.0.7"]

    while await health.tick(await clock.now(), resolver=inside):
        pass
    refused = await ito.post(f"/console/menus/{version_id}/approve", {"checksum": seen})
    assert refused.status_code == 422
    assert "内側の網を指しています" in refused.text
    again = await created(sato, tabs=1, **linked("naka"))
    assert (await sato.post(f"/console/menus/{again}/submit", {"edition": 1, "reason": "x"})).status_code == 422


async def test_a_page_typed_as_an_address_is_looked_up_again_too(desk: Any, gateway: Any) -> None:
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await approved(sato, ito, tabs=1, **{"t0c0-value": "https://www.city.bunkyo.lg.jp/b009/p000034.html"})
    seen = await checksum(sato, version_id)
    await _die()
    assert (await sato.post(f"/console/menus/{version_id}/apply", {"checksum": seen})).status_code == 422
    assert (await deployed.read(gateway)).menus == {}


async def test_the_page_says_why_there_is_no_button_and_what_to_do(desk: Any) -> None:
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await approved(sato, ito, tabs=1, **linked(EVAC))
    await _die()
    page = (await sato.get(f"/console/menus/{version_id}")).text
    assert "承認された計画を反映する" not in page
    assert "直すところが残っているので、まだ反映できません" in page
    assert "リンクの部屋" in page


async def test_when_the_page_opens_again_the_same_approval_goes_out(desk: Any, gateway: Any) -> None:
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await approved(sato, ito, tabs=1, **linked(EVAC))
    await _die()
    await _come_back()
    done = await sato.post(f"/console/menus/{version_id}/apply", {"checksum": await checksum(sato, version_id)})
    assert done.status_code == 303
    assert len((await deployed.read(gateway)).menus) == 1


async def test_a_dead_link_elsewhere_stops_nothing(desk: Any) -> None:
    people, open_for = desk
    await _die("koe")
    await published(await open_for(people.sato), await open_for(people.ito), tabs=1, **linked(EVAC))


@pytest.mark.parametrize("erased", [False, True])
async def test_a_disaster_switches_the_menu_whatever_the_links_are(
    desk: Any, gateway: Any, line_settings: Any, erased: bool
) -> None:
    """区のサイトごと倒れていても、LINEから消されていて置き直すときでも、止めない。"""
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    await published(sato, ito, tabs=1)
    await published(
        sato, ito, role="emergency", name="災害時", tabs=1, **linked(EVAC, "t0c1"),
        **{"t0c0-label": "避難情報を見る", "t0c0-kind": "tel", "t0c0-value": "03-3812-7111"},
    )  # fmt: skip
    for code in [link.code for link in await register.listing()]:
        await _die(code)
    if erased:
        for menu_id, name in (await deployed.read(gateway)).menus.items():
            if "災害時" in name:
                await gateway.delete_rich_menu(menu_id)
    await work.run(state.enter_disaster, people.watanabe)
    await schedule.turn(gateway, line_settings)
    found = await deployed.read(gateway)
    assert found.default is not None
    assert plan.plain(found.menus[found.default]).startswith("災害時")


async def test_an_apply_that_was_begun_is_finished_whatever_the_links_are(
    desk: Any, gateway: Any, simulator: Any, line_settings: Any
) -> None:
    """途中で止まった反映を、リンクのために半分のまま残さない。"""
    people, open_for = desk
    sato, ito = await open_for(people.sato), await open_for(people.ito)
    version_id = await approved(sato, ito, tabs=1, **linked(EVAC))
    simulator.fault("POST /v2/bot/user/all/richmenu/*", "500_before", times=1)
    await sato.post(f"/console/menus/{version_id}/apply", {"checksum": await checksum(sato, version_id)})
    await _die()
    await clock.advance(3600)
    await schedule.tick(gateway, line_settings)
    assert (await versions.find(version_id)).current


async def test_an_event_with_a_dead_link_is_not_approved(desk: Any) -> None:
    people, open_for = desk
    version_id = await submitted(await open_for(people.sato), role="event", name="桜", tabs=1, **linked(EVAC))
    now = await clock.now()
    planned = await work.run(events.add, people.sato, version_id, now + timedelta(days=2), now + timedelta(days=3))
    mark = (await events.find(planned)).mark
    await _die()
    with pytest.raises(Refused, match="災害時の避難"):
        await work.run(events.approve, people.ito, planned, mark)
