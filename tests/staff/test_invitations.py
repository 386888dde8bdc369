"""招待: 一度だけ、72時間、札はどこにも残らない。"""

import asyncio
import hashlib

import asyncpg
import pytest

from backend.errors import NotFound, Refused
from backend.permissions import Role
from backend.staff import directory, guard, invitations, signin
from backend.store import clock, work
from tests import cast
from tests.cast import Cast

HASH = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
async def people(database: object) -> Cast:
    return await cast.staff()


async def invite(login: str = "shinjin", name: str = "新人", role: Role = Role.SECTION_STAFF) -> str:
    return await work.run(invitations.add, login, name, role, "kosodate", "子育て支援課")


async def test_the_first_administrator_needs_nobody_before(database: object) -> None:
    token = await work.run(invitations.add, "first", "最初の人", Role.ADMINISTRATOR, "joho", "情報政策課")
    assert (await invitations.find(token)).role is Role.ADMINISTRATOR


async def test_an_invitation_lets_the_member_choose_a_password(people: Cast) -> None:
    token = await invite()
    assert await work.run(invitations.redeem, token, HASH) == "shinjin"


async def test_an_invitation_works_once(people: Cast) -> None:
    token = await invite()
    await work.run(invitations.redeem, token, HASH)
    with pytest.raises(NotFound):
        await work.run(invitations.redeem, token, HASH)
    with pytest.raises(NotFound):
        await invitations.find(token)


async def test_twenty_at_once_redeem_it_once(people: Cast) -> None:
    token = await invite()
    answers = await asyncio.gather(
        *(work.run(invitations.redeem, token, HASH) for _ in range(20)), return_exceptions=True
    )
    assert answers.count("shinjin") == 1


async def test_an_invitation_lives_72_hours(people: Cast) -> None:
    token = await invite()
    await clock.advance(72 * 3600 - 60)
    assert await invitations.find(token)
    await clock.advance(61)
    with pytest.raises(NotFound):
        await invitations.find(token)
    with pytest.raises(NotFound):
        await work.run(invitations.redeem, token, HASH)


async def test_a_new_invitation_ends_the_one_before(people: Cast) -> None:
    first, second = await invite(), await invite()
    with pytest.raises(NotFound):
        await invitations.find(first)
    assert await invitations.find(second)


async def test_a_member_with_a_password_cannot_be_invited_again(people: Cast) -> None:
    with pytest.raises(Refused):
        await invite("tanaka", "にせもの", Role.ADMINISTRATOR)
    rows = await work.sql("select role, name from staff_member where login = 'tanaka'")
    assert rows == [{"role": "section_staff", "name": "田中"}]


async def test_the_token_is_kept_only_as_a_hash(people: Cast, owner: asyncpg.Connection) -> None:
    token = await invite()
    assert await owner.fetchval("select token_sha256 from staff_invitation") == hashlib.sha256(token.encode()).digest()


async def test_redeeming_ends_older_sessions(people: Cast) -> None:
    token = await invite()
    staff_id = (await work.sql("select id from staff_member where login = 'shinjin'"))[0]["id"]
    old = b"\0" * 32
    await work.sql("insert into staff_session (token_sha256, staff_id) values ($1, $2)", old, staff_id)
    await work.run(invitations.redeem, token, HASH)
    assert await work.sql("select 1 from staff_session where staff_id = $1", staff_id) == []


async def test_stopping_the_member_ends_the_invitation(people: Cast) -> None:
    token = await invite()
    staff_id = (await work.sql("select id from staff_member where login = 'shinjin'"))[0]["id"]
    await work.run(directory.deactivate, people.takahashi, staff_id)
    with pytest.raises(NotFound):
        await work.run(invitations.redeem, token, HASH)


@pytest.mark.parametrize("login", ["", "a", "あいう", "a b", "-abc", "x" * 41, "a;drop", "a\nb"])
async def test_a_strange_login_name_is_refused(people: Cast, login: str) -> None:
    with pytest.raises(Refused):
        await invite(login)


async def test_a_section_code_keeps_its_name(people: Cast) -> None:
    with pytest.raises(Refused):
        await work.run(invitations.add, "shinjin", "新人", Role.PR, "koho", "ちがう課")


async def test_an_unknown_token_finds_nothing(people: Cast) -> None:
    with pytest.raises(NotFound):
        await invitations.find("x" * 43)


async def test_the_directory_tells_who_is_still_invited(people: Cast) -> None:
    await invite()
    conditions = {member.login: member.condition for member in await directory.members()}
    assert (conditions["shinjin"], conditions["tanaka"]) == ("招待中", "利用中")
    await clock.advance(73 * 3600)
    assert {m.login: m.condition for m in await directory.members()}["shinjin"] == "招待切れ"


async def test_a_demo_password_opens_a_session(people: Cast) -> None:
    await invitations.set_password("tanaka", cast.PASSWORD)
    assert await guard.by_token(await signin.sign_in("tanaka", cast.PASSWORD, "203.0.113.7")) == people.tanaka
