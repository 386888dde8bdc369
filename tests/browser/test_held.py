"""預かっている間に起きること: 文が新しくなる、予定月が過ぎる。どちらも、サーバーの本当の状態で(RULES 38、44)。"""

from __future__ import annotations

import asyncpg
import pytest

from backend.consent.notices import Purpose
from tests.browser.phone import Phone
from tests.consent import desk


async def save(phone: Phone, *purposes: str, band: str = "30") -> None:
    """選んで、保存するまで。"""
    await phone.to_form()
    for purpose in purposes:
        await phone.page.check(f"#on-{purpose}")
    if "area" in purposes:
        await phone.choose_area()
    if "age" in purposes:
        await phone.page.check(f"input[name=age_band][value='{band}']", force=True)
        if band == "15":
            await phone.page.check("input[name=guardian][value='1']", force=True)
    await phone.page.click("#save")
    await phone.arrive("done")


async def versions(owner: asyncpg.Connection) -> list[tuple[int, int]]:
    """(目的, 版) ごとの同意の件。"""
    rows = await owner.fetch(
        "select purpose, notice_version from consent_event where action = 'granted' order by notice_version, purpose"
    )
    return [(row["purpose"], row["notice_version"]) for row in rows]


async def test_a_new_text_is_shown_and_one_tap_continues(sakura: Phone, owner: asyncpg.Connection) -> None:
    await save(sakura, "area", "age")
    number = await desk.publish(Purpose.AREA, effective_in=30)
    await sakura.open("/liff/settings")
    await sakura.arrive("held")
    card = sakura.page.locator("#held-list .held", has_text="地域のお知らせ")
    assert "文が新しくなりました。" in await card.inner_text()
    assert "住んでいる地域(町丁目)を預かり" in await card.inner_text()
    assert await sakura.page.locator("#held-list button:has-text('続ける')").count() == 1
    await card.locator("button:has-text('続ける')").click()
    await sakura.arrive("done")
    assert f"第{number}版(日本語)" in await sakura.page.inner_text("#receipt")
    assert (int(Purpose.AREA), number) in await versions(owner)
    await sakura.page.click("#go-held")
    await sakura.arrive("held")
    assert await sakura.page.locator("#held-list button:has-text('続ける')").count() == 0


async def test_a_change_of_words_only_asks_nothing(sakura: Phone) -> None:
    await save(sakura, "area")
    await desk.publish(effective_in=30)
    await sakura.open("/liff/settings")
    await sakura.arrive("held")
    assert await sakura.page.locator("#held-list button:has-text('続ける')").count() == 0


async def test_a_child_is_asked_about_a_guardian_again_before_continuing(
    sakura: Phone, owner: asyncpg.Connection
) -> None:
    await save(sakura, "age", band="15")
    number = await desk.publish(Purpose.AGE, effective_in=30)
    await sakura.open("/liff/settings")
    await sakura.page.click("#held-list button:has-text('続ける')")
    await sakura.page.wait_for_selector("#wrong-guardian", state="visible")
    assert await sakura.page.evaluate("document.activeElement.id") == "wrong-guardian"
    assert (int(Purpose.AGE), number) not in await versions(owner)
    await sakura.page.check("input[name=guardian][value='1']", force=True)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    assert (int(Purpose.AGE), number) in await versions(owner)


@pytest.fixture
async def overdue(sakura: Phone, owner: asyncpg.Connection) -> Phone:
    """予定月が先月に過ぎた妊娠を登録している人の、いまの登録の画面。"""
    await sakura.to_form()
    await sakura.page.check("#on-parenting")
    await sakura.page.check("#children input[value=due]", force=True)
    await sakura.page.select_option("#children [data-id=year]", index=2)
    await sakura.page.select_option("#children [data-id=month]", "02")
    await sakura.page.click("#save")
    await sakura.arrive("done")
    await owner.execute(
        "update resident set due_month = (date_trunc('month', ward_now() at time zone 'Asia/Tokyo') - interval '1 month')::date"
    )
    await sakura.open("/liff/settings")
    await sakura.page.click("#held-list details summary")
    return sakura


async def test_a_passed_month_offers_three_equal_answers_and_no_congratulation(overdue: Phone) -> None:
    buttons = overdue.page.locator("#held-list .one button")
    assert await buttons.all_inner_texts() == ["生まれました", "まだです", "止める"]
    boxes = [await button.bounding_box() for button in await buttons.all()]
    assert len({(box["width"], box["height"]) for box in boxes if box}) == 1
    assert "おめでとう" not in await overdue.page.inner_text("main")


async def test_not_yet_changes_nothing_and_says_so(overdue: Phone, owner: asyncpg.Connection) -> None:
    before = await owner.fetchrow("select * from resident")
    overdue.sent.clear()
    await overdue.page.click("#held-list .one button:has-text('まだです')")
    await overdue.page.wait_for_selector("#held-alert:has-text('予定月は、このままにします。')")
    assert overdue.told() == []
    assert await owner.fetchrow("select * from resident") == before


async def test_born_asks_only_for_the_month_and_the_due_month_goes(overdue: Phone, owner: asyncpg.Connection) -> None:
    await overdue.page.click("#held-list .one button:has-text('生まれました')")
    await overdue.arrive("form")
    assert await overdue.page.is_checked("#children input[value=birth]")
    await overdue.page.select_option("#children [data-id=year]", index=2)
    await overdue.page.select_option("#children [data-id=month]", "01")
    await overdue.page.click("#save")
    await overdue.arrive("done")
    assert await owner.fetchval("select due_month from resident") is None
    assert await owner.fetchval("select count(*) from resident_child") == 1


async def test_a_due_month_kept_beside_a_birth_month_survives_another_change(
    sakura: Phone, owner: asyncpg.Connection
) -> None:
    """修正月齢のための月。ほかの答えを直しても、黙って消えない。"""
    await sakura.to_form()
    await sakura.page.check("#on-parenting")
    await sakura.page.select_option("#children [data-id=year]", index=2)
    await sakura.page.select_option("#children [data-id=month]", "01")
    await sakura.page.click("#save")
    await sakura.arrive("done")
    await owner.execute("update resident_child set due_month = birth_month + interval '2 months'")
    await sakura.open("/liff/settings")
    await sakura.page.click("#change")
    await sakura.page.check("#on-topics")
    await sakura.page.check("input[name=topics][value=bosai]", force=True)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    assert await owner.fetchval("select due_month = birth_month + interval '2 months' from resident_child")


async def test_near_its_end_one_tap_continues(sakura: Phone, owner: asyncpg.Connection) -> None:
    await save(sakura, "area", "age")
    await owner.execute("update consent_event set at = at - interval '23 months'")
    await sakura.open("/liff/settings")
    await sakura.arrive("held")
    card = sakura.page.locator("#held-list .held", has_text="地域のお知らせ")
    assert "もうすぐ期限が来ます。" in await card.inner_text()
    await card.locator("button:has-text('続ける')").click()
    await sakura.arrive("done")
    await sakura.page.click("#go-held")
    await sakura.arrive("held")
    assert await sakura.page.locator("#held-list button:has-text('続ける')").count() == 0
