"""続けるかのお知らせ: 前の同意が終わる60日・30日・7日前に、まだの人だけに、二人の手で出る(RULES 38, CHECKS P14)。"""

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from backend.consent import publishing
from backend.consent.notices import Purpose
from backend.consent.publishing import Version
from backend.errors import Forbidden, Refused
from backend.messages import checks, desk, reminder_plan, reminder_words, reminders
from backend.messages.reminder_plan import Planned
from backend.messages.states import State
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.store import clock, work
from backend.store.clock import JST
from tests import cast
from tests.cast import HONGO_3, Cast
from tests.consent.desk import publish
from tests.console_fixtures import Opening, app, console, people
from tests.delivery.conftest import sending, texts, until
from tests.messages import requests
from tests.messages.requests import MINIMUM

__all__ = ["app", "console", "people"]
PAGE = "https://liff.line.me/1660000000-Bunkyo01/settings"
DAY = 86400
FIRST = "not_renewed:2:60"


def by_area(_number: int = 0) -> Choices:
    return Choices(purposes=Purpose.AREA | Purpose.AGE, area=HONGO_3)


async def prepare(actor: Any, key: str = FIRST) -> int:
    return await work.run(reminders.prepare, actor, key, PAGE, MINIMUM)


async def listed(people: Cast) -> dict[str, reminders.Reminder]:
    return {one.planned.key: one for one in await reminders.listing(people.sato, MINIMUM)}


async def go_to(moment: datetime) -> None:
    await clock.set_to(moment)


@pytest.fixture
async def changed(people: Cast, keys: AddressKeys) -> list[str]:
    """30人が同意し、その後で地域の文が変わった。前の同意は2027年2月22日に終わる。"""
    users = await cast.crowd(keys, 30, by_area)
    await publish(Purpose.AREA, effective_in=0)
    return users


def version(number: int, effective_on: date, material: Purpose = Purpose.AREA) -> Version:
    now = datetime(2026, 11, 24, 10, tzinfo=JST)
    return Version(number, effective_on, effective_on, material, 24, "試験", None, now, True, now)


def planned(versions: list[Version], field: str = "not_renewed") -> list[Planned]:
    made = reminder_plan.plan(versions, datetime(2026, 11, 24, 10, tzinfo=JST))
    return [one for one in made if one.field == field]


def test_three_are_planned_on_working_days_sixty_thirty_and_seven_days_before() -> None:
    made = planned([version(2, date(2026, 11, 24))])
    assert [(one.days, one.send_at.date()) for one in made] == [
        (60, date(2026, 12, 24)),
        (30, date(2027, 1, 22)),  # 1月23日は土曜日
        (7, date(2027, 2, 15)),
    ]
    assert {one.send_at.time() for one in made} == {reminder_plan.HOUR}


def test_the_first_text_and_one_of_changed_words_only_ask_nobody() -> None:
    cosmetic = version(2, date(2026, 11, 24), Purpose(0))
    assert planned([version(1, date(2026, 11, 24)), cosmetic]) == []


def test_every_month_of_the_year_has_words_that_pass_the_checks() -> None:
    tried = 0
    for days in range(0, 366, 7):
        now = datetime(2026, 11, 24, 10, tzinfo=JST) + timedelta(days=days)
        for one in reminder_plan.plan([version(2, now.date())], now):
            made = reminder_words.manuscript(one, PAGE)
            blocked = checks.blocking(checks.check(made, one.send_at - timedelta(days=5)))
            assert blocked == [], (one.key, blocked)
            tried += 1
    print(f"点検を通った文 {tried}")


async def test_one_press_makes_a_draft_and_schedules_nothing(people: Cast, changed: list[str]) -> None:
    request_id = await prepare(people.sato)
    found = await desk.find(people.sato, request_id)
    assert (found.state, found.section_code, found.author) == (State.DRAFT, "koho", people.sato.staff_id)
    assert found.manuscript.send_at == datetime(2026, 12, 24, 10, tzinfo=JST)
    assert PAGE in found.manuscript.body
    assert "2027年2月21日(日)まで" in found.manuscript.body
    assert await requests.deliveries() == []


