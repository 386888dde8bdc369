"""職員の変更: 力を与えるのも管理者を外すのも二人、最後の一人は外せない(RULES 32, CHECKS G1)。"""

import asyncio
from datetime import date, datetime, time, timedelta

import pytest

from backend.errors import Forbidden, NotFound, Refused
from backend.permissions import Actor, Role
from backend.staff import changes, directory, guard, invitations
from backend.store import clock, work
from tests import cast
from tests.cast import Cast
from tests.console_fixtures import people

__all__ = ["people"]
HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
ABE = Actor(60, "abe", "阿部", Role.ADMINISTRATOR, "joho", "情報政策課")
APRIL = date(2027, 4, 1)
APRIL_BEGINS = datetime.combine(APRIL, time(), clock.JST)


@pytest.fixture
async def second(people: Cast) -> Actor:
    """もう一人の管理者。"""
    await cast.enrol(ABE)
    return ABE


async def invite(actor: Actor, login: str = "shinjin", role: Role = Role.PR, starts_on: date | None = None) -> int:
    return await work.run(changes.invite, actor, login, "新人", role, "koho", "広報課", starts_on)


async def row(login: str) -> dict[str, object]:
    rows = await work.sql("select role, active, section_code from staff_member where login = $1", login)
    return rows[0] if rows else {}


async def trail_of(subject: str) -> list[str]:
    return [
        row["action"]
        for row in await work.sql("select action from audit_entry where subject = $1 order by id", subject)
    ]


async def test_one_administrator_cannot_make_an_account(people: Cast) -> None:
    change = await invite(people.takahashi)
    with pytest.raises(Forbidden, match="自分が"):
        await work.run(changes.confirm, people.takahashi, change)
    assert await row("shinjin") == {}


async def test_two_administrators_make_an_account(people: Cast, second: Actor) -> None:
    token = await work.run(changes.confirm, second, await invite(people.takahashi))
    assert token
    assert (await invitations.find(token)).role is Role.PR
    assert await work.run(invitations.redeem, token, HASH) == "shinjin"
    assert (await row("shinjin"))["active"] is True
    assert await changes.waiting() == []


async def test_nobody_else_proposes_or_confirms(people: Cast, second: Actor) -> None:
    change = await invite(people.takahashi)
    for actor in people.actors:
        if actor.role is not Role.ADMINISTRATOR:
            for verb in (changes.confirm, changes.withdraw):
                with pytest.raises(Forbidden):
                    await work.run(verb, actor, change)
            with pytest.raises(Forbidden):
                await invite(actor, "other")


async def test_fifty_confirmations_at_once_make_one_invitation(people: Cast, second: Actor) -> None:
    change = await invite(people.takahashi)
    answers = await asyncio.gather(
        *(work.run(changes.confirm, second, change) for _ in range(50)), return_exceptions=True
    )
    assert sum(isinstance(answer, str) for answer in answers) == 1
    assert (await work.sql("select count(*) as n from staff_invitation"))[0]["n"] == 1


async def test_what_was_proposed_cannot_be_turned_before_the_confirmation_takes_effect(
    people: Cast, second: Actor
) -> None:
    change = await invite(people.takahashi, role=Role.SECTION_STAFF, starts_on=APRIL)
    await work.run(changes.confirm, second, change)
    await work.sql("update staff_change set what = 'assign', staff_id = $1, role = 'pr_chief'", people.tanaka.staff_id)
    await clock.set_to(APRIL_BEGINS)
    assert await changes.apply_due() == 0
    assert (await row("tanaka"))["role"] == "section_staff"
    assert "一致しません" in (await changes.waiting())[0].trouble


async def test_an_invitation_with_a_date_opens_on_that_day(people: Cast, second: Actor) -> None:
    token = await work.run(changes.confirm, second, await invite(people.takahashi, starts_on=APRIL))
    assert token
    await work.run(invitations.redeem, token, HASH)  # パスワードは先に決めておける
    assert await changes.apply_due() == 0
    assert (await row("shinjin"))["active"] is False
    assert next(one for one in await directory.members() if one.login == "shinjin").condition == "開始前"
    await clock.set_to(APRIL_BEGINS - timedelta(seconds=1))
    assert await changes.apply_due() == 0
    await clock.advance(2)
    assert await changes.apply_due() == 1
    assert (await row("shinjin"))["active"] is True
    assert await changes.apply_due() == 0


