"""スイッチは、止まった反映にも、消されたメニューにも、割り込みにも負けない。"""

import asyncio
import contextlib

import pytest

from backend.account import state
from backend.errors import LineError, Refused
from backend.menus import apply, approving, budget, deployed, plan, runs, schedule, switch, versions, watching
from backend.menus.roles import Role
from backend.store import work
from tests import cast
from tests.menus import making
from tests.menus.making import WHERE, Killed, Mortal
from tests.menus.test_switch import FRIEND, everything, problem, shown

pytestmark = pytest.mark.usefixtures("database")


async def default(gateway):
    found = await deployed.read(gateway)
    return plan.plain(found.menus[found.default])


async def drifts():
    rows = await work.sql("select detail from audit_entry where action = 'menu.drift'")
    return [row["detail"] for row in rows]


async def emergency_ids(gateway):
    menus = (await deployed.read(gateway)).menus
    return [menu_id for menu_id, name in menus.items() if plan.plain(name).startswith("災害時")]


@pytest.mark.parametrize("stuck", ["DELETE /v2/bot/richmenu/*", "POST /v2/bot/richmenu"])
async def test_a_stuck_apply_does_not_hold_up_a_disaster(gateway, simulator, line_settings, stuck):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    fresh = await making.version(Role.RESIDENT, making.two_tabs("新しい"))
    simulator.fault(stuck, "500_before", times=None)
    with pytest.raises(LineError):
        await making.applied(gateway, fresh)
    await work.run(state.enter_disaster, people.watanabe)
    await asyncio.gather(schedule.tick(gateway, line_settings), schedule.turn(gateway, line_settings))
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"
    assert await runs.unfinished() is not None


async def test_an_apply_that_spent_the_hour_does_not_hold_up_a_disaster(gateway, line_settings):
    people = await cast.staff()
    await everything(gateway)
    await work.sql("insert into menu_call (kind) select 'delete' from generate_series(1, 100)")
    with pytest.raises(budget.Spent):
        await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs("新しい")))
    await work.run(state.enter_disaster, people.watanabe)
    await schedule.tick(gateway, line_settings)
    await schedule.turn(gateway, line_settings)
    assert await default(gateway) == "災害時 saigai"


@pytest.mark.parametrize("moment", ["update_rich_menu_alias", "set_default_rich_menu", "batch_rich_menus"])
async def test_an_apply_never_overwrites_a_switch_that_came_between(gateway, simulator, line_settings, moment):
    """反映が見てから変えるまでの間に切り替えが終わっても、災害時のメニューが残る。消す歩みで止まっていても。"""
    people = await cast.staff()
    await everything(gateway)
    fresh = await making.version(Role.RESIDENT, making.two_tabs("新しい"))
    simulator.fault("DELETE /v2/bot/richmenu/*", "500_before", times=None)
    turning: list[asyncio.Task[None]] = []

    class Interrupted(Mortal):
        def __getattr__(self, name):
            inner = super().__getattr__(name)
            if name != moment or self.calls.count(name):
                return inner

            async def call(*args):
                await work.run(state.enter_disaster, people.watanabe)
                turning.append(asyncio.create_task(schedule.turn(gateway, line_settings)))
                await asyncio.sleep(0.2)
                return await inner(*args)

            return call

    with contextlib.suppress(LineError):
        await making.applied(Interrupted(gateway), fresh)
    await asyncio.gather(*turning)
    await schedule.turn(gateway, line_settings)
    assert await default(gateway) == "災害時 saigai"


async def test_a_switch_there_and_back_in_an_apply_ends_with_the_new_menu(gateway, line_settings):
    """反映の途中で災害時にして通常に戻すと、切り替えは前の版へ向ける。反映の終わりに、新しい版へ向け直す。"""
    people = await cast.staff()
    await everything(gateway)
    fresh = await making.version(Role.RESIDENT, making.two_tabs("新しい"))

    class Between(Mortal):
        """絵を付け終えたところで、行って戻る。"""

        def __getattr__(self, name):
            inner = super().__getattr__(name)
            if name != "upload_rich_menu_image" or self.calls.count(name):
                return inner

            async def call(*args):
                answer = await inner(*args)
                await there_and_back()
                return answer

            return call

    async def there_and_back():
        await work.run(state.enter_disaster, people.watanabe)
        await schedule.turn(gateway, line_settings)
        await work.run(state.propose_normal, people.ito)
        await work.run(state.confirm_normal, people.sato)
        await schedule.turn(gateway, line_settings)
        await work.sql("delete from menu_call")

    await making.applied(Between(gateway), fresh)
    assert await default(gateway) == "新しい kurashi"
    assert (await apply.propose(gateway, WHERE)).plan.drift == ()


async def test_a_disaster_menu_deleted_at_line_is_put_back_before_it_is_needed(gateway, line_settings):
    await everything(gateway)
    for menu_id in await emergency_ids(gateway):
        await gateway.delete_rich_menu(menu_id)
    await watching.look(gateway, line_settings)
    assert len(await emergency_ids(gateway)) == 1
    rows = await work.sql("select 1 from audit_entry where action = 'menu.put'")
    assert len(rows) == 1