async def test_who_prepared_and_submitted_it_cannot_approve_it(people: Cast, changed: list[str]) -> None:
    request_id = await prepare(people.sato)
    await requests.submit(people.sato, request_id)
    with pytest.raises(Forbidden):
        await requests.approve(people.sato, request_id)
    assert await requests.deliveries() == []


async def test_only_those_who_have_not_continued_get_it(
    people: Cast, changed: list[str], keys: AddressKeys, simulator: Any, gateway: Any
) -> None:
    """前の日に「続ける」を押した人には届かない。LINEの台帳で見る。"""
    simulator.add_friends(*changed)
    request_id = await prepare(people.sato)
    await requests.submit(people.sato, request_id)
    delivery = await requests.approve(people.ito, request_id)
    await go_to(datetime(2026, 12, 23, 15, tzinfo=JST))
    await cast.continued(keys, changed[:5], Purpose.AREA)
    await cast.crowd(keys, 3, by_area, first=500)  # 新しい文に初めて同意した人
    await go_to(datetime(2026, 12, 24, 10, 0, 1, tzinfo=JST))
    async with sending(gateway, keys):
        found = await until(delivery)
    assert (found.accepted, found.excluded) == (25, 0)
    got = {one["user"] for one in simulator.received()}
    assert got == set(changed[5:])
    assert PAGE in texts(simulator, changed[5])[0]


async def test_pressed_many_times_at_once_it_is_one_draft(people: Cast, changed: list[str]) -> None:
    made = await asyncio.gather(*(prepare(actor) for actor in (people.sato, people.nakamura, people.ito) * 4))
    assert len(set(made)) == 1
    rows = await work.sql("select count(*) as drafts from delivery_request")
    assert rows[0]["drafts"] == 1


async def test_nothing_half_made_is_left_and_it_can_be_made_again(people: Cast, changed: list[str]) -> None:
    async def dies() -> None:
        await reminders.prepare(people.sato, FIRST, PAGE, MINIMUM)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await work.run(dies)
    assert await work.sql("select 1 from delivery_request") == []
    await prepare(people.sato)


async def test_a_withdrawn_draft_can_be_made_again(people: Cast, changed: list[str]) -> None:
    first = await prepare(people.sato)
    await requests.withdraw(people.sato, first)
    assert (await listed(people))[FIRST].open
    assert await prepare(people.sato) != first


async def test_a_section_can_neither_see_nor_prepare_them(people: Cast, changed: list[str]) -> None:
    with pytest.raises(Forbidden):
        await prepare(people.tanaka)


async def test_too_early_too_late_and_unknown_ones_are_refused(people: Cast, changed: list[str]) -> None:
    for key in ("not_renewed:2:7", "not_renewed:9:60", "not_renewed:2:61", "", "everyone"):
        with pytest.raises(Refused):
            await prepare(people.sato, key)
    await go_to(datetime(2026, 12, 24, 10, tzinfo=JST))
    with pytest.raises(Refused):
        await prepare(people.sato)
    assert (await listed(people))[FIRST].missed


async def test_fewer_than_twenty_are_neither_counted_nor_asked(people: Cast, keys: AddressKeys) -> None:
    await cast.crowd(keys, 19, by_area)
    await publish(Purpose.AREA, effective_in=0)
    one = (await listed(people))[FIRST]
    assert (one.count, one.open) == ("20人未満", False)
    with pytest.raises(Refused):
        await prepare(people.sato)


async def test_a_newer_text_marks_the_waiting_draft(people: Cast, changed: list[str], console: Opening) -> None:
    request_id = await prepare(people.sato)
    await requests.submit(people.sato, request_id)
    await clock.advance(DAY)
    newer = await publish(Purpose.AREA | Purpose.TOPICS, effective_in=10)
    assert (await listed(people))[FIRST].planned.superseded_by == newer
    ito = await console(people.ito)
    for path in (f"/console/messages/{request_id}", f"/console/review/{request_id}", "/console/messages/reminders"):
        assert f"第{newer}版でも、同じ目的の文が変わりました" in (await ito.get(path)).text