async def test_a_dated_invitation_can_be_called_off_by_one(people: Cast, second: Actor) -> None:
    change = await invite(people.takahashi, starts_on=APRIL)
    token = await work.run(changes.confirm, second, change)
    assert token
    await work.run(changes.withdraw, people.takahashi, change)
    with pytest.raises(NotFound):
        await invitations.find(token)
    await clock.set_to(APRIL_BEGINS)
    assert await changes.apply_due() == 0
    assert (await row("shinjin"))["active"] is False


async def test_a_role_changes_by_two_and_ends_the_sessions(people: Cast, second: Actor) -> None:
    token = await cast.session(people.tanaka)
    change = await work.run(
        changes.assign, people.takahashi, people.tanaka.staff_id, Role.SECTION_CHIEF, "kosodate", None
    )
    assert (await row("tanaka"))["role"] == "section_staff"
    assert await work.run(changes.confirm, second, change) is None
    assert (await row("tanaka"))["role"] == "section_chief"
    assert await guard.by_token(token) is None


async def test_a_role_changes_on_its_day(people: Cast, second: Actor) -> None:
    change = await work.run(changes.assign, people.takahashi, people.tanaka.staff_id, Role.PR, "koho", APRIL)
    await work.run(changes.confirm, second, change)
    assert (await row("tanaka"))["section_code"] == "kosodate"
    await clock.set_to(APRIL_BEGINS)
    assert await asyncio.gather(changes.apply_due(), changes.apply_due()) in ([0, 1], [1, 0])
    assert await row("tanaka") == {"role": "pr", "active": True, "section_code": "koho"}


async def test_an_administrator_is_not_stopped_by_one(people: Cast, second: Actor) -> None:
    for target in (people.takahashi, second):
        with pytest.raises(Refused, match="一人では止められません") as refused:
            await work.run(directory.deactivate, people.takahashi, target.staff_id)
        assert "提案" in refused.value.next_step
    change = await work.run(changes.leave, people.takahashi, second.staff_id, None)
    with pytest.raises(Forbidden):
        await work.run(changes.confirm, people.takahashi, change)
    await work.run(changes.confirm, second, change)
    assert (await row("abe60"))["active"] is False


async def test_the_last_administrator_stays(people: Cast, second: Actor) -> None:
    await work.run(
        changes.confirm, second, await work.run(changes.leave, people.takahashi, people.takahashi.staff_id, None)
    )
    assert await row("takahashi") == {"role": "administrator", "active": False, "section_code": "joho"}
    with pytest.raises(Refused, match="最後のシステム管理者"):
        await work.run(directory.end, second.staff_id)
    with pytest.raises(Refused, match="最後のシステム管理者"):
        await work.run(directory.assign, second.staff_id, Role.PR, "koho")


async def test_one_administrator_cannot_stop_everyone_who_approves(people: Cast, second: Actor) -> None:
    await work.run(directory.deactivate, people.takahashi, people.sato.staff_id)
    await work.run(directory.deactivate, people.takahashi, people.nakamura.staff_id)
    with pytest.raises(Refused, match="最後の") as refused:
        await work.run(directory.deactivate, people.takahashi, people.ito.staff_id)
    assert "後任" in refused.value.next_step
    change = await work.run(changes.assign, people.takahashi, people.ito.staff_id, Role.SECTION_STAFF, "kosodate", None)
    with pytest.raises(Refused, match="最後の"):
        await work.run(changes.confirm, second, change)
    assert await row("ito") == {"role": "pr_chief", "active": True, "section_code": "koho"}


async def test_the_last_chief_of_pr_stays_while_others_approve(people: Cast) -> None:
    with pytest.raises(Refused, match="最後の広報課長"):
        await work.run(directory.deactivate, people.takahashi, people.ito.staff_id)


