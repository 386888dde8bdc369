"""告知文・本人の権利・漏えい対応の画面と、だれでも見る告知文のページ。"""

import secrets
from datetime import timedelta

import httpx
import pytest_asyncio

from backend.consent.notices import LANGUAGES, Purpose
from backend.residents import preferences, rights
from backend.staff.signin import digest
from backend.store import clock, work
from backend.web.sessions import CONSOLE, csrf_token
from tests.consent.desk import form, publish
from tests.residents.conftest import PUBLIC
from tests.residents.people import SAKURA, consented


@pytest_asyncio.fixture(loop_scope="session")
async def seat(app):
    """役割の人が座った画面。"""
    opened: list[httpx.AsyncClient] = []

    async def sit(role: str, login: str) -> httpx.AsyncClient:
        await work.sql("insert into section (code, name) values ('somu', '総務課') on conflict do nothing")
        rows = await work.sql(
            "insert into staff_member (login, name, role, section_code, password_hash) "
            "values ($1, $1, $2, 'somu', '-') returning id",
            login,
            role,
        )
        token = secrets.token_urlsafe(32)
        await work.sql(
            "insert into staff_session (token_sha256, staff_id) values ($1, $2)", digest(token), rows[0]["id"]
        )
        headers = {"x-csrf": csrf_token(token), "origin": PUBLIC, "cookie": f"{CONSOLE}={token}"}
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        opened.append(httpx.AsyncClient(transport=transport, base_url=PUBLIC, headers=headers, trust_env=False))
        return opened[-1]

    yield sit
    for client in opened:
        await client.aclose()


async def test_a_notice_goes_from_one_person_to_another_to_the_public(seat):
    writer, officer = await seat("pr", "sato"), await seat("privacy_officer", "mori")
    assert (await writer.get("/console/consent/new")).status_code == 200
    made = await writer.post("/console/consent/new", data=await form())
    assert (made.status_code, made.headers["location"]) == (303, "/console/consent/2")
    assert "この内容で公開する" not in (await writer.get("/console/consent/2")).text
    assert (await writer.post("/console/consent/2/publish")).status_code == 403
    assert (await officer.get("/policy/consent/2")).status_code == 404
    assert "この内容で公開する" in (await officer.get("/console/consent/2")).text
    assert (await officer.post("/console/consent/2/publish")).status_code == 303
    assert "第2版" in (await officer.get("/policy/consent")).text
    shown = (await officer.get("/policy/consent/2?lang=en")).text
    assert "<ins>" in shown
    assert "SHA-256" in shown


async def test_a_bad_draft_keeps_what_was_written(seat):
    writer = await seat("pr", "sato")
    answer = await writer.post("/console/consent/new", data=await form(effective_on="", reason="ぴよ"))
    assert answer.status_code == 422
    assert "ぴよ" in answer.text
    assert "改" in answer.text


async def test_the_list_shows_how_many_have_renewed(seat, keys):
    await consented(keys, SAKURA)
    await publish(Purpose.AREA)
    assert "まだ 1人" in (await (await seat("pr_chief", "ito")).get("/console/consent")).text


async def test_the_counter_discloses_corrects_and_stops(seat, keys):
    await consented(keys, SAKURA)
    code, _ = await work.run(rights.issue_code, keys, SAKURA)
    officer = await seat("privacy_officer", "mori")
    opened = await officer.post("/console/rights", data={"code": code})
    assert opened.status_code == 303, opened.text
    place = opened.headers["location"]
    sheet = (await officer.get(place)).text
    assert "地域のお知らせ" in sheet
    assert SAKURA not in sheet
    assert (await officer.post(f"{place}/correct", data={"name": "area", "value": "13"})).status_code == 303
    assert (await officer.post(f"{place}/correct", data={"name": "area", "value": "700"})).status_code == 422
    assert (await officer.post(f"{place}/stop", data={"purpose": ""})).status_code == 422
    assert (await officer.post(f"{place}/stop", data={"purpose": "age"})).status_code == 200
    assert (await officer.post(f"{place}/stop", data={"purpose": "all"})).status_code == 200
    assert await preferences.held(keys, SAKURA) is None
    assert (await officer.get(place)).status_code == 404


async def test_a_wrong_code_says_what_to_do(seat):
    answer = await (await seat("privacy_officer", "mori")).post("/console/rights", data={"code": "00000000"})
    assert answer.status_code == 422
    assert "新しい本人コード" in answer.text


async def test_one_closes_and_another_opens(seat):
    officer, administrator = await seat("privacy_officer", "mori"), await seat("administrator", "takahashi")
    assert (await officer.post("/console/rights/incident/close", data={"reason": ""})).status_code == 422
    assert (await officer.post("/console/rights/incident/close", data={"reason": "端末をなくした"})).status_code == 303
    page = (await officer.get("/console/rights/incident")).text
    assert "速報" in page
    assert (await officer.post("/console/rights/incident/reopen", data={"reason": "戻った"})).status_code == 422
    assert (
        await administrator.post("/console/rights/incident/reopen", data={"reason": "鍵を替えた"})
    ).status_code == 303


async def test_sections_see_none_of_it(seat):
    section = await seat("section_staff", "tanaka")
    for path in ("/console/consent", "/console/consent/new", "/console/rights", "/console/rights/incident"):
        assert (await section.get(path)).status_code == 403


async def test_every_language_of_every_version_is_public(seat, app):
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, trust_env=False) as anyone:
        assert (await anyone.get("/policy/consent")).status_code == 200
        for language in LANGUAGES:
            assert (await anyone.get(f"/policy/consent/1?lang={language}")).status_code == 200
        assert (await anyone.get("/policy/consent/9")).status_code == 404


async def test_a_version_waiting_for_its_day_has_no_page(page):
    today = (await clock.now()).astimezone(clock.JST).date()
    number = await publish(published_on=today + timedelta(days=2), effective_on=today + timedelta(days=9))
    assert f"/policy/consent/{number}" not in (await page.call("GET", "/policy/consent")).text
    assert (await page.call("GET", f"/policy/consent/{number}")).status_code == 404
    await clock.advance(2 * 86400)
    assert f"/policy/consent/{number}" in (await page.call("GET", "/policy/consent")).text
    assert (await page.call("GET", f"/policy/consent/{number}")).status_code == 200
