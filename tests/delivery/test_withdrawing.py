"""送っている最中の取りやめ: すぐに効き、数は一人も違わない(CHECKS C4, I2, I3)。"""

import time

import pytest

from backend.consent.notices import Purpose
from backend.delivery import freeze
from backend.residents import preferences
from backend.residents.choices import Choices
from backend.store import work
from tests import cast
from tests.delivery.conftest import (
    approved,
    lives_in_hongo,
    package,
    sending,
    total,
    until,
)


async def test_withdrawing_during_a_send_takes_effect_at_once(crowd, noon, gateway, keys, simulator):
    await crowd(3_000)
    leaving = await cast.crowd(keys, 60, lives_in_hongo, first=9_000)
    simulator.add_friends(*leaving)
    async with sending(gateway, keys, per_second=1.5):
        delivery = await approved(package(noon))
        await until(delivery, lambda s: s.accepted >= 300)
        left = {}
        for user in leaving:
            await work.run(preferences.withdraw, keys, user, None)
            left[user] = time.time()
        done = await until(delivery)
    got = {one["user"]: _seconds(one["at"]) for one in simulator.received()}
    late = [got[user] - left[user] for user in leaving if user in got and got[user] > left[user]]
    print(f"取りやめの後に受け付けられた人: {len(late)}人 {[f'{seconds:.3f}秒' for seconds in late]}")
    assert all(seconds < 0.5 for seconds in late), "呼び出しの最中だった人だけのはず"
    assert done.excluded == len(set(leaving) - got.keys()) > 10
    assert total(done) == 3_060
    assert done.accepted == len(simulator.received())


async def test_withdrawing_one_purpose_during_a_send_leaves_the_person_out(crowd, noon, gateway, keys, simulator):
    await crowd(1_200)
    leaving = await cast.crowd(
        keys, 40, lambda n: Choices(purposes=Purpose.AREA | Purpose.AGE, area=cast.HONGO_3, age_band=30), first=9_000
    )
    simulator.add_friends(*leaving)
    delivery = await approved(package(noon))
    await work.run(freeze.freeze, delivery, 1)
    for user in leaving:
        await work.run(preferences.withdraw, keys, user, Purpose.AREA)
    async with sending(gateway, keys):
        done = await until(delivery)
    assert (done.accepted, done.excluded) == (1_200, 40)
    assert not {got["user"] for got in simulator.received()} & set(leaving)


async def test_someone_who_moved_after_the_freeze_is_left_out(crowd, noon, gateway, keys, simulator):
    await crowd(60)
    delivery = await approved(package(noon))
    await work.run(freeze.freeze, delivery, 1)
    await work.sql("update resident set area = 12 where id in (select id from resident limit 7)")
    await work.sql(
        "update resident set live_until = ward_now() where id in (select id from resident where area = 41 limit 3)"
    )
    async with sending(gateway, keys):
        done = await until(delivery)
    assert (done.accepted, done.excluded) == (50, 10)
    assert len(simulator.received()) == 50


@pytest.mark.parametrize(("fault", "accepted"), [("500_before", 295), ("500_after", 300)])
async def test_people_who_left_between_two_tries_are_counted_as_line_counted_them(
    crowd, noon, gateway, keys, simulator, fault, accepted
):
    await crowd(295)
    leaving = await cast.crowd(keys, 5, lives_in_hongo, first=9_000)
    simulator.add_friends(*leaving)
    simulator.fault("multicast", fault, times=1)
    simulator.fault("multicast", "429_rate", times=2)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        await until(delivery, lambda s: bool(simulator.calls("multicast")))
        for user in leaving:
            await work.run(preferences.withdraw, keys, user, None)
        done = await until(delivery)
    assert (done.accepted, done.excluded, total(done)) == (accepted, 300 - accepted, 300)
    assert len(simulator.received()) == accepted


def _seconds(moment):
    from datetime import datetime

    return datetime.fromisoformat(moment).timestamp()
