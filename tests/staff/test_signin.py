"""サインイン: 合っているか、続けて外す相手を待たせるか、札の一生(CHECKS S7)。"""

import asyncio
import statistics
import time

import asyncpg
import pytest

from backend.errors import Refused
from backend.staff import directory, guard, invitations, passwords, signin
from backend.store import clock, work
from tests import cast
from tests.cast import PASSWORD, Cast

SOURCE = "203.0.113.7"


@pytest.fixture
async def people(database: object) -> Cast:
    return await cast.staff()


async def tries(times: int, login: str, source: str = SOURCE, password: str = "ちがうパスワード") -> None:
    for _ in range(times):
        with pytest.raises(Refused):
            await signin.sign_in(login, password, source)


async def test_the_right_password_opens_a_session(people: Cast) -> None:
    token = await signin.sign_in("tanaka", PASSWORD, SOURCE)
    assert await guard.by_token(token) == people.tanaka


async def test_the_login_name_forgives_case_and_spaces(people: Cast) -> None:
    assert await guard.by_token(await signin.sign_in(" Tanaka ", PASSWORD, SOURCE)) == people.tanaka


async def test_the_token_itself_is_stored_nowhere(people: Cast, owner: asyncpg.Connection) -> None:
    token = await signin.sign_in("tanaka", PASSWORD, SOURCE)
    rows = await owner.fetch("select encode(token_sha256, 'escape') as kept from staff_session")
    assert token not in str([row["kept"] for row in rows])


async def test_a_wrong_password_and_an_unknown_name_get_the_same_words(people: Cast) -> None:
    with pytest.raises(Refused) as wrong:
        await signin.sign_in("tanaka", "ちがうパスワード", SOURCE)
    with pytest.raises(Refused) as unknown:
        await signin.sign_in("nobody", "ちがうパスワード", SOURCE)
    assert (wrong.value.message, wrong.value.next_step) == (unknown.value.message, unknown.value.next_step)


async def test_an_unknown_name_takes_as_long_as_a_wrong_password(people: Cast) -> None:
    hashed = await passwords.hash_password(PASSWORD)
    await work.sql("update staff_member set password_hash = $1 where login = 'tanaka'", hashed)
    took: dict[str, list[float]] = {"tanaka": [], "nobody": []}
    for turn in range(6):
        for login in took:
            began = time.perf_counter()
            with pytest.raises(Refused):
                await signin.sign_in(login, "ちがうパスワード", f"203.0.113.{turn}")
            took[login].append(time.perf_counter() - began)
    known, unknown = (statistics.median(times) for times in took.values())
    assert 0.6 < known / unknown < 1.7, (known, unknown)


async def test_an_invited_member_without_a_password_cannot_enter(people: Cast) -> None:
    await work.run(invitations.add, "shinjin", "新人", people.tanaka.role, "kosodate", "子育て支援課")
    await tries(1, "shinjin", password="")


async def test_a_stopped_member_cannot_enter(people: Cast) -> None:
    await work.run(directory.deactivate, people.takahashi, people.tanaka.staff_id)
    await tries(1, "tanaka", password=PASSWORD)


async def test_ten_misses_make_even_the_right_password_wait(people: Cast) -> None:
    await tries(signin.LIMIT_LOGIN_AND_SOURCE, "tanaka")
    with pytest.raises(signin.TooMany):
        await signin.sign_in("tanaka", PASSWORD, SOURCE)


async def test_the_wait_ends_after_fifteen_minutes(people: Cast) -> None:
    await tries(signin.LIMIT_LOGIN_AND_SOURCE, "tanaka")
    await clock.advance(signin.WINDOW_MINUTES * 60 + 1)
    assert await signin.sign_in("tanaka", PASSWORD, SOURCE)


async def test_misses_from_elsewhere_do_not_lock_the_member_out(people: Cast) -> None:
    await tries(signin.LIMIT_LOGIN_AND_SOURCE, "tanaka", source="198.51.100.1")
    assert await signin.sign_in("tanaka", PASSWORD, SOURCE)


async def test_one_source_trying_many_names_is_stopped(people: Cast) -> None:
    for number in range(signin.LIMIT_SOURCE):
        await work.run(signin.begin, f"name{number}", SOURCE)
    with pytest.raises(signin.TooMany):
        await signin.sign_in("tanaka", PASSWORD, SOURCE)


async def test_many_sources_trying_one_name_are_stopped(people: Cast) -> None:
    for number in range(signin.LIMIT_LOGIN):
        await work.run(signin.begin, "tanaka", f"198.51.{number // 250}.{number % 250}")
    with pytest.raises(signin.TooMany):
        await signin.sign_in("tanaka", PASSWORD, SOURCE)


async def test_outsiders_cannot_lock_out_a_member_at_a_place_where_they_sign_in(people: Cast) -> None:
    await signin.sign_in("tanaka", PASSWORD, SOURCE)
    for number in range(signin.LIMIT_LOGIN):
        await work.run(signin.begin, "tanaka", f"198.51.{number // 250}.{number % 250}")
    for number in range(signin.LIMIT_SOURCE):
        await work.run(signin.begin, f"name{number}", SOURCE)
    assert await signin.sign_in("tanaka", PASSWORD, SOURCE)
    await tries(signin.LIMIT_LOGIN_AND_SOURCE, "tanaka")
    with pytest.raises(signin.TooMany):
        await signin.sign_in("tanaka", PASSWORD, SOURCE)


