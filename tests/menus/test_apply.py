"""反映: 計画だけを、一歩ずつ、殺されても同じところへ。"""

import pytest

from backend.errors import Forbidden, LineError, Refused
from backend.menus import apply, approving, deployed, drafting, plan, runs, versions
from backend.menus.roles import Role
from backend.store import work
from tests.menus import making
from tests.menus.making import WHERE, Killed, Mortal

FRIEND = "U" + "a" * 32
pytestmark = pytest.mark.usefixtures("database")


async def the_first(gateway):
    return await making.applied(
        gateway,
        await making.version(Role.RESIDENT, making.two_tabs()),
        await making.version(Role.EMERGENCY, making.emergency()),
    )


async def menus_at_line(gateway):
    found = await deployed.read(gateway)
    aliases = {alias: plan.plain(found.menus[menu_id]) for alias, menu_id in found.aliases.items()}
    return (
        sorted(plan.plain(name) for name in found.menus.values()),
        aliases,
        plan.plain(found.menus[found.default or ""]),
    )


async def test_the_first_apply_makes_every_menu_with_its_image_alias_and_default(gateway):
    await the_first(gateway)
    names, aliases, default = await menus_at_line(gateway)
    assert names == ["住民のメニュー bosai", "住民のメニュー kurashi", "災害時 saigai"]
    assert aliases == {
        "kurashi": "住民のメニュー kurashi",
        "bosai": "住民のメニュー bosai",
        "saigai": "住民のメニュー kurashi",
    }
    assert default == "住民のメニュー kurashi"


async def test_applying_again_has_nothing_to_do(gateway):
    await the_first(gateway)
    assert (await apply.propose(gateway, WHERE)).plan.steps == ()


async def test_every_menu_is_validated_before_the_first_is_created(gateway, simulator):
    await the_first(gateway)
    calls = [c["endpoint"] for c in simulator.calls()]
    first = calls.index("POST /v2/bot/richmenu")
    assert calls[:first].count("POST /v2/bot/richmenu/validate") == 3
    assert "POST /v2/bot/richmenu/validate" not in calls[first:]


async def test_a_new_version_deletes_the_old_menus_last(gateway, simulator):
    await the_first(gateway)
    simulator.clear_ledger()
    await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs("新しいメニュー")))
    changing = [
        c["endpoint"]
        for c in simulator.calls()
        if not c["endpoint"].startswith("GET") and "validate" not in c["endpoint"]
    ]
    deletes = [i for i, call in enumerate(changing) if call.startswith("DELETE")]
    assert deletes == [len(changing) - 2, len(changing) - 1]
    assert "POST /v2/bot/richmenu/batch" in changing


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_kill_at_any_step_converges(gateway, simulator, after, record_property):
    await the_first(gateway)
    fresh = await making.version(Role.RESIDENT, making.two_tabs("新しいメニュー"))
    rehearsal = len((await apply.propose(gateway, WHERE, [fresh])).plan.steps)
    deaths = 0
    for dies_at in range(40):
        mortal = Mortal(gateway, dies_at, after=after)
        source = making.two_tabs(f"版{dies_at}")
        new = await making.version(Role.RESIDENT, source)
        try:
            await making.applied(mortal, new)
            break
        except Killed:
            deaths += 1
        finished = await apply.resume(gateway, WHERE)
        assert finished
        names, aliases, default = await menus_at_line(gateway)
        assert names == sorted([f"版{dies_at} bosai", f"版{dies_at} kurashi", "災害時 saigai"])
        assert aliases["bosai"] == f"版{dies_at} bosai"
        assert default == f"版{dies_at} kurashi"
        assert (await apply.propose(gateway, WHERE)).plan.steps == ()
        await work.sql("delete from menu_call")
        simulator.limits(enabled=False)
    print(f"\n反映の{rehearsal}歩の{'後' if after else '前'}で{deaths}回殺し、{deaths}回とも同じところに着いた")
    record_property("kills", deaths)
    assert deaths >= rehearsal


async def test_only_the_seen_plan_runs(gateway):
    fresh = await making.version(Role.RESIDENT, making.two_tabs())
    with pytest.raises(Refused, match="計画を見た後に"):
        await apply.run(gateway, WHERE, "0" * 20, None, [fresh])
    assert (await deployed.read(gateway)).menus == {}


async def test_an_unapproved_version_is_never_applied(gateway):
    fresh = await making.version(Role.RESIDENT, making.two_tabs(), await making.staff())
    proposal = await apply.propose(gateway, WHERE, [fresh])
    with pytest.raises(Forbidden, match="まだ承認されていません"):
        await apply.run(gateway, WHERE, proposal.plan.checksum, None, [fresh])
    assert (await deployed.read(gateway)).menus == {}


