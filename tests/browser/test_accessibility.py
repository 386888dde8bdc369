"""使いやすさ: どの画面も、明るい・暗い、幅390・320、文字100%・200%で、axeの違反が0件(CHECKS 7、A1)。"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from backend.home import public
from backend.store import clock
from tests.browser import looking
from tests.browser.phone import Phone, answer

Reach = Callable[[Phone], Awaitable[None]]
# (幅, 文字の大きさ, 明るさ)。色は大きさに、押す所の大きさは明るさによらないので、三つでどちらも尽くす。
LOOKS = ((390, 100, "light"), (320, 100, "dark"), (320, 200, "light"))


async def _welcome(phone: Phone) -> None:
    await phone.open()


async def _empty(phone: Phone) -> None:
    await phone.to_form()


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
    await phone.page.click("#go-held")
    await phone.page.click("#held-list details summary")


async def _erase(phone: Phone) -> None:
    await _saved(phone)
    await phone.page.click("#go-erase")


async def _erased(phone: Phone) -> None:
    await _erase(phone)
    await phone.page.click("#erase")
    await phone.arrive("erased")


def _page(path: str) -> Reach:
    async def reach(phone: Phone) -> None:
        await phone.open(path)

    return reach


STATES: dict[str, Reach] = {
    "説明": _welcome,
    "選ぶ前": _empty,
    "すべて開いたところ": _open_everything,
    "足りないところの知らせ": _errors,
    "電波のないとき": _offline,
    "うまくいかないとき": _trouble,
    "控え": _saved,
    "いまの登録": _held,
    "やめる・消す": _erase,
    "消去の証": _erased,
    "最初のページ": _page("/"),
    "個人情報の取り扱い": _page("/privacy"),
    "運用の決まり": _page("/policy"),
    "アクセシビリティ": _page("/accessibility"),
    "お知らせが本物か確かめる": _page("/verify"),
    "メニュー(文字の版)": _page("/menu"),
    "ページがないとき": _page("/nothing-here"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def results() -> AsyncIterator[dict[str, Any]]:
    """画面ごとの結果。すべての画面を調べ終わったときだけ、公開ページの読む所に書く。"""
    found: dict[str, Any] = {}
    yield found
    if set(found) - {"tool"} == set(STATES):
        looking.write_result(
            public.RESULT, (await clock.now()).isoformat(), found["tool"], {n: found[n] for n in STATES}
        )


@pytest.mark.parametrize("name", STATES)
async def test_every_state_is_accessible_in_both_schemes_at_every_size(
    pick_up: Any, results: dict[str, Any], name: str
) -> None:
    phone = await pick_up(known=name != "説明")
    await STATES[name](phone)
    results.setdefault("tool", await looking.tool(phone.page))
    results[name] = []
    wrong: list[str] = []
    for width, percent, scheme in LOOKS:
        await phone.page.set_viewport_size({"width": width, "height": 844})
        await phone.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # 二つの値だけ
        await looking.bigger(phone.page, percent)
        found = await looking.violations(phone.page)
        results[name].append(len(found))
        if extra := await looking.overflow(phone.page):
            found.append(f"横に{extra}pxはみ出す")
        found += await looking.small_targets(phone.page)
        wrong += [f"{width}px {percent}% {scheme} {one}" for one in found]
    assert wrong == []


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
