"""点検の進み方。"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from backend.links import editing, health, register
from backend.links.register import State
from backend.store import clock, work

WARD = "www.city.bunkyo.lg.jp"


class Net:
    """決めた答えをする網。`status` は道かホスト → 状態、`down` は引けないホスト。"""

    def __init__(self) -> None:
        self.status: dict[str, int] = {}
        self.down: set[str] = set()
        self.asked: list[str] = []
        self.transport = httpx.MockTransport(self._answer)

    async def resolve(self, host: str) -> Sequence[str]:
        if host in self.down or "*" in self.down:
            raise OSError("no network")
        return ["203.208.1.1"]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.headers["host"] + request.url.path)
        return httpx.Response(self.status.get(request.url.path, 200))

    async def tick(self, now: datetime) -> int:
        return await health.tick(now, resolver=self.resolve, transport=self.transport)

    async def settle(self, now: datetime) -> int:
        """期限の来たものがなくなるまで。"""
        done = 0
        while seen := await self.tick(now):
            done += seen
        return done


@pytest_asyncio.fixture(loop_scope="session")
async def net(database: object) -> Net:
    return Net()


EVAC = "/b009/p000034.html"


async def _state(code: str = "bosai_evac") -> State:
    return (await register.find(code)).state


async def test_a_page_that_opens_is_live(net: Net) -> None:
    await net.settle(await clock.now())
    assert await _state() is State.LIVE


async def test_every_link_is_looked_at_once_a_day(net: Net) -> None:
    now = await clock.now()
    links = len(await register.listing())
    counts = [
        await net.settle(now),
        await net.settle(now + timedelta(hours=23)),
        await net.settle(now + timedelta(hours=25)),
    ]
    assert counts == [links, 0, links]


async def test_one_site_is_asked_one_thing_at_a_time(net: Net) -> None:
    await net.tick(await clock.now())
    hosts = [asked.split("/")[0] for asked in net.asked]
    assert sorted(hosts) == sorted(set(hosts))


async def test_only_a_few_sites_are_asked_at_a_time(net: Net) -> None:
    for number in range(8):
        await work.sql(
            "insert into link (code, label, owner_section, url, allowed_hosts) values ($1, $1, 'koho', $2, '{}')",
            f"site{number}",
            f"https://www.site{number}.co.jp/",
        )
        await work.sql("insert into link_check (code, next_at) values ($1, '2020-01-01')", f"site{number}")
    assert await net.tick(await clock.now()) == health.AT_ONCE == 4


async def test_a_page_that_is_gone_is_dead_at_once(net: Net) -> None:
    net.status[EVAC] = 404
    await net.settle(await clock.now())
    assert await _state() is State.DEAD


async def test_a_dead_link_is_told_to_its_owner(net: Net) -> None:
    net.status[EVAC] = 404
    await net.settle(await clock.now())
    assert [link.code for link in await register.dead_of("koho")] == ["bosai_evac"]


async def test_a_dead_link_keeps_the_time_it_died(net: Net) -> None:
    net.status[EVAC] = 404
    now = await clock.now()
    for hour in (0, 2, 4):
        await net.settle(now + timedelta(hours=hour))
    found = await register.find("bosai_evac")
    assert (found.dead_since, found.checked_at) == (now, now + timedelta(hours=4))
    net.status.clear()
    await net.settle(now + timedelta(hours=6))
    assert (await register.find("bosai_evac")).dead_since is None


async def test_a_dead_link_is_written_in_the_record_once(net: Net) -> None:
    net.status[EVAC] = 404
    now = await clock.now()
    for hour in (0, 2, 4):
        await net.settle(now + timedelta(hours=hour))
    rows = await work.sql("select subject from audit_entry where action = 'link.dead'")
    assert [row["subject"] for row in rows] == ["link:bosai_evac"]


async def test_a_page_that_comes_back_is_live_again(net: Net) -> None:
    net.status[EVAC] = 404
    now = await clock.now()
    await net.settle(now)
    net.status.clear()
    await net.settle(now + timedelta(hours=2))
    assert await _state() is State.LIVE


async def test_a_site_in_trouble_is_dead_only_the_third_time(net: Net) -> None:
    net.status[EVAC] = 503
    now, seen = await clock.now(), []
    for hour in (0, 1, 2):
        await net.settle(now + timedelta(hours=hour))
        seen.append(await _state())
    assert seen == [State.SUSPECT, State.SUSPECT, State.DEAD]


async def test_when_our_own_line_is_cut_nothing_is_called_dead(net: Net) -> None:
    net.down.add("*")
    now = await clock.now()
    for hour in range(6):
        await net.settle(now + timedelta(hours=hour))
    assert {link.state for link in await register.listing()} == {State.SUSPECT}


async def test_a_site_that_is_down_while_others_answer_is_dead(net: Net) -> None:
    net.down.add("x.com")
    now = await clock.now()
    for minutes in (0, 40, 80, 120):  # 初めの回は、ほかのサイトがまだ開けていない
        await work.sql("update link_check set next_at = $1", now)
        await net.settle(now + timedelta(minutes=minutes))
    assert (await _state("x"), await _state("home")) == (State.DEAD, State.LIVE)


async def test_a_dead_link_stays_dead_while_nothing_is_known(net: Net) -> None:
    net.status[EVAC] = 404
    now = await clock.now()
    await net.settle(now)
    net.down.add("*")
    await net.settle(now + timedelta(hours=2))
    assert await _state() is State.DEAD


async def test_a_changed_target_is_looked_at_anew(net: Net) -> None:
    net.status[EVAC] = 404
    await net.settle(await clock.now())
    await work.run(editing.point, "bosai_evac", f"https://{WARD}/new", [WARD], False)
    assert await _state() is State.UNSEEN
    await net.settle(await clock.now())
    assert await _state() is State.LIVE


async def test_an_answer_about_the_old_target_is_thrown_away(net: Net) -> None:
    now = await clock.now()
    (due, *_) = await work.run(health._claim, now)
    await work.run(editing.point, due.code, f"https://{WARD}/new", [WARD], False)
    await work.run(health._keep, due, health.Answer(health.Verdict.GONE, 404, "x"), now)
    assert await _state(due.code) is State.UNSEEN


async def test_two_workers_do_not_look_at_the_same_link(net: Net) -> None:
    now = await clock.now()
    first, second = await work.run(health._claim, now), await work.run(health._claim, now)
    assert not {due.code for due in first} & {due.code for due in second}


async def test_asking_again_puts_it_first(net: Net) -> None:
    now = await clock.now()
    await net.settle(now)
    await work.run(health.ask_again, "bosai_evac")
    net.asked.clear()
    await net.settle(await clock.now())
    assert net.asked == [WARD + EVAC]


@pytest.mark.parametrize("column", ["retired", "telephone"])
async def test_retired_links_and_telephones_are_left_alone(net: Net, column: str) -> None:
    if column == "retired":
        await work.sql("update link set retired = true where code = 'bosai_evac'")
    else:
        await work.sql("update link set url = 'tel:119' where code = 'bosai_evac'")
    await net.settle(await clock.now())
    assert WARD + EVAC not in net.asked