async def test_a_hundred_guesses_at_once_pass_only_ten(people: Cast) -> None:
    answers = await asyncio.gather(
        *(signin.sign_in("tanaka", f"ちがう{n}", SOURCE) for n in range(100)), return_exceptions=True
    )
    tried = [answer for answer in answers if not isinstance(answer, signin.TooMany)]
    assert len(tried) == signin.LIMIT_LOGIN_AND_SOURCE


async def test_a_success_forgives_the_members_own_misses(people: Cast) -> None:
    await tries(9, "tanaka")
    await signin.sign_in("tanaka", PASSWORD, SOURCE)
    await tries(9, "tanaka")
    assert await signin.sign_in("tanaka", PASSWORD, SOURCE)


async def test_a_success_does_not_hide_guessing_at_others(people: Cast) -> None:
    for number in range(signin.LIMIT_SOURCE - 1):
        await work.run(signin.begin, f"name{number}", SOURCE)
    await signin.sign_in("tanaka", PASSWORD, SOURCE)
    await tries(1, "one-more")
    with pytest.raises(signin.TooMany):
        await signin.sign_in("suzuki", PASSWORD, SOURCE)


async def test_signing_in_replaces_the_token_the_browser_held(people: Cast) -> None:
    planted = await cast.session(people.tanaka)
    token = await signin.sign_in("tanaka", PASSWORD, SOURCE, planted)
    assert token != planted
    assert await guard.by_token(planted) is None


async def test_a_session_ends_after_45_idle_minutes(people: Cast) -> None:
    token = await cast.session(people.tanaka)
    await clock.advance(guard.IDLE_MINUTES * 60 - 5)
    assert await guard.by_token(token)
    await clock.advance(guard.IDLE_MINUTES * 60 + 5)
    assert await guard.by_token(token) is None


async def test_use_keeps_a_session_alive_only_for_twelve_hours(people: Cast) -> None:
    token = await cast.session(people.tanaka)
    for _ in range(guard.ABSOLUTE_HOURS * 2 - 1):
        await clock.advance(30 * 60)
        assert await guard.by_token(token)
    await clock.advance(30 * 60 + 1)
    assert await guard.by_token(token) is None


async def test_a_changed_role_counts_from_the_next_click(people: Cast) -> None:
    token = await cast.session(people.ito)
    await work.sql("update staff_member set role = 'section_staff' where login = 'ito'")
    actor = await guard.by_token(token)
    assert actor is not None
    assert actor.role.value == "section_staff"


async def test_a_changed_section_counts_from_the_next_click(people: Cast) -> None:
    token = await cast.session(people.tanaka)
    await work.sql("update staff_member set section_code = 'bosai' where login = 'tanaka'")
    actor = await guard.by_token(token)
    assert actor is not None
    assert actor.section_code == "bosai"


async def test_stopping_a_member_ends_every_session_at_once(people: Cast) -> None:
    tokens = [await cast.session(people.tanaka) for _ in range(3)]
    await work.run(directory.deactivate, people.takahashi, people.tanaka.staff_id)
    assert [await guard.by_token(token) for token in tokens] == [None] * 3


async def test_signing_out_ends_only_this_browser(people: Cast) -> None:
    here, there = await cast.session(people.tanaka), await cast.session(people.tanaka)
    await work.run(signin.sign_out, people.tanaka, here)
    assert await guard.by_token(here) is None
    assert await guard.by_token(there)


async def test_signing_out_everywhere_ends_all_of_ones_own_only(people: Cast) -> None:
    mine, other = await cast.session(people.tanaka), await cast.session(people.suzuki)
    await work.run(signin.sign_out_everywhere, people.tanaka, people.tanaka.staff_id)
    assert await guard.by_token(mine) is None
    assert await guard.by_token(other)


async def test_only_an_administrator_signs_others_out(people: Cast) -> None:
    token = await cast.session(people.suzuki)
    with pytest.raises(Refused):
        await work.run(signin.sign_out_everywhere, people.tanaka, people.suzuki.staff_id)
    assert await guard.by_token(token)
    await work.run(signin.sign_out_everywhere, people.takahashi, people.suzuki.staff_id)
    assert await guard.by_token(token) is None


async def test_nobody_stops_oneself(people: Cast) -> None:
    with pytest.raises(Refused):
        await work.run(directory.deactivate, people.takahashi, people.takahashi.staff_id)


async def test_only_an_administrator_stops_a_member(people: Cast) -> None:
    for actor in people.actors:
        if actor is not people.takahashi:
            with pytest.raises(Refused):
                await work.run(directory.deactivate, actor, people.yoshida.staff_id)


async def test_signing_in_is_recorded(people: Cast, owner: asyncpg.Connection) -> None:
    await signin.sign_in("tanaka", PASSWORD, SOURCE)
    row = await owner.fetchrow("select staff_name, action, detail::text from audit_entry order by id desc limit 1")
    assert row is not None
    assert (row["staff_name"], row["action"]) == ("田中", "staff.sign_in")
    assert PASSWORD not in row["detail"]
