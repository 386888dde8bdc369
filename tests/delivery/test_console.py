"""配信の画面: 何が人を待っているか、正確な数、丸めた数、決める、止める。"""

import asyncio
import re

import pytest
import pytest_asyncio

from backend.delivery import alarms, freeze, lease
from backend.delivery.outbox import Everyone
from backend.permissions import Role
from backend.settings import Settings
from backend.store import clock, work
from tests import cast
from tests.delivery.conftest import approved, package, sending, until


@pytest.fixture
def app(noon, line_settings: Settings):
    return cast.make_app(line_settings)


@pytest_asyncio.fixture(loop_scope="session")
async def people(noon):
    return await cast.staff()


@pytest_asyncio.fixture(loop_scope="session")
async def open_console(app, line_settings, people):
    opened = []

    async def sign_in(login):
        console = await cast.signed_in(app, line_settings, getattr(people, login))
        opened.append(console)
        return console

    yield sign_in
    for console in opened:
        await console.close()


async def held_delivery(noon):
    """人数が足りずに見合わせた配信。"""
    delivery = await approved(package(noon, source_at=noon.replace(year=2025)))
    await work.run(freeze.freeze, delivery, 1)
    return delivery


async def test_what_waits_for_a_person_comes_first(open_console, noon, crowd):
    await crowd(30)
    await approved(package(noon, title="これから", send_at=noon.replace(hour=3), expires_at=noon.replace(hour=5)))
    await held_delivery(noon)
    text = (await (await open_console("sato")).get("/console/deliveries")).text
    assert 0 < text.index("人が決めるのを待っています") < text.index("これから送ります")


async def test_a_section_sees_only_its_own_deliveries(open_console, noon):
    await approved(package(noon, title="よその配信", owner_section="bosai"))
    mine = await approved(package(noon, title="うちの配信"))
    console = await open_console("tanaka")
    text = (await console.get("/console/deliveries")).text
    assert "うちの配信" in text
    assert "よその配信" not in text
    assert (await console.get(f"/console/deliveries/{mine - 1}")).status_code == 404
    assert (await console.get(f"/console/deliveries/{mine - 1}/events")).status_code == 404
    assert (await console.get(f"/console/deliveries/{mine - 1}/live")).status_code == 404


@pytest.mark.parametrize(("login", "shown"), [("ito", "1,203人"), ("sato", "約1,200人"), ("tanaka", "約1,200人")])
async def test_only_the_chief_sees_exact_numbers(open_console, crowd, noon, gateway, keys, login, shown):
    await crowd(1_203)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        await until(delivery)
    text = (await (await open_console(login)).get(f"/console/deliveries/{delivery}")).text
    assert shown in text
    assert ("1,203" in text) is (login == "ito")
    assert "届きました" not in text


async def test_a_held_delivery_is_sent_when_the_pr_division_says_so(
    open_console, crowd, noon, gateway, keys, simulator
):
    await crowd(30)
    delivery = await held_delivery(noon)
    console = await open_console("sato")
    assert "もとの情報が古いままです" in (await console.get(f"/console/deliveries/{delivery}")).text
    assert (await console.post(f"/console/deliveries/{delivery}/release")).status_code == 303
    async with sending(gateway, keys):
        done = await until(delivery)
    assert done.accepted == 30


async def test_a_held_delivery_is_given_up(open_console, noon, crowd):
    delivery = await held_delivery(noon)
    assert (await (await open_console("sato")).post(f"/console/deliveries/{delivery}/give-up")).status_code == 303
    assert (await work.sql("select state from delivery"))[0]["state"] == "stopped"


async def test_a_held_delivery_moves_only_inside_the_approved_window(open_console, noon, crowd):
    delivery = await held_delivery(noon)
    console = await open_console("sato")
    late = await console.post(f"/console/deliveries/{delivery}/postpone", {"day": "2026-11-25", "clock": "10:00"})
    assert late.status_code == 422
    assert "承認された期限の外です" in late.text
    fine = await console.post(f"/console/deliveries/{delivery}/postpone", {"day": "2026-11-24", "clock": "11:00"})
    assert fine.status_code == 303
    assert (await work.sql("select state from delivery"))[0]["state"] == "scheduled"


async def test_a_section_cannot_decide(open_console, noon):
    delivery = await held_delivery(noon)
    console = await open_console("tanaka")
    for verb in ("release", "give-up", "postpone", "unknown", "resend", "stop"):
        assert (await console.post(f"/console/deliveries/{delivery}/{verb}")).status_code == 403, verb


async def test_a_double_press_stops_once_and_says_so(open_console, noon):
    delivery = await approved(package(noon))
    console = await open_console("sato")
    assert (await console.post(f"/console/deliveries/{delivery}/stop")).status_code == 303
    again = await console.post(f"/console/deliveries/{delivery}/stop")
    assert again.status_code == 422
    assert "もう「停止」です" in again.text


async def test_a_press_without_the_pages_token_changes_nothing(open_console, noon):
    delivery = await approved(package(noon))
    console = await open_console("sato")
    assert (await console.post(f"/console/deliveries/{delivery}/stop", csrf="x")).status_code == 403
    assert (await work.sql("select state from delivery"))[0]["state"] == "scheduled"


