"""舞台: 画面のサーバー、送り手、模擬LINE、PostgreSQLと、そこに立つ人々。審判は模擬LINEの台帳だけ。"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from playwright.async_api import TimeoutError as NeverCame

from backend.consent.notices import Purpose
from backend.residents.choices import Choices
from backend.store import clock
from tests import cast
from tests.stories.officer import Officer

if TYPE_CHECKING:
    from playwright.async_api import Page

    from backend.database import embedded
    from backend.permissions import Actor
    from backend.residents.address import AddressKeys
    from backend.settings import Settings
    from tests.browser.chrome import Chrome
    from tests.browser.phone import Phone
    from tests.browser.running_web import RunningWeb
    from tests.cast import Cast
    from tests.simulator.running import RunningSimulator
    from tests.stories.running_worker import RunningWorker

NEZU_1 = 56  # 根津一丁目(ward/areas.csv)
ONE_YEAR_OLD = date(2025, 1, 1)
PATIENCE = 180.0  # 秒。三倍おそい機械でも待ちきれる長さで、速さは問わない


def lives_here_with_a_child(_number: int = 0) -> Choices:
    """本郷三丁目、1歳の子。"""
    return Choices(purposes=Purpose.AREA | Purpose.PARENTING, area=cast.HONGO_3, birth_months=(ONE_YEAR_OLD,))


def lives_here(_number: int = 0) -> Choices:
    return Choices(purposes=Purpose.AREA, area=cast.HONGO_3)


def lives_elsewhere_with_a_child(_number: int = 0) -> Choices:
    return Choices(purposes=Purpose.AREA | Purpose.PARENTING, area=NEZU_1, birth_months=(ONE_YEAR_OLD,))


@dataclass
class Stage:
    """一つの物語の舞台。"""

    line: RunningSimulator
    web: RunningWeb
    worker: RunningWorker
    server: embedded.Server
    settings: Settings
    keys: AddressKeys
    people: Cast
    browser: Chrome
    _pick_up: Callable[..., Any]
    leaving: AsyncExitStack = field(default_factory=AsyncExitStack)

    # ── 人々 ──

    async def crowd(self, count: int, make: Callable[[int], Choices], first: int = 0) -> set[str]:
        """`count` 人の同意した友だち。"""
        users = await cast.crowd(self.keys, count, make, first)
        self.line.add_friends(*users)
        return set(users)

    async def officer(self, actor: Actor) -> Officer:
        """その人が自分のブラウザを開き、サインインする。"""
        return await Officer(actor, await self.window()).sign_in()

    async def pick_up(self, user: str = cast.SAKURA) -> Phone:
        """その人が自分の電話を手に取る。電話の時計も、LINEの時計に合っている。"""
        phone: Phone = await self._pick_up(user)
        await phone.context.clock.install(time=self.line.now())
        return phone

    async def phone_page(self, user: str) -> Page:
        """模擬スマートフォンのページで、その人の電話を見る。"""
        page = await self.window()
        await page.goto(f"{self.line.url}/phone?user={user}")
        await page.wait_for_selector(f"#phone[data-user={user}]")
        return page

    async def window(self) -> Page:
        """だれのものでもない、新しいブラウザ。"""
        context = await self.browser.context(
            viewport={"width": 1280, "height": 900}, locale="ja-JP", timezone_id="Asia/Tokyo", reduced_motion="reduce"
        )
        context.set_default_timeout(PATIENCE * 1000)
        self.leaving.push_async_callback(self.browser.put_away, context)
        return await context.new_page()

    # ── 台帳 ──

    def got(self, words: str) -> Counter[str]:
        """`words` の入った文を受け取った人と、その回数。"""
        found: Counter[str] = Counter()
        for one in self.line.received():
            found[one["user"]] += sum(words in message.get("text", "") for message in one["messages"])
        return +found

    async def reached(self, count: int) -> None:
        """LINEが、のべ `count` 人分を受け付けるまで待つ。"""
        await self.until(lambda: self.line.summary()["received"] >= count)

    async def until(self, true: Callable[[], Any], seconds: float = PATIENCE) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while not true():
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(
                    f"{seconds}秒待っても変わりません\n{self.line.summary()}\n{self.worker.log()[-3000:]}"
                )
            await asyncio.sleep(0.05)

    async def told(self, page: Page, path: str, *, until: str) -> str:
        """`until` の言葉が出るまで開き直し、その画面の言葉を返す。LINEが受け付けてから、区が書き留めるまでの間がある。"""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while until not in (words := await self._words(page, path)):
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"「{until}」が出ません: {words}\n{self.worker.log()[-2000:]}")
            await asyncio.sleep(0.1)
        return words

    async def _words(self, page: Page, path: str) -> str:
        await page.goto(f"{self.settings.public_url}{path}")
        return await page.inner_text("main")

    async def finished(self, officer: Officer, delivery: int, state: str) -> None:
        """配信の画面が、その言葉で終わったことを言うまで見ている。"""
        here = officer.page.url.endswith(f"/console/deliveries/{delivery}")
        if not here or "ただいま使えません" in await officer.words():  # 画面の勧めのとおり、もう一度開く
            await officer.open(f"/console/deliveries/{delivery}")
        try:
            await officer.page.wait_for_selector(f".state-line:has-text('{state}')", timeout=PATIENCE * 1000)
        except NeverCame as error:
            shown = await officer.page.inner_text("main")
            await officer.page.reload()
            fresh = await officer.page.inner_text("main")
            raise AssertionError(
                f"「{state}」になりません。画面: {shown}\n開き直すと: {fresh}\n{self.worker.log()[-2000:]}"
            ) from error

    def let_through(self, calls: int, *then: str) -> None:
        """送信の呼び出しを `calls` 回だけ通し、次から順に故障 `then` を一つずつ、その後はずっと「速すぎる」と断る。"""
        if calls:
            self.line.fault("multicast", "body_mismatch", times=calls)  # 初めての鍵には何も起こさない故障
        for fault in then:
            self.line.fault("multicast", fault, times=1)
        self.line.fault("multicast", "429_rate", times=None)

    # ── 時計と、生き死に ──

    async def pass_time(self, wait: timedelta) -> None:
        """業務の時計とLINEの時計を、一緒に進める。"""
        await clock.advance(wait.total_seconds())
        self.line.clock(advance_seconds=wait.total_seconds())

    async def strike(self, victim: str) -> None:
        """その一つ(`everything` なら全部)を、ことわりなく殺し、起こし直す。"""
        every = victim == "everything"
        if every or victim == "worker":
            self.worker.kill()
        if every or victim == "web":
            self.web.kill()
        if every or victim == "simulator":
            self.line.kill()
        if every or victim == "database":
            await asyncio.to_thread(self.server.restart_immediate)
        if every or victim == "simulator":
            await asyncio.to_thread(self.line.start)
        if every or victim == "worker":
            self.worker.start(self.settings)
        if every or victim == "web":
            await asyncio.to_thread(self.web.start, self.settings)
