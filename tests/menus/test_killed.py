"""kill -9: 反映しているプロセスを、どの節目で殺しても、もう一度で同じ一組になる。"""

import asyncio
import multiprocessing
import signal

import pytest

from backend.menus import apply, deployed, plan
from backend.menus.roles import Role
from backend.store import work
from tests.menus import making, victim
from tests.menus.making import WHERE

FRIEND = "U" + "a" * 32
CALLS = 11  # 二枚組を替えるとき、LINEを変える呼び出しの数
pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def processes():
    """読み込みを一度だけ済ませ、一回ごとに分かれるプロセス。この試験が終われば、みな消える。"""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pytest", victim.__name__])
    return context


async def ended(process):
    process.start()
    await asyncio.to_thread(process.join, 60)
    assert process.exitcode is not None, "反映のプロセスが終わらない"
    return process.exitcode


async def as_line_has_it(gateway):
    """LINEにある(メニューの名、別名の行き先、既定)。"""
    found = await deployed.read(gateway)
    names = {menu_id: plan.plain(name) for menu_id, name in found.menus.items()}
    return sorted(names.values()), {a: names[m] for a, m in found.aliases.items()}, names[found.default]


def wanted(name):
    shown = f"{name} kurashi"
    aliases = {"kurashi": shown, "bosai": f"{name} bosai", "saigai": shown}
    return sorted([shown, f"{name} bosai", "災害時 saigai"]), aliases, shown


async def test_a_process_killed_at_any_point_of_an_apply_converges(gateway, simulator, database, processes):
    simulator.limits(enabled=False)
    simulator.add_friends(FRIEND)
    await making.applied(
        gateway,
        await making.version(Role.RESIDENT, making.two_tabs()),
        await making.version(Role.EMERGENCY, making.emergency()),
    )
    points = [(number, after) for number in range(CALLS + 1) for after in (False, True)]
    killed = leftovers = 0
    for number, after in points:
        name = f"版{number}{'後' if after else '前'}"
        simulator.touch(FRIEND, "switch", alias="bosai", data="tab=bosai")
        version, checksum = await making.approved(gateway, await making.version(Role.RESIDENT, making.two_tabs(name)))
        told = (database.app_url, simulator.url, checksum, version.id)
        code = await ended(processes.Process(target=victim.run, args=(*told, number, after), daemon=True))
        assert code in (0, -signal.SIGKILL)
        if code:
            killed += 1
            leftovers += await as_line_has_it(gateway) != wanted(name)
            assert await ended(processes.Process(target=victim.run, args=(*told, None, False), daemon=True)) == 0
        assert await as_line_has_it(gateway) == wanted(name), (number, after)
        assert (await apply.propose(gateway, WHERE)).plan.steps == ()
        simulator.finish_jobs()
        seen = {area["action"]["label"] for area in simulator.screen(FRIEND)["menu"]["areas"]}
        assert "kurashi(表示中)" in seen
        await work.sql("delete from menu_call")
    print(
        f"\n反映のプロセスを{killed}の節目で kill -9: {killed}回とも一組に戻り、残り物は0"
        f"(殺した直後に途中だったのは{leftovers}回)"
    )
    assert killed == 2 * CALLS
    assert leftovers
