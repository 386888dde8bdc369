"""預かっている間に起きること: 文が新しくなる、予定月が過ぎる。どちらも、サーバーの本当の状態で(RULES 38、44)。"""

from __future__ import annotations

import asyncpg
import pytest

from backend.consent.notices import Purpose
from tests.browser import looking
from tests.browser.phone import Phone
from tests.browser.test_accessibility import LOOKS
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
    assert await sakura.page.is_hidden("#more-to-renew")
    await sakura.page.click("#go-held")
    await sakura.arrive("held")
    assert await sakura.page.locator("#held-list button:has-text('続ける')").count() == 0


async def test_one_tap_continues_only_the_purpose_whose_text_is_there(sakura: Phone, owner: asyncpg.Connection) -> None:
    """P3、P10: 二つの文が変わっても、押した所の文の目的だけ。次の目的へは、控えから一度で移れる。"""
    await save(sakura, "area", "age")
    number = await desk.publish(Purpose.AREA | Purpose.AGE, effective_in=30)
    await sakura.open("/liff/settings")
    await sakura.arrive("held")
    await sakura.page.click("#held-list .held:has-text('地域のお知らせ') button:has-text('続ける')")
    await sakura.arrive("done")
    assert await versions(owner) == [(1, 1), (2, 1), (1, number)]
    await sakura.page.click("#renew-more")
    await sakura.arrive("held")
    assert await sakura.page.locator("#held-list button:has-text('続ける')").count() == 1
    await sakura.page.click("#held-list .held:has-text('年代別') button:has-text('続ける')")
    await sakura.arrive("done")
    assert await versions(owner) == [(1, 1), (2, 1), (1, number), (2, number)]


async def test_saving_one_change_leaves_the_other_text_to_its_own_button(
    sakura: Phone, owner: asyncpg.Connection
) -> None:
    await save(sakura, "area", "age")
    number = await desk.publish(Purpose.AREA | Purpose.AGE, effective_in=30)
    await sakura.open("/liff/settings")
    await sakura.page.click("#change")
    await sakura.arrive("form")
    assert await sakura.page.inner_text("#bar-words") == "変えたところは、まだありません。"
    await sakura.page.click("#save")
    await sakura.page.wait_for_selector("#form-alert:has-text('「続ける」を押してください')")
    await sakura.page.check("input[name=age_band][value='40']", force=True)
    words = await sakura.page.inner_text("#bar-words")
    assert words.splitlines() == ["1つの目的に同意して保存します", "ほかの1つは、前の同意のままです。"]
    await sakura.page.click("#save")
    await sakura.arrive("done")
    assert await versions(owner) == [(1, 1), (2, 1), (2, number)]


async def begin_to_edit(phone: Phone) -> int:
    """文の新しくなった地域と年代に同意していて、年代をやめ、関心を足しかけた。まだ何も押していない。新しい版を返す。"""
    await save(phone, "area", "age")
    number = await desk.publish(Purpose.AREA, effective_in=30)
    await phone.open("/liff/settings")
    await phone.page.click("#change")
    await phone.arrive("form")
    await phone.page.uncheck("#on-age")
    await phone.page.check("#on-topics")
    await phone.page.check("input[name=topics][value=bosai]", force=True)
    return number


async def test_what_was_typed_is_in_sight_after_the_language_is_changed(
    sakura: Phone, owner: asyncpg.Connection
) -> None:
    phone = sakura
    await begin_to_edit(phone)
    await phone.page.click(".languages summary")
    await phone.page.click(".languages a[hreflang=en]")
    await phone.page.wait_for_url("**lang=en")
    await phone.arrive("form")
    assert await phone.page.is_checked("input[name=topics][value=bosai]")
    assert not await phone.page.is_checked("#on-age")
    assert await owner.fetchrow("select purposes, topics from resident") == (3, 0)
    await phone.page.click("#cancel")
    await phone.arrive("held")
    await phone.page.reload()
    await phone.arrive("held")


