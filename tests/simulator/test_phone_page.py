"""模擬スマートフォンのページ: 友だちを選び、メニューを押し、その場で受け取る。"""

import pytest
from playwright.sync_api import Page, expect

from tests.simulator.api import KEN, LIN, SAKURA, Api, area
from tests.simulator.running import RunningSimulator


def pick(page: Page, line: RunningSimulator, user: str) -> None:
    page.goto(f"{line.url}/phone")
    page.get_by_test_id(f"friend-{user}").click()


def test_a_message_appears_while_one_looks(page: Page, line: RunningSimulator, api: Api) -> None:
    pick(page, line, SAKURA)
    expect(page.get_by_text("まだメッセージはありません。")).to_be_visible()
    api.multicast([SAKURA], messages=[{"type": "text", "text": "講座のお知らせ https://www.city.bunkyo.lg.jp/a"}])
    bubble = page.get_by_test_id("bubble")
    expect(bubble).to_have_count(1)
    expect(bubble.get_by_role("link")).to_have_text("https://www.city.bunkyo.lg.jp/a")


def test_a_message_to_someone_else_is_an_unread_mark(page: Page, line: RunningSimulator, api: Api) -> None:
    pick(page, line, SAKURA)
    api.multicast([KEN])
    expect(page.get_by_test_id(f"friend-{KEN}").get_by_label("未読1件")).to_be_visible()
    page.get_by_test_id(f"friend-{KEN}").click()
    expect(page.get_by_label("未読1件")).to_have_count(0)


def test_tabs_switch_the_menu_by_keyboard(page: Page, line: RunningSimulator, api: Api) -> None:
    tab = {"type": "richmenuswitch", "label": "防災", "richMenuAliasId": "bosai", "data": "t"}
    first = api.ready_menu(areas=[area(**tab)], chatBarText="くらしのメニュー")
    second = api.ready_menu(areas=[area(type="message", label="使い方", text="使い方")], chatBarText="防災のメニュー")
    api.alias("bosai", second)
    api.post(f"/v2/bot/user/all/richmenu/{first}")
    pick(page, line, SAKURA)
    page.get_by_role("button", name="防災").press("Enter")
    expect(page.get_by_test_id("menu-bar")).to_contain_text("防災のメニュー")
    page.get_by_test_id("menu-bar").press("Enter")
    expect(page.get_by_test_id("menu")).to_be_hidden()
    page.get_by_test_id("menu-bar").press("Enter")
    page.get_by_role("button", name="使い方").press("Enter")
    expect(page.get_by_test_id("bubble")).to_have_text("使い方")
    assert [event["event"]["type"] for event in line.webhooks()] == ["postback", "message"]


def test_an_empty_talk_says_so_once_and_no_longer_after_a_message(page: Page, line: RunningSimulator, api: Api) -> None:
    names = {"omote": "表のメニュー", "ura": "裏のメニュー"}
    for alias, other in zip(names, reversed(names), strict=True):
        tab = {"type": "richmenuswitch", "label": "切り替える", "richMenuAliasId": other, "data": "t"}
        api.alias(alias, menu := api.ready_menu(areas=[area(**tab)], chatBarText=names[alias]))
    api.post(f"/v2/bot/user/all/richmenu/{menu}")
    pick(page, line, SAKURA)
    for shown in names.values():
        page.get_by_role("button", name="切り替える").click()
        expect(page.get_by_test_id("menu-bar")).to_contain_text(shown)
    expect(page.locator(".empty")).to_have_count(1)
    api.multicast([SAKURA])
    expect(page.get_by_test_id("bubble")).to_have_count(1)
    expect(page.locator(".empty")).to_have_count(0)


def test_someone_who_blocks_sees_no_menu_and_cannot_write(page: Page, line: RunningSimulator, api: Api) -> None:
    api.post(f"/v2/bot/user/all/richmenu/{api.ready_menu()}")
    pick(page, line, LIN)
    expect(page.get_by_test_id("menu")).to_be_hidden()
    expect(page.get_by_test_id("write")).to_be_disabled()
    page.get_by_role("button", name="ブロックを解除", exact=True).click()
    expect(page.get_by_test_id("menu")).to_be_visible()
    assert line.webhooks()[-1]["event"]["follow"] == {"isUnblocked": True}


def test_with_no_menu_one_can_write(page: Page, line: RunningSimulator) -> None:
    pick(page, line, SAKURA)
    page.get_by_test_id("write").fill("こんにちは")
    page.get_by_test_id("write").press("Enter")
    expect(page.get_by_test_id("bubble")).to_have_text("こんにちは")


def test_links_outside_are_named_and_not_opened(page: Page, line: RunningSimulator, api: Api) -> None:
    link = {"type": "uri", "label": "区の手引", "uri": "https://www.city.bunkyo.lg.jp/guide"}
    api.post(f"/v2/bot/user/all/richmenu/{api.ready_menu(areas=[area(**link)])}")
    pick(page, line, SAKURA)
    page.get_by_role("button", name="区の手引").click()
    expect(page.get_by_test_id("browser")).to_contain_text("https://www.city.bunkyo.lg.jp/guide")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("browser")).to_be_hidden()
    expect(page.get_by_role("button", name="区の手引")).to_be_focused()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways_and_says_that_it_is_made_up(
    page: Page, line: RunningSimulator, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    pick(page, line, SAKURA)
    expect(page.get_by_role("heading", name="文京区 公式")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("getComputedStyle(document.querySelector('.head'), '::after').content") in ('"模擬"', "none")
    shown = page.locator(".mark").evaluate_all("marks => marks.filter(m => m.offsetParent).length")
    assert shown > 0 or width == 390


def test_localhost_leads_to_the_address_that_keeps_cookies(line: RunningSimulator) -> None:
    answer = line.http.get("/phone?user=x", headers={"host": f"localhost:{line.port}"})
    assert (answer.status_code, answer.headers["location"]) == (307, f"{line.url}/phone?user=x")
