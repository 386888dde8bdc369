"""README「歩いてみる」: 電話のメニューから受信設定を開き、同意し、二人の職員を経たお知らせが、その同じ電話に出る。"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from playwright.async_api import FrameLocator, Page, Response, expect

from backend.store.clock import JST
from tests.browser.chrome import Chrome
from tests.browser.phone import FLAGS
from tests.cast import KEN, LIN, SAKURA
from tests.demo.running import RunningDemo
from tests.stories.officer import BODY, Officer

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="プロセスを/procで数える")
FRIENDS = 500  # 本郷三丁目が最少人数(20人)を超える
PATIENCE = 120_000.0  # ミリ秒。込んだ機械でも待ちきれる長さで、速さは問わない


@dataclass
class Clerk(Officer):
    """お試しの職員。アドレスも合言葉も `demo.json` にあるもの。"""

    web: str
    today: str

    async def enter(self, login: str, password: str) -> Clerk:
        await self.open("/console/sign-in")
        await self.page.fill("#login", login)
        await self.page.fill("#password", password)
        await self.page.click("text=サインインする")
        await self.page.wait_for_selector("header.top")
        return self

    async def open(self, path: str) -> Response:
        answer = await self.page.goto(f"{self.web}{path}")
        assert answer
        return answer

    async def _choose_time(self, at: str | None) -> None:
        await self.page.check("input[name=timing][value=on_approval]")
        await self.page.fill("#until_date", self.today)
        await self.page.fill("#until_time", "18:00")


@dataclass
class Walk:
    """歩く人の手元: 動いているお試しと、そこを見るブラウザ。"""

    demo: RunningDemo
    chrome: Chrome
    now: datetime

    async def window(self) -> BrowserContext:
        context = await self.chrome.context(
            viewport={"width": 1280, "height": 900}, locale="ja-JP", timezone_id="Asia/Tokyo", reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE)
        return context

    async def pick_up(self, user: str) -> Page:
        """模擬スマートフォンのページで、その人の電話を見る。"""
        context = await self.window()
        await context.clock.install(time=self.now)
        page = await context.new_page()
        await page.goto(f"{self.demo.described['phone']}?user={user}")
        await page.wait_for_selector(f"#phone[data-user={user}]")
        return page

    async def clerk(self, login: str) -> Clerk:
        described = self.demo.described
        account = next(account for account in described["accounts"] if account["login"] == login)
        page = await (await self.window()).new_page()
        clerk = Clerk(None, page, described["web"], self.now.astimezone(JST).date().isoformat())  # type: ignore[arg-type]
        return await clerk.enter(login, account["password"])

    async def got(self, number: str) -> list[str]:
        """その確認番号の文を受け取った人。着くまで待つ。"""
        for _ in range(int(PATIENCE / 500)):
            ledger = await asyncio.to_thread(self.demo.received)
            found = [one["user"] for one in ledger if any(number in m.get("text", "") for m in one["messages"])]
            if found:
                return found
            await asyncio.sleep(0.5)
        raise AssertionError(f"{number} が台帳にありません")


@pytest_asyncio.fixture(loop_scope="session")
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    """朝10時のお試し。夜に走らせても、送れない時間(21時〜7時)にかからない。"""
    demo = RunningDemo(tmp_path / "ward", friends=FRIENDS)
    chrome = Chrome(FLAGS)
    expect.set_options(timeout=PATIENCE)
    try:
        await asyncio.to_thread(demo.start, PATIENCE / 1000)
        yield Walk(demo, chrome, await ten_o_clock(demo))
        await chrome.quit()
    finally:
        for pid in demo.pids():
            os.kill(pid, signal.SIGKILL)


async def ten_o_clock(demo: RunningDemo) -> datetime:
    """業務の時計とLINEの時計を、一緒に次の朝10時へ進める。"""
    database = await asyncpg.connect(demo.database.owner_url)
    now: datetime = (await database.fetchval("select ward_now()")).astimezone(JST)
    morning = (now + timedelta(days=1)).replace(hour=10, minute=0, second=0, microsecond=0)
    await database.execute("update clock_offset set shift = shift + $1", morning - now)
    await database.close()
    clock: dict[str, Any] = {"advance_seconds": (morning - now).total_seconds()}
    simulator = f"http://127.0.0.1:{demo.simulator_port}"
    httpx.post(f"{simulator}/_sim/clock", json=clock, timeout=30, trust_env=False).raise_for_status()
    return morning


async def consents_to_hongo(frame: FrameLocator) -> None:
    """「LINEで続ける」から「同意して保存」まで。"""
    await expect(frame.locator("#sign-in")).to_be_visible()
    assert await frame.locator("#qr").count() == 0, "電話の中なのに、LINEの外だと言っている"
    await frame.locator("#sign-in").click()
    await frame.locator("button[value=allow]").click()
    area = frame.locator("#on-area")
    await area.check()
    place = frame.locator(".area-slot[data-area=area]")
    await place.locator(".row", has_text="本郷").click()
    await place.locator(".chome label", has_text="三丁目").click()
    await frame.locator("#save").click()
    await expect(frame.locator("section[data-view=done]")).to_be_visible()


async def test_consent_from_the_menu_of_a_phone_leads_to_a_message_on_that_phone(walk: Walk) -> None:
    phone = await walk.pick_up(SAKURA)
    await phone.get_by_role("button", name="受信設定を開く", exact=True).click()
    await consents_to_hongo(phone.frame_locator("#liff-frame"))
    await phone.get_by_test_id("liff-close").click()

    tanaka, sato = await walk.clerk("tanaka"), await walk.clerk("sato")
    _, number = await tanaka.request()
    await sato.approve()

    got = await walk.got(number)
    assert got.count(SAKURA) == got.count(LIN) == 1
    assert len(got) == len(set(got))
    assert KEN not in got
    bubble = phone.get_by_test_id("bubble").filter(has_text=number)
    await expect(bubble).to_be_visible()
    await expect(bubble).to_contain_text(BODY.split("\n")[0])