async def test_a_newer_text_for_another_purpose_marks_nothing(people: Cast, changed: list[str]) -> None:
    await publish(Purpose.GARBAGE, effective_in=10)
    assert (await listed(people))[FIRST].planned.superseded_by is None


# ── 期限の来る同意(P14) ──


@pytest.fixture
async def expiring(people: Cast, keys: AddressKeys) -> list[str]:
    """24か月後の2028年11月に期限の来る30人。いまは、その60日前の少し前。"""
    users = await cast.crowd(keys, 30, by_area)
    await go_to(datetime(2028, 8, 25, 9, tzinfo=JST))
    return users


async def test_consents_that_expire_are_asked_month_by_month(people: Cast, expiring: list[str]) -> None:
    found = await listed(people)
    assert [key for key, one in found.items() if one.planned.field == "ends_in"] == [
        "ends_in:2028-11:60",
        "ends_in:2028-11:30",
        "ends_in:2028-11:7",
    ]
    assert [one.open for one in found.values()] == [True, True, False]
    request_id = await prepare(people.sato, "ends_in:2028-11:60")
    assert "2028年11月に期限が来ます" in (await desk.find(people.sato, request_id)).manuscript.body


async def test_who_continued_is_no_longer_among_them(
    people: Cast, expiring: list[str], keys: AddressKeys, simulator: Any, gateway: Any
) -> None:
    simulator.add_friends(*expiring)
    request_id = await prepare(people.sato, "ends_in:2028-11:60")
    await requests.submit(people.sato, request_id)
    delivery = await requests.approve(people.ito, request_id)
    await cast.continued(keys, expiring[:10], Purpose.AREA, Purpose.AGE)
    await go_to(datetime(2028, 9, 1, 10, 0, 1, tzinfo=JST))
    async with sending(gateway, keys):
        await until(delivery)
    assert {one["user"] for one in simulator.received()} == set(expiring[10:])


async def test_a_month_with_too_few_people_is_not_listed(people: Cast, keys: AddressKeys) -> None:
    await cast.crowd(keys, 19, by_area)
    await go_to(datetime(2028, 8, 25, 9, tzinfo=JST))
    assert await listed(people) == {}


# ── 画面 ──


async def test_home_and_the_page_lead_from_the_waiting_one_to_its_draft(
    people: Cast, changed: list[str], console: Opening
) -> None:
    sato = await console(people.sato)
    home = (await sato.get("/console")).text
    assert "用意する続けるかのお知らせ" in home
    assert "次は12月24日に送る分" in home
    page = (await sato.get("/console/messages/reminders")).text
    assert "約30人" in page
    assert "1月1日(金)から用意できます" in page
    answer = await sato.post("/console/messages/reminders", {"key": FIRST})
    assert answer.status_code == 303
    draft = (await sato.get(answer.headers["location"])).text
    assert "この欄では変えられない条件です" in draft
    assert "用意する続けるかのお知らせ" not in (await sato.get("/console")).text
    again = await sato.post("/console/messages/reminders", {"key": FIRST})
    assert again.headers["location"] == answer.headers["location"]


async def test_a_refused_press_says_why_on_the_same_page(people: Cast, changed: list[str], console: Opening) -> None:
    answer = await (await console(people.sato)).post("/console/messages/reminders", {"key": "not_renewed:2:7"})
    assert answer.status_code == 422
    assert "このお知らせは、いまは用意できません" in answer.text


async def test_nothing_waits_when_no_text_has_changed(people: Cast, console: Opening) -> None:
    sato = await console(people.sato)
    assert "続けるかのお知らせ</span>" not in (await sato.get("/console")).text
    assert "いま用意するお知らせはありません" in (await sato.get("/console/messages/reminders")).text
    assert [one.version for one in await publishing.versions()] == [1]