async def test_a_disaster_menu_deleted_at_line_is_put_back_in_the_switch(gateway, simulator, line_settings):
    people = await cast.staff()
    simulator.add_friends(FRIEND)
    await everything(gateway)
    for menu_id in await emergency_ids(gateway):
        await gateway.delete_rich_menu(menu_id)
    await work.sql("insert into menu_call (kind) select 'create' from generate_series(1, 90)")
    await work.run(state.enter_disaster, people.watanabe)
    await schedule.turn(gateway, line_settings)
    simulator.finish_jobs()
    assert await shown(gateway, simulator, FRIEND) == "災害時 saigai"
    assert await problem() == ""


async def test_without_a_disaster_menu_everyone_who_could_help_is_told(gateway, line_settings):
    await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs()))
    assert [alarm.code for alarm in await watching.ringing()] == ["menu_no_emergency"]
    assert (await watching.following()).no_emergency
    await making.applied(gateway, await making.version(Role.EMERGENCY, making.emergency()))
    assert await watching.ringing() == []


async def test_a_menu_that_does_not_follow_rings(gateway, simulator, line_settings):
    people = await cast.staff()
    await everything(gateway)
    simulator.fault("POST /v2/bot/user/all/richmenu/*", "500_before", times=None)
    await work.run(state.enter_disaster, people.watanabe)
    await schedule.turn(gateway, line_settings)
    assert not (await watching.following()).done
    assert await watching.ringing() == []
    await work.sql("update clock_offset set shift = shift + interval '31 seconds'")
    (alarm,) = await watching.ringing()
    assert alarm.code == "menu_behind"
    assert "もう一度押さないでください" in alarm.words
    simulator.clear_faults()
    await schedule.turn(gateway, line_settings)
    assert await watching.ringing() == []
    assert (await watching.following()).done


async def test_what_someone_else_changed_is_shown_and_written_down_before_it_is_overwritten(gateway, line_settings):
    people = await cast.staff()
    await everything(gateway)
    foreign = (await deployed.read(gateway)).aliases["bosai"]
    await gateway.set_default_rich_menu(foreign)
    await watching.look(gateway, line_settings)
    (alarm,) = await watching.ringing()
    assert alarm.code == "menu_drift"
    assert await default(gateway) == "住民のメニュー bosai", "勝手に直さない"
    await work.run(state.enter_disaster, people.watanabe)
    await schedule.turn(gateway, line_settings)
    (written,) = await drifts()
    assert foreign in str(written)
    assert await watching.ringing() == []


async def test_many_who_follow_at_once_spend_one_unlinking(gateway, simulator, line_settings):
    people = await cast.staff()
    await everything(gateway)
    simulator.clear_ledger()
    await work.run(state.enter_disaster, people.watanabe)
    turns = [schedule.turn(gateway, line_settings) for _ in range(3)]
    await asyncio.gather(*turns, switch.follow(gateway, WHERE, "渡辺"))
    assert len(simulator.calls("/richmenu/batch")) == 1


async def test_the_version_being_applied_cannot_be_withdrawn(gateway):
    sato = await making.staff()
    await everything(gateway)
    fresh = await making.version(Role.RESIDENT, making.two_tabs("新しい"))
    *found, checksum = await making.approved(gateway, fresh)
    with pytest.raises(Killed):
        await apply.run(Mortal(gateway, 2), WHERE, checksum, None, found)
    with pytest.raises(Refused, match="いま反映している版"):
        await work.run(approving.withdraw, sato, fresh.id)


@pytest.mark.parametrize("dies_at", range(9))
async def test_an_abandoned_apply_leaves_the_menu_of_before(gateway, line_settings, dies_at):
    """どの歩みで止まっていても、やめれば前のメニューが出て、作りかけは片付く。"""
    sato = await making.staff()
    await everything(gateway)
    fresh = await making.version(Role.RESIDENT, making.two_tabs("新しい"))
    *found, checksum = await making.approved(gateway, fresh)
    with pytest.raises(Killed):
        await apply.run(Mortal(gateway, dies_at), WHERE, checksum, None, found)
    run = await runs.unfinished()
    await apply.abandon(sato, gateway, WHERE, run.id)
    assert await default(gateway) == "住民のメニュー kurashi"
    await schedule.tick(gateway, line_settings)
    names = {plan.plain(name) for name in (await deployed.read(gateway)).menus.values()}
    assert names == {"住民のメニュー kurashi", "住民のメニュー bosai", "災害時 saigai", "休止 kyushi"}
    assert (await versions.find(fresh.id)).state is versions.State.APPROVED
    assert (await apply.propose(gateway, WHERE)).plan.drift == ()


async def test_a_worker_that_is_refused_waits_longer_each_time(gateway, simulator, line_settings):
    await everything(gateway)
    simulator.fault("POST /v2/bot/richmenu", "500_before", times=None)
    with pytest.raises(LineError):
        await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs("新しい")))
    simulator.clear_ledger()
    for _ in range(5):
        await schedule.tick(gateway, line_settings)
    assert simulator.calls("/richmenu") == []
    await work.sql("update clock_offset set shift = shift + interval '61 seconds'")
    simulator.clear_faults()
    await schedule.tick(gateway, line_settings)
    assert await runs.unfinished() is None
