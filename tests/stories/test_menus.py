"""メニュー: 広報課が画面で二つのタブを作り、もう一人が承認し、すべての電話に出る。災害時は、タブを切り替えた人にも着く(RULES 表)。"""

from __future__ import annotations

import re

from playwright.async_api import expect

from backend.line.gateway import Gateway
from backend.menus.roles import Role
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
                await page.locator(f"#t{tab}c3").get_by_role("button", name="この升を消す").click()
        for number, label in enumerate(CELLS):
            cell = f"#t{tab}c{number}"
            await page.locator(cell).evaluate("one => { one.open = true; }")
            await page.fill(f"{cell}-main", label[:6])
            await page.fill(f"{cell}-label", label)
            await page.select_option(f"{cell}-kind", "uri")
            await page.fill(f"{cell}-value", "https://www.city.bunkyo.lg.jp/")
    await officer.press("書きかけを保存する")
    return int(re.findall(r"/menus/(\d+)", page.url)[0])


async def test_an_officer_builds_a_two_tab_menu_a_second_approves_and_every_phone_shows_it(stage: Stage) -> None:
    sato, ito = await stage.officer(stage.people.sato), await stage.officer(stage.people.ito)
    version = await build_two_tabs(sato)
    assert "直すところが残っている" not in await sato.words(), await sato.words()
    await sato.page.fill("#reason", "春になるため")
    await sato.press("この版の承認を求める")
    assert "承認できません" in await sato.words()
    assert all(stage.line.screen(one["user"])["menu"] is None for one in stage.line.people())

    await ito.open(f"/console/menus/{version}")
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
