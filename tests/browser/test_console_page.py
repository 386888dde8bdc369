"""職員の画面をブラウザで: CSPのもとでコンソールは黙り、なりすましの注意は住民の画面に出て、下げると消える。"""

from __future__ import annotations

from typing import Any

import pytest
import pytest_asyncio

from backend.permissions import Actor
from tests import cast
from tests.browser.phone import WARD, Phone
from tests.cast import Cast


@pytest_asyncio.fixture(loop_scope="session")
async def people(pick_up: Any) -> Cast:
    return await cast.staff()


async def desk(pick_up: Any, actor: Actor) -> Phone:
    """サインインした職員の机。"""
    opened: Phone = await pick_up(agent=None, width=1280)
    token = await cast.session(actor)
    await opened.context.add_cookies(
        [{"name": "__Host-ward-console", "value": token, "url": WARD, "secure": True, "httpOnly": True}]
    )
    return opened


@pytest.mark.parametrize("path", ["/console", "/console/segments", "/console/stop"])
async def test_a_console_page_leaves_no_console_message(pick_up: Any, people: Cast, path: str) -> None:
    opened = await desk(pick_up, people.sato)
    answer = await opened.page.goto(f"{WARD}{path}")
    assert answer
    assert answer.status == 200
    await opened.page.wait_for_function("window.htmx")
    assert await opened.page.evaluate("[htmx.config.includeIndicatorCSS, document.adoptedStyleSheets.length]") == [
        False,
        0,
    ]
    assert opened.said == []


async def test_htmx_counts_the_audience_without_leaving_the_page(pick_up: Any, people: Cast) -> None:
    opened = await desk(pick_up, people.sato)
    await opened.page.goto(f"{WARD}/console/segments")
    await opened.page.click("details.pick:has-text('年代') > summary")
    async with opened.page.expect_response("**/console/segments") as answered:
        await opened.page.click("label.box:has-text('30代')")
    assert (await answered.value).status == 200
    await opened.page.wait_for_selector("#reach:has-text('20人未満')")
    assert opened.said == []


async def test_one_officer_puts_the_warning_up_and_takes_it_down(pick_up: Any, people: Cast) -> None:
    opened = await desk(pick_up, people.sato)
    resident = await pick_up()
    await opened.page.goto(f"{WARD}/console/stop")
    await opened.page.click("summary:has-text('注意を出す')")
    await opened.page.fill("#words", "「文京区役所」と名のる偽物が見つかりました。")
    await opened.page.click("button:has-text('この言葉で注意を出す')")
    for path in ("/", "/liff", "/liff?lang=en", "/verify", "/nothing-here"):
        await resident.open(path)
        assert "「文京区役所」と名のる偽物が見つかりました。" in await resident.page.inner_text("aside.impostor"), path
    await opened.page.click("button:has-text('注意を下げる')")
    for path in ("/", "/liff", "/nothing-here"):
        await resident.open(path)
        assert await resident.page.locator("aside.impostor").count() == 0, path
    assert opened.said == []
