"""サインイン: 製品の束のまま、本物のSDKが模擬LINEで本人を確かめる。断り、古い札、繰り返さないこと。"""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from playwright.async_api import Route

from tests.browser.phone import WARD, Phone, answer


async def test_the_unmodified_production_bundle_signs_in(phone: Phone) -> None:
    await phone.to_form()
    assert phone.authorisations() == 1
    assert [told for told in phone.told() if told[1] != "/liff/session"] == []


async def test_signing_in_leaves_no_console_message_and_talks_only_to_declared_hosts(phone: Phone) -> None:
    await phone.to_form()
    await phone.page.check("#on-area")
    assert phone.said == []
    assert phone.hosts() <= {"ward.example.jp", "api.line.me", "access.line.me"}


async def test_the_address_keeps_no_code_after_signing_in(phone: Phone) -> None:
    await phone.sign_in("/liff?lang=en")
    await phone.arrive("form")
    assert phone.page.url == "https://ward.example.jp/liff?lang=en"


async def test_the_page_explains_lines_screen_before_it_appears(phone: Phone) -> None:
    await phone.open()
    words = await phone.page.inner_text("main")
    assert "何も登録しなくても、全員あての緊急のお知らせは届きます。" in words
    assert "次にLINEの確認画面が出ます。氏名・電話番号は受け取りません。「許可する」を押すと進みます。" in words


async def test_refusing_lines_permission_is_met_with_kindness_and_one_way_on(phone: Phone) -> None:
    await phone.open()
    await phone.page.click("#sign-in")
    await phone.page.click("button[value=deny]")
    await phone.arrive("trouble")
    assert "使わなくても大丈夫です" in await phone.page.inner_text("main")
    assert await phone.page.locator("section[data-view=trouble] .button").count() == 1


async def test_a_replayed_token_leads_to_one_clean_sign_in(phone: Phone) -> None:
    await phone.to_form()
    await phone.context.clear_cookies(name="__Host-ward-liff")
    await phone.page.reload()
    await phone.arrive("form")
    assert phone.authorisations() == 2


async def test_a_server_that_always_refuses_never_makes_a_loop(phone: Phone) -> None:
    await phone.page.route(
        "**/liff/session", lambda route: answer(route, 401, {"message": "x", "next_step": "y", "reason": "session"})
    )
    await phone.sign_in()
    await phone.arrive("trouble")
    await phone.page.wait_for_load_state("networkidle")
    assert phone.authorisations() == 2
    assert "何も失われていません" in await phone.page.inner_text("main")


async def test_what_was_chosen_survives_the_session_that_ended(phone: Phone, owner: asyncpg.Connection) -> None:
    await phone.to_form()
    await phone.page.check("#on-area")
    await phone.choose_area()
    await phone.context.clear_cookies(name="__Host-ward-liff")
    # 押した後の新しいページを見る: 前のページも、はじめは同じに見える。
    async with phone.page.expect_response("**/liff/session"):
        await phone.page.click("#save")
    await phone.arrive("form")
    assert await phone.page.is_checked("#on-area")
    assert "本郷" in await phone.page.inner_text("#fields-area .chosen")
    assert await owner.fetchval("select count(*) from resident") == 0
    await phone.page.click("#save")
    await phone.arrive("done")


async def test_inside_line_the_page_opens_without_a_button(pick_up: Any) -> None:
    """LIFFブラウザの見分けと、断片の札(LINE.md 3.3)。"""
    agent = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari Line/15.0.0 LIFF"
    phone = await pick_up(agent=agent)
    await phone.context.add_init_script("window._liff = { features: [], postMessage() {} }")
    tokens = phone.simulator.tokens(phone.user)
    context = await _context_token(phone)
    await phone.open(
        "/liff#" + "&".join(
            [
                f"access_token={tokens['access_token']}", f"context_token={context}", "feature_token=x",
                f"id_token={tokens['id_token']}", "client_id=1660000000",
            ]
        )
    )  # fmt: skip
    await phone.arrive("form")
    assert "access_token" not in phone.page.url
    assert await phone.page.is_hidden("#leave-item")


async def test_when_line_is_down_the_page_says_so_and_stays_useful(phone: Phone) -> None:
    await phone.context.route("https://api.line.me/**", lambda route: route.abort())
    await phone.open()
    await phone.arrive("trouble")
    words = await phone.page.inner_text("main")
    assert "LINEにつながりません" in words
    assert "何も登録しなくても、全員あての緊急のお知らせは届きます。" in words


async def test_without_javascript_the_page_still_explains_and_leads_into_line(pick_up: Any) -> None:
    phone = await pick_up(java_script_enabled=False)
    await phone.open()
    assert "住んでいる町や知りたいことを選ぶと" in await phone.page.inner_text("main")
    leads = await phone.page.get_attribute("#sign-in", "href")
    assert leads == "https://liff.line.me/1660000000-Bunkyo01?pressed=1"


async def test_pressed_before_the_script_runs_one_press_is_enough(phone: Phone) -> None:
    """遅い回線で、台本が届く前に押した人。LINEを通って、来た道と言葉のまま戻り、もう一度押さずに進む。"""
    slow = asyncio.Event()

    async def late(route: Route) -> None:
        await slow.wait()
        await route.continue_()

    await phone.page.route("**/assets/liff.js", late, times=1)
    await phone.page.goto(f"{WARD}/liff/settings?lang=en&only=garbage", wait_until="commit")
    await phone.page.click("#sign-in", no_wait_after=True)
    slow.set()
    await phone.page.click("button[value=allow]")
    await phone.arrive("form")
    assert phone.page.url == f"{WARD}/liff/settings?lang=en&only=garbage"
    assert phone.authorisations() == 1


async def test_pressed_while_the_sdk_wakes_up_one_press_is_enough(phone: Phone) -> None:
    """LIFFのアドレスから入ると、SDKは入口から目当ての道へ読み直す。その間に押しても、忘れられない。"""
    slow = asyncio.Event()

    async def late(route: Route) -> None:
        await slow.wait()
        await route.continue_()

    await phone.page.route("**/contextToken**", late, times=1)
    await phone.page.goto(f"{WARD}/liff?liff.state=%2Fsettings")
    await phone.page.click("#sign-in")
    await phone.page.wait_for_selector("body[data-now=wait]")
    slow.set()
    await phone.page.click("button[value=allow]")
    await phone.arrive("form")
    assert phone.authorisations() == 1


async def test_a_computer_shows_a_picture_to_open_it_on_the_phone(pick_up: Any) -> None:
    phone = await pick_up(agent=None, width=1280)
    await phone.open()
    await phone.page.wait_for_selector("#qr svg path")
    assert "いまはLINEの外で開いています。" in await phone.page.inner_text("main")


async def _context_token(phone: Phone) -> str:
    answer = phone.simulator.http.get("/liff/v2/apps/1660000000-Bunkyo01/contextToken")
    return answer.json()["contextToken"]
