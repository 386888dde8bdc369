"""職員の画面のすべて: 明るい・暗い、幅390・1280で、axeの違反もはみ出しもCSPの報告も0件(CHECKS 7, S4)。"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page

from backend.delivery import outbox
from backend.messages import desk, workflow
from backend.messages.states import ReturnReason
from backend.permissions import Actor
from backend.staff import invitations
from backend.store import work
from backend.ward.kinds import Kind
from tests import cast
from tests.browser import looking
from tests.browser.phone import WARD, Phone
from tests.cast import PASSWORD, Cast
from tests.messages import requests

PAGES = {
    "tanaka": ["/console", "/console/messages", "/console/messages/new", "/console/messages/1", "/console/messages/1/submit",
               "/console/messages/2", "/console/messages/3", "/console/messages/4", "/console/segments", "/console/deliveries",
               "/console/deliveries/1", "/console/stop", "/console/links", "/console/links/new", "/console/factor",
               "/console/review"],
    "sato": ["/console", "/console/review", "/console/review/2", "/console/review/5", "/console/messages/2?edit=1",
             "/console/deliveries/1", "/console/menus", "/console/menus/new", "/console/menus/artwork", "/console/consent", "/console/stop"],
    "ito": ["/console/review/6", "/console/audit", "/console/stop", "/console/consent/new", "/console/menus/statistics"],
    "takahashi": ["/console", "/console/staff", "/console/audit", "/console/rights/incident"],
    "ogawa": ["/console", "/console/rights", "/console/rights/incident", "/console/consent"],
    "yoshida": ["/console", "/console/deliveries", "/console/stop"],
}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def people(pick_up: Any) -> Cast:
    """書きかけ、確認待ち、差戻し、承認済み、佐藤の書いたもの、キが一つずつある朝。"""
    made = await cast.staff()
    await cast.tuesday()
    await requests.drafted(made.tanaka, title="書きかけ", body="○○公園で、本日10時からこどもまつりを開催。①")
    await requests.submitted(made.tanaka, title="確認を待つまつり")
    back = await requests.submitted(made.tanaka, title="戻されたまつり")
    version = (await desk.find(made.sato, back)).version
    await work.run(workflow.return_, made.sato, back, version, ReturnReason.CONTACT, "会場の電話を書いてください。")
    approved = await requests.submitted(made.tanaka, title="承認されたまつり", body_en="The festival is on December 5.")
    await requests.approve(made.sato, approved)
    await requests.submitted(made.sato, title="佐藤の書いたお知らせ")
    await requests.submitted(made.tanaka, title="広報課長だけのお知らせ", kind=Kind.KI)
    await work.run(invitations.add, "shinjin", "新人", made.tanaka.role, "kosodate", "子育て支援課")
    return made


async def at_desk(pick_up: Any, actor: Actor, width: int = 1280) -> Phone:
    """サインインした職員の机。"""
    opened: Phone = await pick_up(agent=None, width=width)
    await sit_down(opened, await cast.session(actor))
    return opened


async def sit_down(opened: Phone, token: str) -> None:
    cookie = {"name": "__Host-ward-console", "value": token, "url": WARD, "secure": True, "httpOnly": True}
    await opened.context.add_cookies([cookie])


async def faults(opened: Phone, name: str) -> list[str]:
    """いまの画面の、axeの違反・はみ出し・コンソールの言葉。机の明るい画面と、電話の暗い画面で。"""
    page = opened.page
    found = await looking.violations(page)
    found += await _narrow_faults(page, "light")
    await looking.picture(page, f"{name}-desk")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme="dark")
    found += await _narrow_faults(page, "dark")
    await looking.picture(page, f"{name}-phone")
    await page.set_viewport_size({"width": 1280, "height": 900})
    await page.emulate_media(color_scheme="light")
    return found + opened.said


async def _narrow_faults(page: Page, scheme: str) -> list[str]:
    """幅と明るさで変わる規則だけ(色の対比と、押す所の大きさ)。ほかは一度調べればよい。"""
    over = await looking.overflow(page)
    rules = await page.evaluate(
        "async () => (await axe.run(document, {runOnly: ['color-contrast', 'target-size'], resultTypes: ['violations']}))"
        ".violations.flatMap(v => v.nodes.map(n => `${v.id} ${n.target.join(' ')}`))"
    )
    return [f"{scheme} {one}" for one in rules] + ([f"{scheme} {over}ピクセルはみ出す"] if over else [])


@pytest.mark.parametrize("login", PAGES)
async def test_every_console_page_is_whole(pick_up: Any, people: Cast, login: str) -> None:
    opened = await at_desk(pick_up, getattr(people, login))
    wrong: dict[str, list[str]] = {}
    for path in PAGES[login]:
        opened.said.clear()
        answer = await opened.page.goto(f"{WARD}{path}")
        assert answer
        expected = 403 if (login, path) == ("tanaka", "/console/review") else 200
        assert answer.status == expected, (path, answer.status)
        opened.said[:] = [said for said in opened.said if "403" not in said]
        await opened.page.evaluate("document.querySelectorAll('main details').forEach(d => { d.open = true; })")
        if found := await faults(opened, f"console-{login}-{path.strip('/').replace('/', '-')}"):
            wrong[path] = found
    assert not wrong, "\n".join(f"{path}: {one}" for path, found in wrong.items() for one in found)


async def test_the_pages_before_sign_in_are_whole(pick_up: Any, people: Cast) -> None:
    token = await work.run(invitations.add, "betsu", "別の人", people.tanaka.role, "kosodate", "子育て支援課")
    opened: Phone = await pick_up(agent=None, width=1280)
    for path in ("/console/sign-in", f"/console/invitation/{token}", "/verify", "/verify/B-2611-9999"):
        await opened.page.goto(f"{WARD}{path}")
        opened.said.clear()
        assert not await faults(opened, f"door-{path[1:15].replace('/', '-')}"), path


async def test_a_hurried_officer_signs_in_writes_and_submits(pick_up: Any, people: Cast) -> None:
    opened: Phone = await pick_up(agent=None, width=1280)
    page = opened.page
    await page.goto(f"{WARD}/console/messages/new")
    await page.fill("#login", "tanaka")
    await page.fill("#password", PASSWORD)
    await page.click("text=サインインする")
    await page.wait_for_url("**/console/messages/new")
    await page.fill("#title", "区民まつりのお知らせ")
    await page.fill("#body", "○○公園で開きます。")
    await page.wait_for_selector("#findings:has-text('○○')")
    await page.fill("#body", "12月5日(土) 10時から15時まで、教育の森公園で区民まつりを開きます。")
    await page.fill("#contact", "区民課 03-5803-1111")
    await page.click("label:has-text('防災・安全、イベント、区政情報')")
    await page.click("label:has-text('友だち全員')")
    await page.click("label:has-text('日時を決めて送る')")
    await page.fill("#send_date", "2026-11-25")
    await page.fill("#send_time", "10:00")
    await page.select_option("#late", "60")
    await page.fill("#source_note", "11月20日 部長決裁")
    await page.wait_for_selector("#findings:has-text('気になるところは見つかりません')")
    await page.wait_for_selector("#phone:has-text('教育の森公園')")
    await page.click("text=保存して、提出へ進む")
    await page.check("input[name=sourced]")
    await page.check("input[name=settled]")
    await page.dblclick("text=この内容で提出する")
    await page.wait_for_selector("text=広報課の確認を待っています")
    assert opened.said == []


async def test_a_session_that_ended_while_writing_loses_nothing(pick_up: Any, people: Cast) -> None:
    opened = await at_desk(pick_up, people.tanaka)
    page = opened.page
    await page.goto(f"{WARD}/console/messages/new")
    await page.fill("#title", "三十分かけて書いた題")
    await work.sql("delete from staff_session")
    await page.click("text=下書きを保存する")
    await page.wait_for_selector("text=サインインの時間が切れました")
    opened.said.clear()
    assert not await faults(opened, "again-signed-out")
    await sit_down(opened, await cast.session(people.tanaka))
    await page.click("text=サインインしたので続ける")
    await page.click("text=同じ内容をもう一度送る")
    await page.wait_for_url("**/console/messages/7")
    assert await page.input_value("#title") == "三十分かけて書いた題"


async def test_a_double_click_on_approve_makes_one_delivery(pick_up: Any, people: Cast) -> None:
    opened = await at_desk(pick_up, people.sato)
    await opened.page.goto(f"{WARD}/console/review/2")
    await opened.page.dblclick("text=この内容で承認する")
    await opened.page.wait_for_url("**/console/deliveries/*")
    assert len(await outbox.listing()) == 2


async def test_the_console_is_not_framed_by_another_site(pick_up: Any, people: Cast) -> None:
    opened = await at_desk(pick_up, people.sato)
    await opened.page.goto(f"{WARD}/verify")
    await opened.page.evaluate(
        "() => { const f = document.createElement('iframe'); f.src = '/console'; document.body.append(f); }"
    )
    await opened.page.wait_for_timeout(500)
    assert all("/console" not in frame.url or "chrome-error" in frame.url for frame in opened.page.frames)


async def test_the_application_code_is_drawn(pick_up: Any, people: Cast) -> None:
    opened = await at_desk(pick_up, people.sato, 390)
    await opened.page.goto(f"{WARD}/console/factor")
    await opened.page.click("text=認証アプリを登録する")
    await opened.page.wait_for_selector("#qr svg")
    opened.said.clear()
    assert not await faults(opened, "factor-new")