async def test_a_successor_who_has_not_chosen_a_password_is_no_successor(people: Cast, second: Actor) -> None:
    token = await work.run(changes.confirm, second, await invite(people.takahashi, role=Role.PR_CHIEF))
    with pytest.raises(Refused):
        await work.run(directory.deactivate, people.takahashi, people.ito.staff_id)
    await work.run(invitations.redeem, token, HASH)
    await work.run(directory.deactivate, people.takahashi, people.ito.staff_id)


async def test_two_that_stop_each_others_successor_do_not_both_pass(people: Cast) -> None:
    await work.sql("update staff_member set role = 'pr_chief' where login = 'sato'")
    answers = await asyncio.gather(
        *(work.run(directory.deactivate, people.takahashi, one.staff_id) for one in (people.sato, people.ito)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Refused) for answer in answers) == 1


async def test_a_dated_leaving_waits_for_the_successor(people: Cast, second: Actor) -> None:
    """4月1日: 後任がまだなら、理由を出して待ち、そろえばひとりでに効く。"""
    change = await work.run(changes.leave, people.takahashi, people.ito.staff_id, APRIL)
    await work.run(changes.confirm, second, change)
    await clock.set_to(APRIL_BEGINS)
    assert await changes.apply_due() == 0
    assert (await changes.waiting())[0].trouble == "最後の広報課長です。"
    await work.sql("update staff_member set role = 'pr_chief' where login = 'sato'")
    assert await changes.apply_due() == 1
    assert (await row("ito"))["active"] is False


async def test_a_stopped_member_comes_back_by_two_and_with_a_new_password(people: Cast, second: Actor) -> None:
    await work.run(directory.deactivate, people.takahashi, people.tanaka.staff_id)
    token = await work.run(changes.confirm, second, await invite(people.takahashi, "tanaka"))
    assert token
    assert (await work.sql("select password_hash from staff_member where login = 'tanaka'"))[0]["password_hash"] is None


@pytest.mark.parametrize("login", ["tanaka", "", "大文字", "a" * 41])
async def test_a_login_in_use_or_out_of_shape_is_refused(people: Cast, login: str) -> None:
    with pytest.raises(Refused):
        await invite(people.takahashi, login)


async def test_one_person_has_one_open_change(people: Cast) -> None:
    await invite(people.takahashi)
    with pytest.raises(Refused, match="まだ効いていない変更"):
        await invite(people.takahashi)


async def test_a_day_in_the_past_is_refused(people: Cast) -> None:
    with pytest.raises(Refused, match="過ぎて"):
        await invite(people.takahashi, starts_on=date(2026, 11, 23))


async def test_every_step_is_in_the_trail(people: Cast, second: Actor) -> None:
    change = await work.run(changes.assign, people.takahashi, people.tanaka.staff_id, Role.PR, "koho", None)
    await work.run(changes.confirm, second, change)
    assert await trail_of(f"staff-change:{change}") == [
        "staff.propose",
        "approval.approve",
        "staff.confirm",
        "staff.assign",
    ]


async def test_the_command_invites_only_until_there_are_two_administrators(people: Cast) -> None:
    words = ("abe2", "阿部", Role.ADMINISTRATOR, "joho", "情報政策課")
    assert await work.run(invitations.add_first, *words)
    await cast.enrol(ABE)
    with pytest.raises(Refused, match="二人いる") as refused:
        await work.run(invitations.add_first, *words)
    assert "職員の画面" in refused.value.next_step


async def test_a_section_with_staff_and_no_chief_is_named(people: Cast) -> None:
    assert await directory.without_chief() == []
    await work.run(directory.deactivate, people.takahashi, people.suzuki.staff_id)
    assert await directory.without_chief() == ["子育て支援課"]


async def test_the_second_of_a_section_needs_no_name_for_it(database) -> None:
    await work.run(invitations.add_first, "ichi", "一人目", Role.ADMINISTRATOR, "joho", "情報課")
    token = await work.run(invitations.add_first, "ni", "二人目", Role.ADMINISTRATOR, "joho", "")
    assert (await invitations.find(token)).section_name == "情報課"
    with pytest.raises(Refused, match="所管課の名前"):
        await work.run(invitations.add_first, "san", "三人目", Role.PR, "koho", "")
