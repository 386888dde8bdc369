"""試験のスマートフォン: 本物のChromiumを電話の大きさで開き、通信とコンソールの言葉をすべて書き留める。"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page, Request
from playwright.async_api import TimeoutError as NeverCame

from tests.cast import SAKURA

if TYPE_CHECKING:
    from tests.simulator.running import RunningSimulator

WARD = "https://ward.example.jp"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-proxy-server",
)  # fmt: skip
PATIENCE = 60_000.0  # ミリ秒。込んだ機械でも待ちきれる長さで、速さは問わない
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


@dataclass
class Phone:
    """一人の電話。`sent` は通信、`said` はコンソールの言葉。"""

    context: BrowserContext
    page: Page
    simulator: RunningSimulator
    user: str = SAKURA
    known: bool = False  # この端末で、もうLINEの確認を済ませている
    sent: list[Request] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def listen(self) -> None:
        self.page.on("request", lambda request: self.sent.append(request))
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))

    async def open(self, path: str = "/liff") -> None:
        await self.page.goto(f"{WARD}{path}")

    async def sign_in(self, path: str = "/liff") -> None:
        """説明 → LINEの許可 → 戻ってくるまで。"""
        await self.open(path)
        await self.page.wait_for_selector("body[data-now=welcome]", timeout=PATIENCE)
        await self.page.click("#sign-in")
        try:
            await self.page.click("button[value=allow]")
            await self.page.wait_for_url(f"{WARD}/liff**")
        except NeverCame as error:
            raise AssertionError(await self._seen("LINEの許可から戻りません")) from error

    async def arrive(self, view: str) -> None:
        """その画面が出るまで待つ。"""
        try:
            await self.page.wait_for_selector(f"section[data-view={view}]", state="visible", timeout=PATIENCE)
        except NeverCame as error:
            raise AssertionError(await self._seen(f"「{view}」が出ません")) from error

    async def _seen(self, what: str) -> str:
        """うまくいかなかったときに、見えていたもの。"""
        shown = await self.page.inner_text("body")
        asked = [urlsplit(request.url)._replace(query="").geturl() for request in self.sent[-5:]]
        return f"{what}({self.page.url.split('?')[0]} {await self.view()})。{shown[:400]} {self.said[-3:]} {asked}"

    async def enter(self, path: str = "/liff") -> None:
        await (self.open(path) if self.known else self.sign_in(path))

    async def to_form(self, path: str = "/liff") -> None:
        await self.enter(path)
        await self.arrive("form")

    async def choose_area(self, kana: str = "ほんごう", chome: str = "三丁目", field_name: str = "area") -> None:
        place = self.page.locator(f".area-slot[data-area={field_name}]")
        await place.locator(f".row[data-find^='{kana}']").click()
        await place.locator(".chome label", has_text=chome).click()

    async def consent_to_area(self) -> None:
        """友だちが、地域だけに同意して保存するまで。"""
        await self.to_form()
        await self.page.check("#on-area")
        await self.choose_area()
        await self.page.click("#save")
        await self.arrive("done")

    async def cookie(self) -> str:
        """区のサーバーへのクッキー(ほかの道具から同じ本人として話すため)。"""
        return "; ".join(f"{one.get('name')}={one.get('value')}" for one in await self.context.cookies(WARD))

    async def view(self) -> str:
        return await self.page.evaluate("document.body.dataset.now || ''")

    def hosts(self) -> set[str]:
        return {urlsplit(request.url).hostname or "" for request in self.sent if request.url.startswith("http")}

    def told(self) -> list[tuple[str, str]]:
        """区のサーバーへの書き込み (方法, 道)。"""
        return [
            (request.method, urlsplit(request.url).path)
            for request in self.sent
            if request.url.startswith(WARD) and request.method != "GET"
        ]

    def authorisations(self) -> int:
        return sum("/liff/v1/authorize" in request.url and request.method == "GET" for request in self.sent)


def flags(line: RunningSimulator) -> list[str]:
    """LINEと製品のホスト名を、模擬LINEのTLSに向ける。ほかのどこへも出さない。"""
    here = f"127.0.0.1:{line.tls_port}"
    return [
        *FLAGS,
        f"--host-resolver-rules=MAP *.line.me:443 {here},MAP ward.example.jp:443 {here},MAP * ~NOTFOUND,EXCLUDE 127.0.0.1",
        f"--ignore-certificate-errors-spki-list={line.spki.strip()}",
    ]


async def answer(route: Any, status: int, body: dict[str, Any]) -> None:
    """サーバーの代わりに返す(起こしにくい失敗のため)。"""
    await route.fulfill(status=status, content_type="application/json", body=json.dumps(body, ensure_ascii=False))
