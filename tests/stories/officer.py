"""職員と、そのブラウザ。画面に書かれた言葉だけを頼りに歩く。"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import Page, Response

from tests.browser.phone import WARD
from tests.cast import PASSWORD

if TYPE_CHECKING:
    from backend.permissions import Actor

TITLE = "親子ひろばのお知らせ"
BODY = "12月5日(土) 10時から12時まで、本郷児童館で親子ひろばを開きます。\n申込みはいりません。"


@dataclass
class Officer:
    """一人の職員の、一つのブラウザ。"""

    actor: Actor
    page: Page

    async def sign_in(self) -> Officer:
        await self.open("/console/sign-in")
        await self.page.fill("#login", self.actor.login)
        await self.page.fill("#password", PASSWORD)
        await self.page.click("text=サインインする")
        await self.page.wait_for_selector("header.top")
        return self

    async def open(self, path: str) -> Response:
        # 動く画面の読み直しと重なると、移ったのに返事のない移動になることがある。
        answer = await self.page.goto(f"{WARD}{path}") or await self.page.goto(f"{WARD}{path}")
        assert answer
        return answer

    async def words(self) -> str:
        return await self.page.inner_text("main")

    async def press(self, words: str) -> None:
        """その言葉のボタンを押し、次の画面が出るまで待つ。"""
        async with self.page.expect_navigation():
            await self.page.get_by_role("button", name=words, exact=True).click()

    # ── 書いて、出す ──

    async def write(
        self,
        *,
        title: str = TITLE,
        body: str = BODY,
        contact: str = "子育て支援課 03-5803-1256",
        everyone: bool = False,
        place: tuple[str, str] | None = ("本郷", "三丁目"),
        stage: str | None = None,
        at: str | None = None,
    ) -> int:
        """原稿を書いて提出の前の画面まで進み、依頼の番号を返す。`at` は今日の時刻、なければ承認されたらすぐ。"""
        await self.open("/console/messages/new")
        await self.page.fill("#title", title)
        await self.page.fill("#body", body)
        await self.page.fill("#contact", contact)
        await self.page.check("input[name=kind][value=a]")
        await self.page.check(f"input[name=audience][value={'everyone' if everyone else 'criteria'}]")
        if place and not everyone:
            await self._choose_place(*place)
        if stage and not everyone:
            await self.page.locator("details.pick > summary", has_text="妊娠・子育ての時期").click()
            await self.page.get_by_label(stage, exact=True).check()
        await self._choose_time(at)
        await self.page.fill("#source_note", "11月20日 部長決裁")
        await self.press("保存して、提出へ進む")
        return int(re.findall(r"/messages/(\d+)", self.page.url)[0])

    async def submit(self) -> str:
        """二つの確認をして提出し、決まった確認番号を返す。"""
        await self.page.check("input[name=sourced]")
        await self.page.check("input[name=settled]")
        if await self.page.locator("#today_because").count():
            await self.page.fill("#today_because", "会場が今朝決まったため")
        await self.press("この内容で提出する")
        return re.findall(r"B-\d{4}-\d{4}", await self.words())[0]

    async def request(self, **wanted: Any) -> tuple[int, str]:
        """書いて、出す。(依頼の番号, 確認番号)。"""
        request_id = await self.write(**wanted)
        return request_id, await self.submit()

    async def _choose_place(self, town: str, chome: str) -> None:
        await self.page.locator("details.pick > summary", has_text="地域").click()
        found = self.page.locator("details.town").filter(
            has=self.page.locator("summary", has_text=re.compile(f"^{town}$"))
        )
        await found.locator("summary").click()
        await found.get_by_label(chome, exact=True).check()

    async def _choose_time(self, at: str | None) -> None:
        if at:
            await self.page.check("input[name=timing][value=at]")
            await self.page.fill("#send_date", "2026-11-24")
            await self.page.fill("#send_time", at)
            await self.page.select_option("#late", "120")
            return
        await self.page.check("input[name=timing][value=on_approval]")
        await self.page.fill("#until_date", "2026-11-24")
        await self.page.fill("#until_time", "18:00")

    # ── 確かめて、決める ──

    async def approve(self, title: str = TITLE) -> int:
        """列から開いて承認し、配信の番号を返す。"""
        await self.open("/console/review")
        await self.page.get_by_role("link", name=title, exact=True).click()
        await self.press("この内容で承認する")
        return int(re.findall(r"/deliveries/(\d+)", self.page.url)[0])

    async def forge(self, path: str, **form: str) -> int:
        """画面にないボタンを、同じブラウザから無理に送る。返事の状態(受け付けられて移るときは0)。"""
        form["csrf"] = await self.page.get_attribute("input[name=csrf]", "value") or ""
        return await self.page.evaluate(
            "([path, form]) => fetch(path, {method: 'POST', body: new URLSearchParams(form), redirect: 'manual'})"
            ".then(answer => answer.status)",
            [path, form],
        )