async def test_the_unknown_part_is_decided_by_a_person(open_console, crowd, noon, gateway, keys, simulator):
    await crowd(40)
    simulator.fault("multicast", "500_after", times=1)
    simulator.fault("multicast", "403", times=None)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        await until(delivery)
    console = await open_console("sato")
    page = (await console.get(f"/console/deliveries/{delivery}")).text
    assert "送られたとみなす" in page
    assert "送られていないとみなす(再送しない)" in page
    assert (await console.get("/statusz")).status_code == 503
    assert (await console.post(f"/console/deliveries/{delivery}/unknown", {"answer": "sent"})).status_code == 303
    assert "送られたとみなす" not in (await console.get(f"/console/deliveries/{delivery}")).text


async def test_everyone_is_said_to_be_everyone(open_console, noon, gateway, keys, simulator):
    simulator.generate(3)
    async with sending(gateway, keys):
        delivery = await approved(package(noon, address=Everyone()))
        await until(delivery)
    text = (await (await open_console("sato")).get(f"/console/deliveries/{delivery}")).text
    assert "友だち全員あて" in text
    assert "LINEが受け付けました" in text


async def test_the_moving_part_is_a_piece_of_the_page(open_console, noon):
    delivery = await approved(package(noon))
    answer = await (await open_console("sato")).get(f"/console/deliveries/{delivery}/live")
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert "予約" in answer.text


async def test_the_stop_page_shows_each_role_only_what_it_may_do(open_console, people):
    wanted = {"sato": (True, False), "ito": (True, True), "yoshida": (True, False), "tanaka": (False, False)}
    for login, (bulk, everything) in wanted.items():
        text = (await (await open_console(login)).get("/console/stop")).text
        assert ('value="stop_bulk"' in text) is bulk, login
        assert ('value="stop_all"' in text) is everything, login


async def test_one_stops_and_two_start_on_the_page(open_console):
    watch, first, second = [await open_console(login) for login in ("yoshida", "sato", "nakamura")]
    await watch.post("/console/stop", {"do": "stop_bulk"})
    assert "緊急以外を停止" in (await first.get("/console/deliveries")).text
    await first.post("/console/stop", {"do": "propose_resume"})
    assert (await first.post("/console/stop", {"do": "confirm_resume"})).status_code == 422
    assert "佐藤さんが" in (await second.get("/console/stop")).text
    assert (await second.post("/console/stop", {"do": "confirm_resume"})).status_code == 303
    assert "通常" in (await second.get("/console/stop")).text


@pytest.mark.parametrize("what", ["", "everything", "resume"])
async def test_an_unknown_switch_changes_nothing(open_console, what):
    assert (await (await open_console("ito")).post("/console/stop", {"do": what})).status_code == 422


async def test_the_status_is_bad_when_no_sender_beats(open_console, gateway, keys):
    console = await open_console("sato")
    await work.sql("update delivery_sender set beat_at = clock_timestamp() - interval '31 seconds'")
    answer = await console.get("/statusz")
    assert (answer.status_code, answer.text) == (503, "送り手が動いていない")
    async with sending(gateway, keys):
        await asyncio.sleep(lease.STANDBY_SECONDS + 0.5)
        assert (await console.get("/statusz")).status_code == 200


async def test_an_open_brake_is_on_the_page_and_in_the_status(open_console, noon):
    await work.sql("insert into delivery_brake (feed, reason) values ('garbage', 'flood')")
    console = await open_console("sato")
    assert "自動の配信を止めています" in (await console.get("/console/deliveries")).text
    assert (await console.get("/statusz")).status_code == 503
    assert (await console.post("/console/brakes/garbage/close")).status_code == 303
    assert not [alarm for alarm in await alarms.current() if alarm.code.startswith("brake")]


async def test_the_metrics_name_no_person(open_console, crowd, noon, gateway, keys):
    users = await crowd(30)
    async with sending(gateway, keys):
        await until(await approved(package(noon, title="秘密の件名")))
    text = (await (await open_console("sato")).get("/metrics")).text
    assert 'ward_batches{state="accepted"} 1' in text
    assert " 30" not in text, "宛先の人数は、だれでも開ける道に出さない"
    assert 'ward_deliveries{state="sent"} 1' in text
    assert not any(user in text for user in users)
    assert "秘密" not in text
    for line in text.splitlines():
        assert line.startswith("#") or re.fullmatch(r'[a-z_]+(\{[a-z]+="[a-z_]+"\})? -?[0-9.e+-]+', line), line


async def test_every_role_with_the_permission_opens_the_list(open_console, people):
    for actor in people.actors:
        status = (await (await open_console(actor.login)).get("/console/deliveries")).status_code
        assert status == (403 if actor.role is Role.PRIVACY_OFFICER else 200), actor.login


async def test_waiting_for_lines_answer_is_said(open_console, crowd, noon, gateway, keys, simulator):
    await crowd(30)
    simulator.fault("multicast", "500_before", times=None)
    console = await open_console("sato")
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        await until(delivery, lambda s: bool(simulator.calls("multicast")))
        await clock.advance(20)
        assert "もう一度押さないでください" in (await console.get(f"/console/deliveries/{delivery}")).text
        await clock.advance(120)
        assert "送れていないおそれ" in (await console.get(f"/console/deliveries/{delivery}")).text
        simulator.clear_faults()
        await until(delivery)
