"""職員の画面を歩く: 急ぐ職員、途中で切れたサインイン、二度押し、よそのサイトの枠。どの画面も、CSPの報告を出さない(CHECKS S4)。"""

from __future__ import annotations

from typing import Any

import pytest_asyncio

from backend.delivery import outbox
from backend.permissions import Actor
from backend.settings import Settings
from backend.store import work
from tests import cast
from tests.browser import console_day, looking
from tests.browser.phone import WARD, Phone
from tests.browser.test_console_looks import LOOKS
from tests.cast import PASSWORD, Cast


@pytest_asyncio.fixture(loop_scope="session")
async def people(pick_up: Any, ward_settings: Settings) -> Cast:
    return (await console_day.begin(ward_settings))[0]


async def at_desk(pick_up: Any, actor: Actor, width: int = 1280) -> Phone:
    """サインインした職員の机。"""
    opened: Phone = await pick_up(agent=None, width=width)
    await sit_down(opened, await cast.session(actor))
    return opened


async def sit_down(opened: Phone, token: str) -> None:
    cookie = {"name": "__Host-ward-console", "value": token, "url": WARD, "secure": True, "httpOnly": True}
    await opened.context.add_cookies([cookie])


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
    assert await looking.every_look(page, LOOKS, 24) == [[]] * len(LOOKS)
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
