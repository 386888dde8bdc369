"""お試しの束: 行き先だけを同じ出どころの扉に替えたSDKが、どのブラウザでも、旗なしで動く(LINE.md 3.3 の3)。"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.async_api import async_playwright

from backend.database import embedded
from tests import chromium
from tests.browser.phone import FLAGS
from tests.browser.running_web import RunningWeb
from tests.cast import SAKURA
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LIFF_ID, make_settings
from tests.simulator.running import RunningSimulator, free_port


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, schema: embedded.Server) -> Iterator[RunningWeb]:
    """扉の開いた画面のサーバーと、その先の模擬LINE。"""
    port = free_port()
    web = f"http://127.0.0.1:{port}"
    line = RunningSimulator(
        tmp_path_factory.mktemp("line"),
        channel_id=CHANNEL_ID,
        channel_secret=CHANNEL_SECRET,
        liff_id=LIFF_ID,
        public_url=web,
        demo_door=True,
    )
    line.start()
    line.put_people({"user": SAKURA, "name": "さくら"})
    folder = tmp_path_factory.mktemp("web")
    settings = make_settings(
        folder, database_url=schema.app_url, owner_url=schema.owner_url, simulator_url=line.url, public_url=web
    )
    server = RunningWeb(folder, port=port)
    server.start(settings.model_copy(update={"demo_door": True}))
    yield server
    server.stop()
    line.stop()


async def test_the_demo_bundle_signs_in_through_the_door_and_talks_to_nobody_else(
    demo: RunningWeb, database: embedded.Server
) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.find(), args=[*FLAGS])
        page = await browser.new_page(locale="ja-JP")
        asked: list[str] = []
        said: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(f"{message.text} {message.location['url']}"))
        await page.goto(f"{demo.url}/liff")
        await page.click("#sign-in")
        await page.click(f"button[name=friend][value='{SAKURA}']")
        await page.click("button[value=allow]")
        await page.wait_for_selector("#form-title", state="visible")
        await browser.close()
    assert [url for url in asked if not url.startswith((demo.url, "data:"))] == []
    # 模擬LINEの許可のページだけが、アイコンを持たない。
    assert [one for one in said if not one.endswith("/favicon.ico")] == []
