"""見回りを断るサイト: 開けないとは言わず、人の目を頼む。"""

from datetime import timedelta

import pytest

from backend.links import editing, register
from backend.links.register import State
from backend.store import clock, work
from tests.links.test_health import EVAC, WARD, Net, _state, net

__all__ = ["net"]


@pytest.mark.parametrize("status", [400, 401, 403, 405, 406, 407, 408, 429, 999, 304])
async def test_a_site_that_refuses_our_checks_is_never_called_dead(net: Net, status: int) -> None:
    net.status[EVAC] = status
    now = await clock.now()
    for day in range(5):
        await net.settle(now + timedelta(days=day))
    found = await register.find("bosai_evac")
    assert (found.state, found.state.usable) == (State.SUSPECT, True)
    assert "人が開いて" in found.reason


async def test_refusals_are_not_added_to_the_failures_of_a_site_in_trouble(net: Net) -> None:
    now = await clock.now()
    for day, status in enumerate((503, 503, 403, 503)):
        net.status[EVAC] = status
        await net.settle(now + timedelta(days=day))
    assert await _state() is State.SUSPECT


async def test_a_site_that_answers_again_only_to_refuse_is_no_longer_dead(net: Net) -> None:
    now = await clock.now()
    for day, status in enumerate((503, 503, 503, 403)):
        net.status[EVAC] = status
        await net.settle(now + timedelta(days=day))
    assert await _state() is State.SUSPECT


async def test_a_page_known_to_be_gone_stays_so_when_the_site_begins_to_refuse(net: Net) -> None:
    now = await clock.now()
    for day, status in enumerate((404, 403, 429)):
        net.status[EVAC] = status
        await net.settle(now + timedelta(days=day))
    found = await register.find("bosai_evac")
    assert (found.state, found.dead_since, found.reason) == (State.DEAD, now, "ページがありません。")


async def test_a_person_who_has_looked_can_put_a_gone_link_right(net: Net) -> None:
    net.status[EVAC] = 404
    now = await clock.now()
    await net.settle(now)
    net.status[EVAC] = 403
    await work.run(editing.point, "bosai_evac", f"https://{WARD}{EVAC}", [WARD], False)
    await net.settle(now + timedelta(days=1))
    assert await _state() is State.SUSPECT