async def test_continuing_never_takes_what_was_not_saved(sakura: Phone, owner: asyncpg.Connection) -> None:
    """P2、C1: 見えない書きかけで、同意も取りやめも起きない。"""
    phone, number = sakura, await begin_to_edit(sakura)
    await phone.page.click(".languages summary")
    await phone.page.click(".languages a[hreflang=en]")
    await phone.page.wait_for_url("**lang=en")
    await phone.arrive("form")
    await phone.page.click("#go-held")
    await phone.arrive("held")
    await phone.page.click("#held-list .alert.look button")
    await phone.arrive("done")
    assert await owner.fetchrow("select purposes, topics, age_band from resident") == (3, 0, 30)
    assert await versions(owner) == [(1, 1), (2, 1), (1, number)]
    assert await owner.fetchval("select count(*) from consent_event where action <> 'granted'") == 0


async def test_a_registered_person_keeps_what_was_typed_when_the_session_ends(
    phone: Phone, owner: asyncpg.Connection
) -> None:
    await phone.to_form()
    phone.known = True
    await begin_to_edit(phone)
    await phone.context.clear_cookies(name="__Host-ward-liff")
    async with phone.page.expect_response("**/liff/session"):
        await phone.page.click("#save")
    await phone.arrive("form")
    assert await phone.page.is_checked("input[name=topics][value=bosai]")
    assert await owner.fetchval("select purposes from resident") == 3
    await phone.page.click("#save")
    await phone.arrive("done")
    assert await owner.fetchval("select purposes from resident") == 9


async def test_without_a_chosen_language_the_page_says_which_one_arrives(sakura: Phone) -> None:
    """RULES 47。"""
    await save(sakura, "area")
    await sakura.open("/liff/settings?lang=en")
    await sakura.arrive("held")
    assert "messages arrive in Japanese" in await sakura.page.inner_text("#held-language")
    await sakura.page.click("#change")
    await sakura.page.check("#on-language")
    await sakura.page.check("input[name=language][value=en]", force=True)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    await sakura.page.click("#go-held")
    await sakura.arrive("held")
    assert await sakura.page.is_hidden("#held-language")


async def test_a_grown_child_never_locks_the_page(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-parenting")
    await sakura.page.select_option("#children [data-id=year]", index=2)
    await sakura.page.select_option("#children [data-id=month]", "01")
    await sakura.page.click("#save")
    await sakura.arrive("done")
    await owner.execute("update resident_child set birth_month = (birth_month - interval '20 years')::date")
    await sakura.open("/liff/settings")
    await sakura.page.click("#change")
    await sakura.page.check("#on-topics")
    await sakura.page.check("input[name=topics][value=bosai]", force=True)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    assert await owner.fetchrow("select purposes, topics from resident") == (12, 1)


async def test_the_question_shows_the_whole_text_and_is_accessible(sakura: Phone) -> None:
    """押した文として残るのは、共通の文と目的の文。両方が、押す所に見えている。"""
    await save(sakura, "area", "age", band="15")
    number = await desk.publish(Purpose.AGE, effective_in=30)
    await sakura.open("/liff/settings")
    await sakura.arrive("held")
    box = sakura.page.locator("#held-list .look")
    words = await box.inner_text()
    assert "年代を預かり" in words
    assert f"(第{number}版)" in words
    await box.locator("button").click()
    assert await looking.every_look(sakura.page, LOOKS, 44) == [[]] * len(LOOKS)


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
    await sakura.page.wait_for_selector("#wrong-guardian-age", state="visible")
    assert await sakura.page.evaluate("document.activeElement.id") == "wrong-guardian-age"
    assert (int(Purpose.AGE), number) not in await versions(owner)
    await sakura.page.check("input[name=guardian-age][value='1']", force=True)
    assert await sakura.page.is_hidden("#wrong-guardian-age")
    await sakura.page.click("#held-list button:has-text('続ける')")
    await sakura.arrive("done")
    assert (int(Purpose.AGE), number) in await versions(owner)
    assert await owner.fetchval("select guardian from consent_event order by id desc limit 1")


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
    assert await card.locator("button:has-text('続ける')").count() == 0
    # 年代の期限も近いが、押していないので、そのまま残る。
    assert await sakura.page.locator("#held-list button:has-text('続ける')").count() == 1
    assert await versions(owner) == [(1, 1), (1, 1), (2, 1)]
