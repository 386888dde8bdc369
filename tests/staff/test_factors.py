"""二つ目の確かめ: 登録、サインイン、使い回し、総当たり、失くしたとき(CHECKS S7, RULES 9)。"""

import asyncio
import re
from typing import Any

import asyncpg
import httpx
import pytest

from backend.errors import Refused
from backend.permissions import Actor
from backend.settings import Settings
from backend.staff import factors, guard, signin, totp
from backend.store import clock, work
from tests import cast
from tests.cast import PASSWORD, Cast
from tests.console_fixtures import Opening, app, console, people

__all__ = ["app", "console", "people"]
SOURCE = "203.0.113.7"


class Phone:
    """職員の電話の認証アプリと、紙に控えたコード。"""

    def __init__(self, secret: bytes, codes: list[str]) -> None:
        self.secret = secret
        self.codes = codes

    async def code(self) -> str:
        """まだ使っていない、新しい6桁。"""
        await clock.advance(totp.STEP_SECONDS)
        return totp.code(self.secret, totp.step_of(await clock.now()))


async def enrolled(actor: Actor, settings: Settings) -> Phone:
    secret = await work.run(factors.propose, actor, settings.session_keys)
    phone = Phone(secret, [])
    phone.codes = await work.run(factors.confirm, actor, await phone.code(), settings.session_keys)
    return phone


@pytest.fixture
async def phone(people: Cast, settings: Settings) -> Phone:
    return await enrolled(people.suzuki, settings)


async def half() -> str:
    """パスワードだけを済ませた札。"""
    return await signin.sign_in("suzuki", PASSWORD, SOURCE)


async def verify(token: str, code: str, settings: Settings) -> str:
    return await factors.verify(token, code, SOURCE, settings.session_keys)


async def test_without_a_factor_the_password_is_enough(people: Cast) -> None:
    assert await guard.by_token(await signin.sign_in("suzuki", PASSWORD, SOURCE))


async def test_a_begun_enrolment_does_not_lock_anyone_out(people: Cast, settings: Settings) -> None:
    await work.run(factors.propose, people.suzuki, settings.session_keys)
    assert await guard.by_token(await half())


async def test_with_a_factor_the_password_alone_opens_no_door(phone: Phone) -> None:
    assert await guard.by_token(await half()) is None


async def test_the_code_opens_a_new_session(people: Cast, phone: Phone, settings: Settings) -> None:
    token = await half()
    opened = await verify(token, await phone.code(), settings)
    assert opened != token
    assert await guard.by_token(opened) == people.suzuki
    assert await guard.by_token(token) is None


async def test_a_code_works_once(phone: Phone, settings: Settings) -> None:
    code = await phone.code()
    await verify(await half(), code, settings)
    with pytest.raises(Refused, match="確認コードが違います"):
        await verify(await half(), code, settings)


async def test_the_code_of_the_enrolment_does_not_open_a_session(people: Cast, settings: Settings) -> None:
    secret = await work.run(factors.propose, people.suzuki, settings.session_keys)
    code = totp.code(secret, totp.step_of(await clock.now()))
    await work.run(factors.confirm, people.suzuki, code, settings.session_keys)
    with pytest.raises(Refused):
        await verify(await half(), code, settings)


async def test_one_code_sent_nine_times_at_once_opens_once(phone: Phone, settings: Settings) -> None:
    tokens = [await half() for _ in range(9)]
    code = await phone.code()
    answers = await asyncio.gather(*(verify(token, code, settings) for token in tokens), return_exceptions=True)
    assert len([answer for answer in answers if isinstance(answer, str)]) == 1


async def test_ten_wrong_codes_make_even_the_right_one_wait(phone: Phone, settings: Settings) -> None:
    token = await half()
    for _ in range(signin.LIMIT_LOGIN_AND_SOURCE):
        with pytest.raises(Refused):
            await verify(token, "000000", settings)
    with pytest.raises(signin.TooMany):
        await verify(token, await phone.code(), settings)


async def test_guessing_from_many_places_is_stopped_too(people: Cast, phone: Phone, settings: Settings) -> None:
    for number in range(signin.LIMIT_LOGIN):
        await work.run(signin.begin, f"\0factor:{people.suzuki.staff_id}", f"198.51.{number}.1")
    with pytest.raises(signin.TooMany):
        await verify(await half(), await phone.code(), settings)


async def test_the_password_step_cannot_be_skipped(phone: Phone, settings: Settings) -> None:
    with pytest.raises(Refused):
        await verify("x" * 43, await phone.code(), settings)


async def test_the_half_session_ends_after_ten_minutes(phone: Phone, settings: Settings) -> None:
    token = await half()
    await clock.advance(601)
    with pytest.raises(Refused):
        await verify(token, await phone.code(), settings)


async def test_anothers_code_does_not_open_mine(people: Cast, phone: Phone, settings: Settings) -> None:
    other = await enrolled(people.watanabe, settings)
    with pytest.raises(Refused):
        await verify(await half(), await other.code(), settings)