async def test_an_approval_does_not_cover_a_plan_that_changed_since(gateway):
    sato, ito = await making.staff(), await making.staff("ito")
    fresh = await making.version(Role.RESIDENT, making.two_tabs(), sato)
    seen = (await apply.propose(gateway, WHERE, [fresh])).plan.checksum
    await work.run(approving.submit, sato, fresh.id, fresh.edition, "季節の入れ替え", seen, None)
    await work.run(approving.approve, ito, fresh.id, seen)
    await gateway.create_rich_menu(
        {"size": {"width": 1200, "height": 800}, "selected": True, "name": "よそ", "chatBarText": "x", "areas": []}
    )
    now = (await apply.propose(gateway, WHERE, [await versions.find(fresh.id)])).plan.checksum
    assert now != seen
    with pytest.raises(Refused, match="承認したものと違う"):
        await apply.run(gateway, WHERE, now, sato, [await versions.find(fresh.id)])


async def test_the_author_cannot_approve(gateway):
    sato = await making.staff()
    fresh = await making.version(Role.RESIDENT, making.two_tabs(), sato)
    seen = (await apply.propose(gateway, WHERE, [fresh])).plan.checksum
    await work.run(approving.submit, sato, fresh.id, fresh.edition, "理由", seen, None)
    with pytest.raises(Forbidden):
        await work.run(approving.approve, sato, fresh.id, seen)


async def test_drift_is_shown_and_never_silently_overwritten(gateway):
    await the_first(gateway)
    other = (await deployed.read(gateway)).aliases["bosai"]
    await gateway.set_default_rich_menu(other)
    fresh = await making.version(Role.RESIDENT, making.two_tabs("新しいメニュー"))
    assert "外で変えられています" in (await apply.propose(gateway, WHERE, [fresh])).plan.drift[0]
    with pytest.raises(Refused, match="外で変えられた"):
        await making.applied(gateway, fresh)
    assert (await deployed.read(gateway)).default == other


async def test_drift_that_a_person_accepts_is_overwritten(gateway):
    await the_first(gateway)
    await gateway.set_default_rich_menu((await deployed.read(gateway)).aliases["bosai"])
    await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs("新しい")), accept_drift=True)
    assert (await menus_at_line(gateway))[2] == "新しい kurashi"


async def test_a_default_owned_by_the_console_is_explained(gateway, simulator):
    await the_first(gateway)
    simulator.account(console_menu=True)
    drift = (await apply.propose(gateway, WHERE)).plan.drift
    assert "管理画面で作られたもの" in drift[0]
    assert "403" in drift[0]


async def test_a_menu_made_by_others_is_never_deleted(gateway):
    foreign = await gateway.create_rich_menu(
        {
            "size": {"width": 1200, "height": 800},
            "selected": True,
            "name": "手で作った",
            "chatBarText": "x",
            "areas": [],
        }
    )
    await the_first(gateway)
    await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs("新しい")), accept_drift=True)
    assert foreign in (await deployed.read(gateway)).menus


async def test_creations_are_counted_against_the_hour(gateway):
    await work.sql("insert into menu_call (kind) select 'create' from generate_series(1, 89)")
    fresh = await making.version(Role.RESIDENT, making.two_tabs())
    with pytest.raises(Refused, match="1時間の上限"):
        await making.applied(gateway, fresh)
    await work.sql("update clock_offset set shift = shift + interval '61 minutes'")
    await making.applied(gateway, fresh)


async def test_a_refusal_by_line_stops_the_run_and_the_worker_finishes_it(gateway, simulator):
    fresh = await making.version(Role.RESIDENT, making.two_tabs())
    simulator.fault("/v2/bot/richmenu", "500_after", times=1)
    with pytest.raises(LineError):
        await making.applied(gateway, fresh)
    assert "自動でやり直す" in (await runs.latest(1))[0].problem
    await apply.resume(gateway, WHERE)
    assert len((await deployed.read(gateway)).menus) == 2


async def test_rollback_restores_the_exact_bytes(gateway):
    sato = await making.staff()
    first = await making.version(Role.RESIDENT, making.two_tabs(), sato)
    await making.applied(gateway, first)
    before = {a: await gateway.rich_menu_image(m) for a, m in (await deployed.read(gateway)).aliases.items()}
    await making.applied(gateway, await making.version(Role.RESIDENT, making.two_tabs("新しい"), sato))
    again = await versions.find(await work.run(drafting.copy, sato, first.id))
    await making.applied(gateway, again)
    after = {a: await gateway.rich_menu_image(m) for a, m in (await deployed.read(gateway)).aliases.items()}
    assert after == before
    assert again.text == first.text
