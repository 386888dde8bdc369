"""メニュー: 広報課が画面で二つのタブを作り、もう一人が承認し、すべての電話に出る。災害時は、タブを切り替えた人にも着く(RULES 表)。"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from playwright.async_api import Page, expect

from backend.line.gateway import Gateway
from backend.menus.roles import Role
from tests.browser import looking
from tests.cast import KEN, SAKURA
from tests.menus import making
from tests.stories.officer import Officer
from tests.stories.staging import Stage

CELLS = ("区のサイトを開く", "図書館を探す", "窓口の混み具合")


async def build_two_tabs(officer: Officer) -> int:
    """何もないところから、三つの升のタブを二つ。版の番号を返す。"""
    page = officer.page
    await officer.open("/console/menus/new")
    await page.fill("#name", "春のメニュー")
    await officer.press("タブを足す")
    for tab, title in enumerate(("くらし", "子育て")):
        await page.fill(f"#t{tab}-title", title)
        for _ in range(3):
            await page.locator(f"#t{tab}c3").evaluate("one => { one.open = true; }")
            async with page.expect_navigation():
                await page.locator(f"#t{tab}c3").get_by_role("button", name="このボタンを消す").click()
        for number, label in enumerate(CELLS):
            cell = f"#t{tab}c{number}"
            await page.locator(cell).evaluate("one => { one.open = true; }")
            await page.fill(f"{cell}-main", label[:6])
            await page.fill(f"{cell}-label", label)
            await page.select_option(f"{cell}-kind", "uri")
            await page.fill(f"{cell}-value", "https://www.city.bunkyo.lg.jp/")
    await officer.press("書きかけを保存する")
    return int(re.findall(r"/menus/(\d+)", page.url)[0])


async def sound(page: Page) -> None:
    """その画面に、axeの違反も、横のはみ出しもない。"""
    assert await looking.violations(page) == [], page.url
    assert await looking.overflow(page) <= 0, page.url


async def test_an_officer_builds_a_two_tab_menu_a_second_approves_and_every_phone_shows_it(stage: Stage) -> None:
    sato, ito = await stage.officer(stage.people.sato), await stage.officer(stage.people.ito)
    version = await build_two_tabs(sato)
    assert "直すところが残っている" not in await sato.words(), await sato.words()
    await sato.page.fill("#reason", "春になるため")
    await sato.press("この版の承認を求める")
    assert "承認できません" in await sato.words()
    assert all(stage.line.screen(one["user"])["menu"] is None for one in stage.line.people())

    await ito.open(f"/console/menus/{version}")
    await sound(ito.page)
    await ito.press("この版と計画を承認する")
    await sato.open(f"/console/menus/{version}")
    await sato.press("承認された計画を反映する")

    def shown() -> set[tuple[str, ...]]:
        menus = [stage.line.screen(one["user"])["menu"] for one in stage.line.people()]
        return {tuple(area["action"]["label"] for area in menu["areas"]) if menu else () for menu in menus}

    await stage.until(lambda: shown() == {("くらし(表示中)", "子育てに切り替える", *CELLS)})
    phone = await stage.phone_page(KEN)
    await phone.get_by_role("button", name="子育てに切り替える").click()
    await expect(phone.get_by_role("button", name="子育て(表示中)")).to_be_visible()


async def test_a_disaster_reaches_a_friend_who_had_switched_tabs(stage: Stage, gateway: Gateway) -> None:
    await making.applied(
        gateway,
        await making.version(Role.RESIDENT, making.two_tabs()),
        await making.version(Role.EMERGENCY, making.emergency()),
    )
    phone = await stage.phone_page(SAKURA)
    await phone.get_by_role("button", name="bosaiに切り替える").click()
    await expect(phone.get_by_role("button", name="避難所を見る")).to_be_visible()

    watanabe = await stage.officer(stage.people.watanabe)
    await watanabe.open("/console/stop")
    await watanabe.press("災害時にする")
    assert "災害時" in await watanabe.page.inner_text(".account-state")

    await expect(phone.get_by_role("button", name="避難情報を見る")).to_be_visible(timeout=20_000)
    await stage.until(
        lambda: all("避難情報を見る" in str(stage.line.screen(one["user"])["menu"]) for one in stage.line.people())
    )


async def test_at_night_the_chief_turns_the_disaster_menu_on_in_two_actions(stage: Stage, gateway: Gateway) -> None:
    """02:10。どの画面からでも、上の状態を押し、「災害時にする」を押す。LINEの台帳では3秒のうちに終わる。"""
    await making.applied(
        gateway,
        await making.version(Role.RESIDENT, making.two_tabs()),
        await making.version(Role.EMERGENCY, making.emergency()),
    )
    await stage.pass_time(timedelta(hours=16, minutes=10))
    watanabe = await stage.officer(stage.people.watanabe)
    stage.line.clear_ledger()
    async with watanabe.page.expect_navigation():
        await watanabe.page.locator(".account-state a").click()
    pressed = stage.line.now()
    await watanabe.press("災害時にする")

    await stage.until(lambda: stage.line.calls("/richmenu/batch"))
    changing = [
        call for call in stage.line.calls() if call["endpoint"].startswith("POST") and "richmenu" in call["endpoint"]
    ]
    times = [datetime.fromisoformat(call["at"]) for call in changing]
    seconds = (max(times) - pressed).total_seconds()
    print(
        f"\n災害時の切り替え: 操作2回、押してからLINEへの{len(changing)}回の呼び出しの終わりまで{seconds:.2f}秒(目標 3秒)"
    )
    assert any(call["endpoint"].startswith("POST /v2/bot/user/all/richmenu") for call in changing)
    assert {call["status"] for call in changing} <= {200, 202}
    assert seconds < 30, "次の回りを待っている"  # 速さは印字した数で見る。込んだ機械では、3秒を超えることがある
    await expect(watanabe.page.get_by_text("「災害時」のメニュー")).to_be_visible()
    await stage.until(
        lambda: all("避難情報を見る" in str(stage.line.screen(one["user"])["menu"]) for one in stage.line.people())
    )


async def test_the_way_back_to_normal_takes_two_people_in_the_console(stage: Stage, gateway: Gateway) -> None:
    await making.applied(
        gateway,
        await making.version(Role.RESIDENT, making.two_tabs()),
        await making.version(Role.EMERGENCY, making.emergency()),
    )
    ito, sato = await stage.officer(stage.people.ito), await stage.officer(stage.people.sato)
    await ito.open("/console/stop")
    await ito.press("災害時にする")
    await ito.open("/console/stop")
    await ito.press("一人目として、通常に戻すことを提案する")
    assert await ito.page.get_by_role("button", name="二人目として認め、通常に戻す").count() == 0
    await sato.open("/console/stop")
    await sato.press("二人目として認め、通常に戻す")
    await stage.until(
        lambda: all("区のサイトを開く" in str(stage.line.screen(one["user"])["menu"]) for one in stage.line.people())
    )


async def test_the_buttons_are_moved_by_hand_and_by_key_and_saved(stage: Stage) -> None:
    """升目では引いて入れ替え、自由な置き方では引いても矢印キーでも動く。どの画面にもaxeの違反はない。"""
    sato = await stage.officer(stage.people.sato)
    page = sato.page
    await sato.open("/console/menus/new")
    await sound(page)
    await page.fill("#t0c0-main", "ごみ")
    await page.fill("#t0c0-label", "ごみの分け方を見る")
    await expect(page.locator("#menu-preview a", has_text="ごみの分け方を見る")).to_be_visible()
    await drag(page, 0, to=1)
    await expect(page.locator("#t0c1-main")).to_have_value("ごみ")

    await page.select_option("#t0-grid", "free")
    await sato.press("下見を描き直す")
    before = int(await page.input_value("#t0c1-y"))
    await drag(page, 1, down=40)
    await expect(page.locator("#t0c1-y")).not_to_have_value(str(before))
    await expect(page.locator("#menu-preview")).not_to_have_attribute("aria-busy", "true")

    button = page.locator(".menu-shown a[data-cell='2']")
    await button.focus()
    before = int(await page.input_value("#t0c2-x"))
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#t0c2-x")).to_have_value(str(round((before - 10) / 10) * 10))
    wide = int(await page.input_value("#t0c2-w"))
    await page.keyboard.press("Shift+ArrowLeft")
    await expect(page.locator("#t0c2-w")).not_to_have_value(str(wide))
    await expect(button).to_be_focused()

    moved = await page.input_value("#t0c1-y")
    await sato.press("書きかけを保存する")
    await sound(page)
    version = re.findall(r"/menus/(\d+)", page.url)[0]
    await sato.open(f"/console/menus/{version}/edit")
    assert await page.input_value("#t0c1-y") == moved
    for width in (1280, 390):
        await page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await sound(page)


async def drag(page: Page, cell: int, *, to: int | None = None, down: int = 0) -> None:
    """絵のボタンを引く: ほかのボタンの上まで、または下へ `down` 画素。"""
    box = await page.locator(f".menu-shown a[data-cell='{cell}'] rect").bounding_box()
    end = await page.locator(f".menu-shown a[data-cell='{cell if to is None else to}'] rect").bounding_box()
    assert box
    assert end
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.mouse.down()
    await page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2 + down, steps=8)
    await page.mouse.up()