async def test_a_recovery_code_works_once_in_any_spelling(phone: Phone, settings: Settings) -> None:
    code = phone.codes[0]
    assert await verify(await half(), f" {code.upper().replace('-', ' ')} ", settings)
    with pytest.raises(Refused):
        await verify(await half(), code, settings)
    assert await verify(await half(), phone.codes[1], settings)


async def test_ten_recovery_codes_are_given_and_none_is_stored(phone: Phone, owner: asyncpg.Connection) -> None:
    rows = await owner.fetch("select encode(code_sha256, 'escape') as kept from staff_recovery_code")
    assert len(set(phone.codes)) == len(rows) == factors.RECOVERY_CODES
    assert not any(code in str(rows) for code in phone.codes)


async def test_the_database_alone_cannot_make_codes(phone: Phone, owner: asyncpg.Connection) -> None:
    assert phone.secret not in await owner.fetchval("select sealed from staff_factor")


async def test_a_sealed_key_does_not_fit_another_member(people: Cast, phone: Phone, settings: Settings) -> None:
    await enrolled(people.watanabe, settings)
    await work.sql(
        "update staff_factor set sealed = (select sealed from staff_factor where staff_id = $1) where staff_id = $2",
        people.watanabe.staff_id,
        people.suzuki.staff_id,
    )
    from cryptography.exceptions import InvalidTag

    with pytest.raises(InvalidTag):
        await verify(await half(), "123456", settings)


async def test_removing_ones_own_needs_a_code(people: Cast, phone: Phone, settings: Settings) -> None:
    with pytest.raises(Refused):
        await factors.remove_own(people.suzuki, "000000", SOURCE, settings.session_keys)
    assert (await factors.of(people.suzuki.staff_id)).confirmed
    await factors.remove_own(people.suzuki, await phone.code(), SOURCE, settings.session_keys)
    assert await guard.by_token(await half())


async def test_a_lost_phone_is_helped_by_an_administrator_only(people: Cast, phone: Phone) -> None:
    for actor in people.actors:
        if actor not in (people.takahashi, people.suzuki):
            with pytest.raises(Refused):
                await work.run(factors.remove_for, actor, people.suzuki.staff_id)
    session = await cast.session(people.suzuki)
    await work.run(factors.remove_for, people.takahashi, people.suzuki.staff_id)
    assert await guard.by_token(session) is None
    assert await guard.by_token(await half())


async def test_an_administrator_does_not_remove_ones_own_without_a_code(people: Cast, settings: Settings) -> None:
    await enrolled(people.takahashi, settings)
    with pytest.raises(Refused):
        await work.run(factors.remove_for, people.takahashi, people.takahashi.staff_id)


async def test_who_has_none_among_the_emergency_roles(people: Cast, phone: Phone) -> None:
    assert await factors.missing() == sorted(["伊藤", "佐藤", "中村", "渡辺"])


async def test_home_is_amber_until_an_emergency_role_enrols(console: Opening, people: Cast, phone: Phone) -> None:
    words = "認証アプリの登録がまだです"
    assert words in (await (await console(people.watanabe)).get("/console")).text
    assert words not in (await (await console(people.suzuki)).get("/console")).text
    assert words not in (await (await console(people.tanaka)).get("/console")).text
    assert "渡辺" in (await (await console(people.takahashi)).get("/console")).text


async def test_the_whole_way_through_the_screens(console: Opening, people: Cast, app: Any, settings: Settings) -> None:
    suzuki = await console(people.suzuki)
    begun = await suzuki.post("/console/factor/new")
    key = re.findall(r"secret=([A-Z2-7]+)", begun.text)[0]
    import base64

    phone = Phone(base64.b32decode(key), [])
    wrong = await suzuki.post("/console/factor/confirm", {"code": "000000"})
    assert wrong.status_code == 422
    assert key in wrong.text
    done = await suzuki.post("/console/factor/confirm", {"code": await phone.code()})
    assert len(re.findall(r"<li><code>", done.text)) == factors.RECOVERY_CODES
    assert "登録されています" in (await suzuki.get("/console/factor")).text
    async with cast.browser(app, settings) as browser:
        await enter(browser, phone)


async def enter(browser: httpx.AsyncClient, phone: Phone) -> None:
    headers = {"origin": "http://127.0.0.1:8000"}
    form = {"login": "suzuki", "password": PASSWORD, "next": "/console/messages"}
    answer = await browser.post("/console/sign-in", data=form, headers=headers)
    assert answer.headers["location"] == "/console/sign-in/code?next=/console/messages"
    assert (await browser.get("/console/messages")).status_code == 303
    page = await browser.get(answer.headers["location"])
    assert 'autocomplete="one-time-code"' in page.text
    code = {"code": await phone.code(), "next": "/console/messages"}
    opened = await browser.post("/console/sign-in/code", data=code, headers=headers)
    assert opened.headers["location"] == "/console/messages"
    browser.cookies.clear()
    browser.cookies.set("ward-console", re.findall(r"ward-console=([^;]+)", opened.headers["set-cookie"])[0])
    assert (await browser.get("/console/messages")).status_code == 200
