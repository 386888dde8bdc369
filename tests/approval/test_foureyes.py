"""二人の目: 一つの中身に、書いた人でない人の承認が、一つだけ(CHECKS G1)。"""

import asyncio
import hashlib

import asyncpg
import pytest

from backend.approval import foureyes
from backend.errors import Forbidden, Refused
from backend.permissions import Actor, Role
from backend.store import work

SATO = Actor(1, "sato", "佐藤", Role.PR, "koho", "広報課")
DIGEST = hashlib.sha256(b"seen").digest()


@pytest.fixture(autouse=True)
def _empty(database):
    return database


async def test_the_author_cannot_approve():
    with pytest.raises(Forbidden):
        await work.run(foureyes.approve, SATO, "message:1", DIGEST, 1, 2)


async def test_the_last_editor_cannot_approve():
    with pytest.raises(Forbidden):
        await work.run(foureyes.approve, SATO, "message:1", DIGEST, 2, 1)


async def test_two_hundred_approvals_at_once_make_one():
    async def one(number: int) -> bool:
        actor = Actor(10 + number, "x", "広報", Role.PR, "koho", "広報課")
        try:
            await work.run(foureyes.approve, actor, "message:1", DIGEST, 1)
        except Refused:
            return False
        return True

    assert (await asyncio.gather(*map(one, range(200)))).count(True) == 1
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
