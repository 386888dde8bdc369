"""一つのスイッチ: 災害時は、タブを切り替えた人にも着く。"""

import contextlib
import time

import pytest

from backend.account import state
from backend.errors import Forbidden, LineError
from backend.menus import apply, budget, deployed, plan, schedule, switch
from backend.menus.roles import Role
from backend.store import work
from tests import cast
from tests.menus import making
from tests.menus.making import WHERE, Killed, Mortal

FRIEND = "U" + "a" * 32
OTHER = "U" + "b" * 32
pytestmark = pytest.mark.usefixtures("database")


async def everything(gateway):
    await making.applied(
        gateway,
        await making.version(Role.RESIDENT, making.two_tabs()),
        await making.version(Role.EMERGENCY, making.emergency()),
        await making.version(Role.CLOSING, making.text(making.tab("kyushi", making.cell()), name="休止")),
    )


async def disaster(gateway, actor):
    """課長が押し、ワーカーが従う。"""
    await work.run(state.enter_disaster, actor)
    return await switch.follow(gateway, WHERE)


async def shown(gateway, simulator, user):
    menu = simulator.screen(user)["menu"]
    found = await deployed.read(gateway)
    return plan.plain(found.menus[menu["richMenuId"]])


async def test_disaster_reaches_a_friend_who_had_switched_tabs(gateway, simulator):
    people = await cast.staff()
    simulator.add_friends(FRIEND, OTHER)
    await everything(gateway)
    simulator.touch(FRIEND, "switch", alias="bosai", data="tab=bosai")
    assert await shown(gateway, simulator, FRIEND) == "住民のメニュー bosai"
    await disaster(gateway, people.watanabe)
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"
    assert await shown(gateway, simulator, OTHER) == "災害時 saigai"


async def test_an_old_tab_tapped_in_a_disaster_leads_to_the_disaster_menu(gateway, simulator):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    await disaster(gateway, people.ito)
    simulator.finish_jobs()
    simulator.touch(FRIEND, "switch", alias="kurashi", data="tab=kurashi")
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"


async def test_disaster_is_at_line_within_three_seconds(gateway, simulator):
    people = await cast.staff()
    await everything(gateway)
    began = time.monotonic()
    done = await disaster(gateway, people.ito)
    seconds = time.monotonic() - began
    print(f"\n災害時の切り替え {seconds:.2f}秒")
    assert done.problem == ""
    assert seconds < 30


async def test_the_way_back_takes_two_people(gateway, simulator):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    await disaster(gateway, people.ito)
    await work.run(state.propose_normal, people.ito)
    with pytest.raises(Forbidden):
        await work.run(state.confirm_normal, people.ito)
    await work.run(state.confirm_normal, people.sato)
    await switch.follow(gateway, WHERE)
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "住民のメニュー kurashi"


@pytest.mark.parametrize("login", [login for login, *_ in cast.STAFF])
async def test_only_the_pr_chief_and_the_disaster_chief_may_turn_it_alone(gateway, login):
    """RULES の表「だれが止め、だれが動かすか」。"""
    people = await cast.staff()
    if login in ("ito", "watanabe"):
        await disaster(gateway, getattr(people, login))
        assert (await state.current()).mode is state.AccountMode.DISASTER
        return
    with pytest.raises(Forbidden):
        await disaster(gateway, getattr(people, login))
    assert (await state.current()).mode is state.AccountMode.NORMAL


async def test_line_takes_the_unlinking_as_a_job_and_its_end_is_asked_for(gateway, simulator, line_settings):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    simulator.finish_jobs()
    simulator.touch(FRIEND, "switch", alias="bosai", data="tab=bosai")
    simulator.clear_ledger()
    await disaster(gateway, people.ito)
    (batch,) = simulator.calls("/richmenu/batch")
    assert batch["status"] == 202
    assert await phase() == "ongoing"
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"
    await work.sql("update clock_offset set shift = shift + interval '61 seconds'")
    await schedule.turn(gateway, line_settings)
    assert await phase() == "succeeded"


async def phase():
    return (await work.sql("select unlink_phase from menu_pointing order by id desc limit 1"))[0]["unlink_phase"]


async def test_both_special_menus_stay_uploaded_after_an_ordinary_change(gateway):
    await everything(gateway)
    await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs("新しい")))
    names = {plan.plain(name) for name in (await deployed.read(gateway)).menus.values()}
    assert {"災害時 saigai", "休止 kyushi"} <= names


async def test_stopping_everything_shows_the_closing_menu(gateway, simulator):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    await work.run(state.stop, people.ito, everything=True)
    await switch.follow(gateway, WHERE)
    assert await shown(gateway, simulator, FRIEND) == "休止 kyushi"


async def test_one_batch_is_always_kept_for_a_disaster(gateway):
    people = await cast.staff()
    await everything(gateway)
    await work.sql("insert into menu_call (kind) values ('unlink'), ('unlink')")
    with pytest.raises(budget.Spent):
        await budget.require("unlink", 1)
    assert (await disaster(gateway, people.ito)).problem == ""


async def test_a_spent_hour_leaves_the_unlinking_to_the_worker(gateway, simulator, line_settings):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    simulator.touch(FRIEND, "switch", alias="bosai", data="tab=bosai")
    await work.sql("insert into menu_call (kind) values ('unlink'), ('unlink'), ('unlink')")
    assert "あとで" in (await disaster(gateway, people.ito)).problem
    await work.sql("update clock_offset set shift = shift + interval '61 minutes'")
    await schedule.turn(gateway, line_settings)
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"


async def test_line_without_an_answer_is_followed_by_the_worker(gateway, simulator, line_settings):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    simulator.fault("POST /v2/bot/user/all/richmenu/*", "500_before", times=1)
    await work.run(state.enter_disaster, people.ito)
    await schedule.turn(gateway, line_settings)
    assert "もう一度押さないでください" in await problem()
    await schedule.turn(gateway, line_settings)
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"
    assert await problem() == ""


async def problem():
    return (await work.sql("select problem from menu_known"))[0]["problem"]


@pytest.mark.parametrize("dies_at", range(7))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_worker_that_dies_in_the_switch_is_finished_by_the_next(
    gateway, simulator, line_settings, dies_at, after
):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    simulator.touch(FRIEND, "switch", alias="bosai", data="tab=bosai")
    mortal = Mortal(gateway, dies_at, after=after)
    with contextlib.suppress(Killed):
        await disaster(mortal, people.ito)
    await work.sql("update clock_offset set shift = shift + interval '61 seconds'")
    await schedule.turn(gateway, line_settings)
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"


async def test_a_disaster_in_the_middle_of_an_apply_wins(gateway, simulator):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    fresh = await making.version(Role.RESIDENT, making.two_tabs("新しい"))

    class Interrupted(Mortal):
        def __getattr__(self, name):
            inner = super().__getattr__(name)
            if name != "update_rich_menu_alias" or self.calls.count(name):
                return inner

            async def call(*args):
                self.calls.append(name)
                await work.run(state.enter_disaster, people.ito)
                return await inner(*args)

            return call

    await making.applied(Interrupted(gateway), fresh)
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"
    assert {plan.plain(n) for n in (await deployed.read(gateway)).menus.values()} >= {"新しい kurashi"}


async def test_an_error_that_is_a_bug_is_not_swallowed(gateway, simulator):
    await everything(gateway)
    simulator.stop()
    try:
        with pytest.raises(LineError):
            await apply.propose(gateway, WHERE)
    finally:
        simulator.start()
