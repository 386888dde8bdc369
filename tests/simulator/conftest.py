"""模擬LINEの試験の土台: さくらと健(友だち)、リン(ブロック中)のいる、空の模擬LINE。電話のページを見るブラウザ。"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests import chromium
from tests.simulator.api import KEN, LIN, SAKURA, Api
from tests.simulator.running import RunningSimulator

ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-sync".split()
)


@pytest.fixture
def line(simulator: RunningSimulator) -> RunningSimulator:
    simulator.put_people(
        {"user": SAKURA, "name": "さくら"}, {"user": KEN, "name": "健"}, {"user": LIN, "name": "リン", "blocked": True}
    )
    return simulator


@pytest.fixture
def api(line: RunningSimulator) -> Api:
    return Api(line)


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def page(chrome: Browser) -> Iterator[Page]:
    """何も言わないブラウザ(CSP違反も、台本の誤りもない)。"""
    context = chrome.new_context(viewport={"width": 1280, "height": 860}, locale="ja-JP", reduced_motion="reduce")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == [], "コンソールには何も出ない(CSP違反も)"
