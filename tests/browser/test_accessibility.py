"""使いやすさ: どの画面も、明るい・暗い、幅390・320、文字100%・200%で、axeの違反が0件(CHECKS 7、A1)。"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from backend.account import state, warning
from backend.database import embedded
from backend.home import accessibility
from backend.home.accessibility import PUBLIC, RESIDENTS
from backend.menus.roles import Role
from backend.store import work
from tests import cast, pages
from tests.browser import looking
from tests.browser.looking import Findings, Look
from tests.browser.phone import Phone, answer
from tests.console_fixtures import app
from tests.menus import making
from tests.messages import requests

__all__ = ["app"]

Reach = Callable[[Phone], Awaitable[None]]
LOOKS: tuple[Look, ...] = ((390, 100, "light"), (390, 200, "dark"), (320, 100, "dark"), (320, 200, "light"))


async def _welcome(phone: Phone) -> None:
    await phone.open()


async def _empty(phone: Phone) -> None:
    await phone.to_form("/liff/start")


async def _open_everything(phone: Phone) -> None:
    await phone.to_form()
    for purpose in ("area", "age", "parenting", "topics", "garbage", "language"):
        await phone.page.check(f"#on-{purpose}")
    await phone.choose_area()
    await phone.page.check("input[name=age_band][value='15']", force=True)


async def _errors(phone: Phone) -> None:
    await _open_everything(phone)
    await phone.page.click("#save")
    await phone.page.wait_for_selector("#wrong-topics")


async def _offline(phone: Phone) -> None:
    await phone.to_form()
    await phone.page.check("#on-area")
    await phone.choose_area()
    await phone.context.set_offline(True)
    await phone.page.click("#save")
    await phone.page.wait_for_selector("#form-alert")
    await phone.context.set_offline(False)


async def _trouble(phone: Phone) -> None:
    await phone.page.route("**/liff/session", lambda route: answer(route, 500, {"message": "x", "next_step": "y"}))
    await phone.enter()
    await phone.arrive("trouble")


async def _saved(phone: Phone) -> None:
    await phone.to_form()
    await phone.page.check("#on-parenting")
    await phone.page.select_option("#children [data-id=year]", index=2)
    await phone.page.select_option("#children [data-id=month]", "01")
    await phone.page.check("#on-area")
    await phone.choose_area()
    await phone.page.click("#save")
    await phone.arrive("done")


async def _held(phone: Phone) -> None:
    await _saved(phone)
    await phone.open("/liff/settings")
    await phone.arrive("held")
    await phone.page.click("#held-list details summary")


async def _nothing_held(phone: Phone) -> None:
    await phone.open("/liff/stop")
    await phone.arrive("held")


async def _stopped(phone: Phone) -> None:
    await _held(phone)
    await phone.page.click("#held-list .one button:has-text('止める')")
    await phone.arrive("stopped")


async def _erase(phone: Phone) -> None:
    await _saved(phone)
    await phone.open("/liff/erase")
    await phone.arrive("erase")


async def _erased(phone: Phone) -> None:
    await _erase(phone)
    await phone.page.click("#erase")
    await phone.arrive("erased")


def _in_disaster(path: str) -> Reach:
    """災害時に、なりすましの注意も出ているとき。案内の行き先は、災害時のメニューから。"""

    async def reach(phone: Phone) -> None:
        people = await cast.staff()
        menu = await making.version(Role.EMERGENCY, making.emergency())
        await work.sql("insert into menu_current (role, version_id) values ('emergency', $1)", menu.id)
        await work.run(state.enter_disaster, people.watanabe)
        await warning.show(people.sato)
        await phone.open(path)
        assert await phone.page.locator("aside.standing-disaster a").count() == 2

    return reach


def _while_stopped(path: str, *, everything: bool) -> Reach:
    async def reach(phone: Phone) -> None:
        await work.run(state.stop, (await cast.staff()).ito, everything=everything)
        await phone.open(path)
        assert await phone.page.locator("aside.standing a").count() == 1

    return reach


def _page(path: str) -> Reach:
    async def reach(phone: Phone) -> None:
        await phone.open(path)

    return reach


async def _look_up(phone: Phone) -> None:
    """送ったお知らせを、番号で調べる。"""
    people = await cast.staff()
    await cast.tuesday()
    request = await requests.submitted(people.tanaka, body_en="The festival is on December 5.")
    await requests.approve(people.sato, request)
    rows = await work.sql(
        "update delivery set first_accepted_at = ward_now(), state = 'sent', finished_at = ward_now() returning public_number"
    )
    await warning.show(people.sato)
    await phone.open("/verify")
    await phone.page.fill("#number", rows[0]["public_number"])
    await phone.page.click("main button")
    await phone.page.wait_for_url("**/verify/B-*")


async def _menu(phone: Phone) -> None:
    shown = await making.version(Role.RESIDENT, making.two_tabs())
    await work.sql("insert into menu_current (role, version_id) values ('resident', $1)", shown.id)
    await phone.open("/menu")


async def _telephone(phone: Phone) -> None:
    await work.sql("update link set url = 'tel:03-5803-1111' where code = 'koe'")
    await phone.open("/go/koe")


# (道の型, 画面の名) → 行き方。道のないアドレスも一つのページ。
SETTINGS: dict[tuple[str, str], Reach] = {
    ("/liff", "説明"): _welcome,
    ("/liff/start", "選ぶ前"): _empty,
    ("/liff", "すべて開いたところ"): _open_everything,
    ("/liff", "足りないところの知らせ"): _errors,
    ("/liff", "電波のないとき"): _offline,
    ("/liff", "うまくいかないとき"): _trouble,
    ("/liff", "控え"): _saved,
    ("/liff/settings", "いまの登録"): _held,
    ("/liff/done", "登録のないとき"): _nothing_held,
    ("/liff/erase", "やめる・消す"): _erase,
    ("/liff/erase", "消去の証"): _erased,
    ("/liff/stop", "止めたところ"): _stopped,
    ("/liff", "災害時の案内"): _in_disaster("/liff"),
    ("/liff", "緊急だけを送るときの案内"): _while_stopped("/liff", everything=False),
}
PAGES: dict[tuple[str, str], Reach] = {
    ("/", "最初のページ"): _page("/"),
    ("/privacy", "個人情報の取り扱い"): _page("/privacy"),
    ("/policy", "運用の決まり"): _page("/policy"),
    ("/policy/consent", "告知文のすべての版"): _page("/policy/consent"),
    ("/policy/consent/{number:int}", "告知文の一つの版"): _page("/policy/consent/1"),
    ("/accessibility", "アクセシビリティ"): _page("/accessibility"),
    ("/verify", "お知らせが本物か確かめる"): _page("/verify"),
    ("/verify/{number:str}", "送ったお知らせ(なりすましの注意つき)"): _look_up,
    ("/verify/{number:str}", "番号の見つからないとき"): _page("/verify/B-2611-9999"),
    ("/menu", "メニューのないとき"): _page("/menu"),
    ("/menu", "メニュー(文字の版)"): _menu,
    ("/go/{code:str}", "電話の案内"): _telephone,
    ("/go/{code:str}", "案内の終わったリンク"): _page("/go/nothing"),
    ("", "ページがないとき"): _page("/nothing-here"),
    ("/", "災害時の最初のページ"): _in_disaster("/"),
    ("/", "休んでいるときの最初のページ"): _while_stopped("/", everything=True),
    ("/verify", "災害時の確かめるページ"): _in_disaster("/verify"),
    ("/verify", "休んでいるときの確かめるページ"): _while_stopped("/verify", everything=True),
}
ROUTES = {route for route, _ in (*SETTINGS, *PAGES) if route}
STATES = [(RESIDENTS, *key) for key in SETTINGS] + [(PUBLIC, *key) for key in PAGES]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def findings(schema: embedded.Server) -> AsyncIterator[Findings]:
    """画面ごとの結果。すべての画面を調べ終わったときだけ、公開ページの読む所に書く。"""
    found = Findings()
    yield found
    found.print(len(ROUTES))
    if set(found.states) == {(group, name) for group, _, name in STATES}:
        owner = await asyncpg.connect(schema.owner_url)
        found.write(accessibility.FOLDER / "residents.json", await owner.fetchval("select now()"))
        await owner.close()


def test_every_page_of_residents_and_of_the_public_has_a_state(app: Any) -> None:
    """新しいページが、調べられないまま増えない。"""
    assert {*pages.of_public(app), *pages.of_residents(app)} == ROUTES


@pytest.mark.parametrize(("group", "route", "name"), STATES, ids=[name for _, _, name in STATES])
async def test_every_state_is_accessible_in_both_schemes_at_every_size(
    pick_up: Any, findings: Findings, group: str, route: str, name: str
) -> None:
    phone = await pick_up(known=group == RESIDENTS and name != "説明")
    await (SETTINGS if group == RESIDENTS else PAGES)[route, name](phone)
    assert await findings.look(phone.page, group, name, LOOKS, 44) == []


@pytest.mark.parametrize("language", ["easy", "en", "zh", "ko"])
async def test_every_language_is_accessible(pick_up: Any, language: str) -> None:
    phone = await pick_up(known=True)
    await phone.to_form(f"/liff?lang={language}&ruby=1")
    for purpose in ("area", "age", "parenting", "topics", "garbage", "language"):
        await phone.page.check(f"#on-{purpose}")
    await phone.page.check("input[name=age_band][value='15']", force=True)
    await phone.page.click(".languages summary")
    assert await looking.violations(phone.page) == []
    for width, percent in ((320, 100), (390, 200), (320, 200)):
        await phone.page.set_viewport_size({"width": width, "height": 844})
        await looking.bigger(phone.page, percent)
        assert await looking.overflow(phone.page) == 0, (width, percent)


@pytest.mark.parametrize("mode", ["normal", "disaster"])
@pytest.mark.parametrize("language", ["easy", "en", "zh", "ko"])
async def test_every_language_of_a_public_page_is_accessible(phone: Phone, language: str, mode: str) -> None:
    if mode == "disaster":
        await _in_disaster("/")(phone)
    await phone.page.set_viewport_size({"width": 320, "height": 844})
    for path in ("/", "/privacy", "/verify", "/policy/consent/1", "/nothing-here"):
        await phone.open(f"{path}?lang={language}&ruby=1")
        await phone.page.click(".languages summary")
        assert await looking.violations(phone.page) == [], path
        assert await looking.small_targets(phone.page) == [], path
        await looking.bigger(phone.page)
        assert await looking.overflow(phone.page) == 0, path


async def test_the_page_language_is_changed_without_script_and_without_cookie(pick_up: Any) -> None:
    phone = await pick_up(java_script_enabled=False, locale="ko-KR")
    await phone.open("/verify")
    assert await phone.page.get_attribute("html", "lang") == "ko"
    await phone.page.click(".languages summary")
    await phone.page.click(".languages a[hreflang=en]")
    assert await phone.page.get_attribute("html", "lang") == "en"
    await phone.page.click("footer a[href^='/privacy']")
    assert await phone.page.inner_text("h1") == "Personal information"
    cookies = await phone.context.cookies("https://ward.example.jp")
    assert cookies == []


async def test_the_tab_key_reaches_everything_visibly_and_the_bar_never_covers_it(pick_up: Any) -> None:
    phone = await pick_up(known=True)
    await _open_everything(phone)
    stops = await looking.tab_walk(phone.page)
    assert {"save", "cancel", "go-erase"} <= {stop["name"] for stop in stops}
    assert [stop["name"] for stop in stops if stop["hidden"]] == []
    assert [stop["name"] for stop in stops if not stop["ringed"]] == []


async def test_the_whole_consent_can_be_given_by_keyboard(sakura: Phone) -> None:
    await sakura.to_form()
    keys = sakura.page.keyboard
    await sakura.page.focus("#on-area")
    await keys.press("Space")
    await sakura.page.focus("#fields-area .row[data-find^='ほんごう']")
    await keys.press("Enter")
    await keys.press("Tab")
    await keys.press("Space")
    await keys.press("ArrowDown")
    assert "本郷 二丁目" in await sakura.page.inner_text("#fields-area .chosen")
    await sakura.page.focus("#save")
    await keys.press("Enter")
    await sakura.arrive("done")


async def test_a_switch_announces_what_it_opened(sakura: Phone) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-garbage")
    await sakura.page.wait_for_selector("#live:has-text('「ごみ・資源の収集日」を開きました。')")


async def test_furigana_is_shown_only_when_asked_for(sakura: Phone) -> None:
    await sakura.to_form("/liff?lang=easy")
    assert not await sakura.page.locator("h2#form-title rt").first.is_visible()
    await sakura.open("/liff?lang=easy&ruby=1")
    await sakura.arrive("form")
    assert await sakura.page.locator("h2#form-title rt").first.is_visible()


async def _wrongs(phone: Phone) -> dict[str, str]:
    """読み上げに「正しくない」と伝わる欄の名 → その説明。"""
    session = await phone.context.new_cdp_session(phone.page)
    nodes = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    await session.detach()
    return {
        node["name"]["value"]: node.get("description", {}).get("value", "")
        for node in nodes
        if any(one["name"] == "invalid" and one["value"]["value"] == "true" for one in node.get("properties", ()))
    }


async def test_every_error_is_tied_to_its_field_until_it_is_mended(sakura: Phone) -> None:
    await sakura.to_form()
    page = sakura.page
    for purpose in ("area", "age", "parenting", "topics", "garbage", "language"):
        await page.check(f"#on-{purpose}")
    assert await _wrongs(sakura) == {}
    await page.click("#save")
    found = await _wrongs(sakura)
    assert "「答えない」を選んでください。" in found["年代を選んでください"]
    assert "種類、時刻を選んでください。" in found["知らせてほしい時刻"]
    assert {"ひらがなで探す", "年", "月", "防災・防犯", "可燃ごみ", "お知らせの言語を選んでください"} <= set(found)
    assert await looking.violations(page) == []
    await page.check("input[name=age_band][value='30']", force=True)
    await page.check("input[name=slot][value='7']", force=True)
    left = set(await _wrongs(sakura))
    assert {"年代を選んでください", "知らせてほしい時刻"} & left == set()
    assert "可燃ごみ" in left


async def test_no_view_begins_by_reading_what_the_last_one_said(sakura: Phone) -> None:
    await sakura.consent_to_area()
    assert await sakura.page.inner_text("#live") == ""
    await sakura.page.click("#go-held")
    await sakura.arrive("held")
    await sakura.page.click("#change")
    await sakura.arrive("form")
    await sakura.page.wait_for_timeout(200)
    assert await sakura.page.inner_text("#live") == ""
