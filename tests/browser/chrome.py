"""試験が使うただ一つのChromium。返事をしなくなったら、次の試験には新しいものを渡す。"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import uuid
import warnings
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import Error, async_playwright

from tests import chromium

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright

STREAMING = "/console/deliveries/"
CLOSING_SECONDS = 15  # Playwrightの閉じる呼び出しには期限がない


class Chrome:
    """`context()` で一人分を開き、`put_away()` で片付ける。はじめの一人のときに起きる。"""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._arguments = tuple(arguments)
        self._mark = ""  # このChromiumだけの目印
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    async def context(self, **options: Any) -> BrowserContext:
        if self._browser is None or not self._browser.is_connected():
            await self._start()
        assert self._browser
        return await self._browser.new_context(**options)

    async def put_away(self, context: BrowserContext) -> None:
        """一人分を片付ける。返事が来なければ、このChromiumごと終わらせ、次の人の前に新しく起こす。

        同じ試験のほかの人は、そのChromiumと一緒にもう終わっている。
        """
        if self._browser is None or context.browser is not self._browser:
            return
        seen = [page.url for page in context.pages]
        for page in context.pages:
            if STREAMING in page.url:  # 流れを聞いたまま閉じると、Chromiumがまれに返事をしない
                await _in_time(page.goto("about:blank"))
        if not await _in_time(context.close()):
            warnings.warn(
                f"ブラウザが{CLOSING_SECONDS}秒のうちに閉じませんでした({seen})。新しいものに替えます", stacklevel=1
            )
            await self.quit(kill=True)

    async def quit(self, *, kill: bool = False) -> None:
        browser, playwright = self._browser, self._playwright
        self._browser = self._playwright = None
        kill = kill or bool(browser and not await _in_time(browser.close()))
        if kill:
            self.send(signal.SIGKILL)
        if playwright:
            await _in_time(playwright.stop())

    def send(self, number: signal.Signals) -> None:
        """このChromiumのプロセスすべてに、シグナルを送る。"""
        for words in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # 見ている間に終わったもの
                if self._mark.encode() in words.read_bytes():
                    os.kill(int(words.parent.name), number)

    async def _start(self) -> None:
        path = chromium.find()
        if path is None:
            raise AssertionError("Chromiumがありません。`python -m tests.chromium` で入れてください。")
        self._mark = f"ward-test-{uuid.uuid4().hex}"
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=path, args=[*self._arguments, f"--{self._mark}"]
        )


async def _in_time(closing: Awaitable[Any]) -> bool:
    try:
        async with asyncio.timeout(CLOSING_SECONDS):
            await closing
    except (TimeoutError, Error):  # Error: Chromiumか、取り次ぐ側が先に終わった
        return False
    return True
