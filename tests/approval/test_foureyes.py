"""二人の目: 一つの中身に、書いた人でない人の承認が、一つだけ(CHECKS G1)。"""

import asyncio
import hashlib

import asyncpg
import pytest

from backend.approval import foureyes
from backend.errors import Forbidden, Refused
from backend.messages import workflow
from backend.messages.manuscript import Manuscript
from backend.permissions import Actor, Role
from backend.store import work
from tests import cast

SATO = Actor(70, "sato", "佐藤", Role.PR, "koho", "広報課")
DIGEST = hashlib.sha256(b"seen").digest()


@pytest.fixture(autouse=True)
async def _pr(database):
    await cast.enrol(SATO)


async def test_the_author_cannot_approve():
    with pytest.raises(Forbidden):
        await work.run(foureyes.approve, SATO, "message:1", DIGEST, 70, 2)


async def test_the_last_editor_cannot_approve():
    with pytest.raises(Forbidden):
        await work.run(foureyes.approve, SATO, "message:1", DIGEST, 2, 70)


async def test_two_hundred_approvals_at_once_make_one():
    everyone = [Actor(100 + number, "x", "広報", Role.PR, "koho", "広報課") for number in range(200)]
    await cast.enrol(*everyone)

    async def one(actor: Actor) -> bool:
        try:
            await work.run(foureyes.approve, actor, "message:1", DIGEST, 1)
        except Refused:
            return False
        return True

    assert (await asyncio.gather(*map(one, everyone))).count(True) == 1
    assert (await work.sql("select count(*) as n from approval"))[0]["n"] == 1
    assert (await work.sql("select count(*) as n from audit_entry where action = 'approval.approve'"))[0]["n"] == 1


async def test_an_approval_is_valid_only_for_what_was_seen():
    approval = await work.run(foureyes.approve, SATO, "message:1", DIGEST, 2)
    other = hashlib.sha256(b"seen ").digest()
    assert await foureyes.valid(approval, "message:1", DIGEST)
    assert not await foureyes.valid(approval, "message:1", other)
    assert not await foureyes.valid(approval, "message:2", DIGEST)
    assert not await foureyes.valid(approval + 1, "message:1", DIGEST)


async def test_a_changed_content_can_be_approved_again():
    await work.run(foureyes.approve, SATO, "message:1", DIGEST)
    assert await work.run(foureyes.approve, SATO, "message:1", hashlib.sha256(b"new").digest())


@pytest.mark.parametrize(
    "statement", ["update approval set staff_name = 'x'", "delete from approval", "truncate approval"]
)
async def test_the_application_cannot_change_an_approval(statement):
    await work.run(foureyes.approve, SATO, "message:1", DIGEST)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await work.sql(statement)


@pytest.mark.parametrize(
    ("subject", "role"),
    [
        ("message:1", Role.SECTION_CHIEF),
        ("message:1", Role.ADMINISTRATOR),
        ("garbage:2026", Role.SECTION_STAFF),
        ("menu:1", Role.NIGHT_WATCH),
        ("notice:2", Role.PR),
        ("personal-switch:1", Role.PR_CHIEF),
        ("staff-change:1", Role.PR_CHIEF),
        ("nonsense:1", Role.ADMINISTRATOR),
    ],
)
async def test_the_database_takes_an_approval_only_from_a_role_that_approves(subject, role):
    actor = Actor(30, "someone", "だれか", role, "koho", "広報課")
    await cast.enrol(actor)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="承認できません"):
        await work.run(foureyes.approve, actor, subject, DIGEST)


@pytest.mark.parametrize(
    "change", ["active = false", "password_hash = null", "role = 'section_staff'", "id = 99 where false"]
)
async def test_the_database_takes_no_approval_of_someone_who_is_not_there(owner, change):
    if change.startswith("id"):
        await owner.execute("delete from staff_member")
    else:
        await owner.execute(f"update staff_member set {change}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await work.sql(_PLANTED, DIGEST)


async def test_the_name_and_the_time_of_an_approval_are_not_the_writers_to_choose():
    await work.sql(_PLANTED, DIGEST)
    [row] = await work.sql("select staff_name, at > ward_now() - interval '1 hour' as now from approval")
    assert row == {"staff_name": "佐藤", "now": True}


async def test_the_database_takes_no_approval_of_ones_own_manuscript():
    people = await cast.staff()
    request = await work.run(workflow.draft, people.sato, Manuscript(title="自分の原稿"))
    for writer in (people.sato, people.nakamura):
        await work.sql("update delivery_request set last_editor = $1", writer.staff_id)
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="自分が書いた"):
            await work.run(foureyes.approve, writer, f"message:{request}", DIGEST)
    assert await work.run(foureyes.approve, people.ito, f"message:{request}", DIGEST)


_PLANTED = """
insert into approval (subject, digest, staff_id, staff_name, at)
values ('message:1', $1, 70, '伊藤', ward_now() - interval '1 year')
"""
