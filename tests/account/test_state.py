"""アカウントの状態: 止めるのは一人、戻すのは二人(RULES「Who may stop and start」)。"""

import asyncio

import pytest

from backend.account import policy, state, warning
from backend.account.state import AccountMode, Stop
from backend.errors import Forbidden, Refused
from backend.permissions import Actor, Role
from backend.store import listen, work

SECTIONS = {"koho": "広報課", "bosai": "防災課", "kosodate": "子育て支援課", "joho": "情報政策課"}


def actor(number, role, section="koho"):
    return Actor(number, role.value, role.label, role, section, SECTIONS[section])


PR, PR2, PR_CHIEF = actor(1, Role.PR), actor(2, Role.PR), actor(3, Role.PR_CHIEF)
BOSAI, CHIEF = actor(4, Role.SECTION_CHIEF, "bosai"), actor(5, Role.SECTION_CHIEF, "kosodate")
ADMIN, WATCH, STAFF = actor(6, Role.ADMINISTRATOR, "joho"), actor(7, Role.NIGHT_WATCH), actor(8, Role.SECTION_STAFF)
PRIVACY = actor(9, Role.PRIVACY_OFFICER)
ALL = [PR, PR_CHIEF, BOSAI, CHIEF, ADMIN, WATCH, STAFF, PRIVACY]


@pytest.fixture(autouse=True)
def _empty(database):
    return database


async def may(verb, who, **named):
    try:
        await work.run(verb, who, **named)
    except Forbidden:
        return False
    return True


async def test_it_begins_in_the_normal_state():
    now = await state.current()
    assert (now.mode, now.stopped, now.shape, now.words) == (AccountMode.NORMAL, Stop.NONE, "normal", "通常")


async def test_who_may_stop_all_but_the_urgent():
    assert [one for one in ALL if await may(state.stop, one, everything=False)] == [
        PR, PR_CHIEF, BOSAI, CHIEF, ADMIN, WATCH,
    ]  # fmt: skip


async def test_who_may_stop_everything():
    assert [one for one in ALL if await may(state.stop, one, everything=True)] == [PR_CHIEF, ADMIN]


async def test_who_may_turn_the_disaster_state_on():
    allowed = []
    for one in ALL:
        if await may(state.enter_disaster, one):
            allowed.append(one)
            await work.run(state.propose_normal, PR)
            await work.run(state.confirm_normal, PR2)
    assert allowed == [PR_CHIEF, BOSAI]


async def test_one_person_cannot_resume():
    await work.run(state.stop, WATCH, everything=False)
    await work.run(state.propose_resume, PR)
    with pytest.raises(Forbidden):
        await work.run(state.confirm_resume, PR)
    assert (await state.current()).stopped is Stop.BULK


async def test_two_people_resume():
    await work.run(state.stop, WATCH, everything=False)
    await work.run(state.propose_resume, PR)
    await work.run(state.confirm_resume, PR2)
    assert (await state.current()).stopped is Stop.NONE


async def test_two_without_the_chief_cannot_resume_the_urgent():
    await work.run(state.stop, ADMIN, everything=True)
    await work.run(state.propose_resume, PR)
    with pytest.raises(Forbidden):
        await work.run(state.confirm_resume, PR2)
    await work.run(state.confirm_resume, PR_CHIEF)
    assert (await state.current()).stopped is Stop.NONE


async def test_the_chief_alone_resumes_only_the_urgent():
    await work.run(state.stop, ADMIN, everything=True)
    await work.run(state.resume_urgent, PR_CHIEF)
    assert (await state.current()).stopped is Stop.BULK


@pytest.mark.parametrize("who", [PR, ADMIN, BOSAI])
async def test_nobody_else_resumes_the_urgent_alone(who):
    await work.run(state.stop, ADMIN, everything=True)
    with pytest.raises(Forbidden):
        await work.run(state.resume_urgent, who)


@pytest.mark.parametrize("who", [ADMIN, WATCH, CHIEF, STAFF, PRIVACY])
async def test_only_the_pr_division_proposes_to_resume(who):
    await work.run(state.stop, WATCH, everything=False)
    with pytest.raises(Forbidden):
        await work.run(state.propose_resume, who)


async def test_stopping_again_forgets_a_waiting_proposal():
    await work.run(state.stop, WATCH, everything=False)
    await work.run(state.propose_resume, PR)
    await work.run(state.stop, WATCH, everything=False)
    with pytest.raises(Refused):
        await work.run(state.confirm_resume, PR2)


async def test_a_narrower_stop_does_not_loosen_a_wider_one():
    await work.run(state.stop, ADMIN, everything=True)
    await work.run(state.stop, WATCH, everything=False)
    assert (await state.current()).stopped is Stop.ALL


async def test_a_stop_survives_the_disaster_state():
    await work.run(state.stop, WATCH, everything=False)
    await work.run(state.enter_disaster, BOSAI)
    now = await state.current()
    assert (now.mode, now.stopped, now.shape) == (AccountMode.DISASTER, Stop.BULK, "stopped")


async def test_every_change_is_told_and_written_down():
    async with listen.listening(state.CHANNEL) as heard:
        await work.run(state.stop, WATCH, everything=False, reason="夜間")
        assert (await asyncio.wait_for(heard.get(), 2))[0] == state.CHANNEL
    rows = await work.sql("select action, staff_name from audit_entry")
    assert [(row["action"], row["staff_name"]) for row in rows] == [("account.stop", "宿日直")]


async def test_two_confirmations_at_once_resume_once():
    await work.run(state.stop, WATCH, everything=False)
    await work.run(state.propose_resume, PR)
    others = [actor(20 + n, Role.PR) for n in range(10)]
    results = await asyncio.gather(*(work.run(state.confirm_resume, one) for one in others), return_exceptions=True)
    assert results.count(None) == 1


async def test_the_warning_of_impostors_is_shown_and_taken_down():
    await work.run(warning.show, PR)
    assert await warning.current() == warning.READY
    await work.run(warning.hide, PR)
    assert await warning.current() == ""


async def test_a_section_cannot_show_the_warning():
    with pytest.raises(Forbidden):
        await work.run(warning.show, STAFF)


def test_the_versions_of_the_policy_are_listed_newest_first():
    days = [version.published_on for version in policy.VERSIONS]
    assert days == sorted(days, reverse=True)
