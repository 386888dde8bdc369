"""同意: 「同意して保存」を押すまで何も出ず、残らない。やめることは、始めることより短い(CHECKS P2、P4、P7、C1)。"""

from __future__ import annotations

import re
from typing import Any

import asyncpg

from tests.browser.phone import Phone, answer
from tests.cast import HONGO_3

PERSONAL = ("resident", "resident_child", "consent_event", "counter_code")


async def rows(owner: asyncpg.Connection) -> int:
    """人に結び付く行の数。"""
    return sum([await owner.fetchval(f'select count(*) from "{table}"') for table in PERSONAL])


async def test_nothing_leaves_the_page_and_nothing_is_kept_before_the_button(
    sakura: Phone, owner: asyncpg.Connection
) -> None:
    await sakura.to_form()
    sakura.sent.clear()
    for purpose in ("area", "age", "parenting", "topics", "garbage", "language"):
        await sakura.page.check(f"#on-{purpose}")
    await sakura.page.fill("#fields-area input[type=search]", "ほん")
    await sakura.page.fill("#fields-area input[type=search]", "")
    await sakura.choose_area()
    await sakura.page.check("input[name=age_band][value='70']", force=True)
    await sakura.page.check("input[name=topics][value=bosai]", force=True)
    await sakura.page.click("#cancel")
    await sakura.arrive("welcome")
    assert [request.url for request in sakura.sent] == []
    assert await rows(owner) == 0


async def test_the_menus_button_takes_a_newcomer_straight_to_the_choices(sakura: Phone) -> None:
    """出荷時のメニューの「受信設定を開く」。まだ何も登録していない人に、「登録はありません」を挟まない。"""
    await sakura.to_form("/liff/settings")
    await sakura.page.check("#on-area")
    await sakura.choose_area()
    await sakura.page.click("#save")
    await sakura.arrive("done")
    await sakura.page.reload()
    await sakura.arrive("held")


async def test_the_button_saves_exactly_what_was_chosen(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.consent_to_area()
    assert await owner.fetchrow("select purposes, area, age_band, topics, language from resident") == (
        1,
        HONGO_3,
        None,
        0,
        None,
    )
    assert await owner.fetchval("select count(*) from consent_event where action = 'granted'") == 1


async def test_all_six_purposes_reach_the_server(sakura: Phone, owner: asyncpg.Connection) -> None:
    page = sakura.page
    await sakura.to_form()
    for purpose in ("area", "age", "parenting", "topics", "garbage", "language"):
        await page.check(f"#on-{purpose}")
    await sakura.choose_area()
    await page.check("input[name=age_band][value='30']", force=True)
    await page.select_option("#children [data-id=year]", index=3)
    await page.select_option("#children [data-id=month]", "04")
    await page.check("input[name=topics][value=library]", force=True)
    await page.click("#same-area button")
    await page.check("input[name=streams][value=plastic]", force=True)
    await page.check("input[name=slot][value='19']", force=True)
    await page.check("input[name=language][value=en]", force=True)
    assert await page.inner_text("#bar-words") == "6つの目的に同意して保存します"
    await page.click("#save")
    await sakura.arrive("done")
    row = await owner.fetchrow(
        "select purposes, age_band, topics, collection_area, streams, slot, language from resident"
    )
    assert row == (63, 30, 16, HONGO_3, 8, 19, "en")
    assert await owner.fetchval("select count(*) from resident_child") == 1


async def test_the_receipt_takes_focus_and_can_be_kept(sakura: Phone) -> None:
    await sakura.consent_to_area()
    assert await sakura.page.evaluate("document.activeElement.id") == "done-title"
    receipt = await sakura.page.inner_text("#receipt")
    assert "第1版(日本語)" in receipt
    assert (await sakura.page.get_attribute("#keep-receipt", "href") or "").startswith("blob:")


async def test_the_receipt_names_no_purpose_until_one_opens_it(sakura: Phone) -> None:
    """RULES 44: 画面の写真に、妊娠や子育てを写すかどうかは本人が選ぶ。"""
    await sakura.to_form()
    await sakura.page.check("#on-parenting")
    await sakura.page.select_option("#children [data-id=year]", index=2)
    await sakura.page.select_option("#children [data-id=month]", "01")
    await sakura.page.click("#save")
    await sakura.arrive("done")
    seen = await sakura.page.inner_text("section[data-view=done]")
    assert "子育て" not in seen
    assert "同意した目的(1つ)を見る" in seen
    await sakura.page.click("#receipt summary")
    assert "妊娠・子育てのお知らせ" in await sakura.page.inner_text("#receipt")


async def test_not_answering_the_age_is_an_answer_and_is_kept_as_nothing(
    sakura: Phone, owner: asyncpg.Connection
) -> None:
    """P19: 告知文が「答えずにおくこともできます」と言うとおり。"""
    await sakura.to_form()
    await sakura.page.check("#on-age")
    assert not await sakura.page.is_checked("input[name=age_band][value='']")
    await sakura.page.check("input[name=age_band][value='']", force=True)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    assert await owner.fetchrow("select purposes, age_band from resident") == (2, None)
    await sakura.page.click("#go-held")
    await sakura.arrive("held")
    assert "答えない" in await sakura.page.inner_text("#held-list .answer")
    await sakura.page.click("#change")
    assert await sakura.page.is_checked("input[name=age_band][value='']")


async def test_an_age_not_chosen_yet_stays_unchosen_over_a_change_of_language(sakura: Phone) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-age")
    await sakura.page.click(".languages summary")
    await sakura.page.click(".languages a[hreflang=en]")
    await sakura.page.wait_for_selector("body[data-now=form] #on-age:checked")
    assert await sakura.page.locator("input[name=age_band]:checked").count() == 0


async def test_erasing_without_a_token_says_that_the_link_to_line_is_left(sakura: Phone) -> None:
    await sakura.consent_to_area()
    await sakura.page.evaluate(
        "for (const key of Object.keys(localStorage)) if (/accessToken/i.test(key)) localStorage.removeItem(key)"
    )
    await sakura.page.click("#go-erase")
    await sakura.page.click("#erase")
    await sakura.arrive("erased")
    assert await sakura.page.is_visible("#still-linked")


async def test_what_the_server_refuses_is_said_in_the_language_of_the_page(sakura: Phone) -> None:
    await sakura.to_form("/liff?lang=en")
    await sakura.page.check("#on-parenting")
    await sakura.page.check("#children input[value=due]", force=True)
    await sakura.page.select_option("#children [data-id=year]", index=2)
    await sakura.page.select_option("#children [data-id=month]", "12")
    await sakura.page.click("#save")
    await sakura.page.wait_for_selector("#form-alert:visible")
    said = await sakura.page.inner_text("#form-alert") + await sakura.page.inner_text("#wrong-parenting")
    assert "up to 10 months ahead" in said
    assert not re.search("[ぁ-ん]", said), said


async def test_nothing_is_ticked_beforehand(sakura: Phone) -> None:
    await sakura.to_form()
    assert await sakura.page.locator("#choices input:checked:not(#child-template *)").count() == 0


async def test_save_and_leave_are_two_equal_buttons(sakura: Phone) -> None:
    await sakura.to_form()
    save, cancel = [await sakura.page.locator(button).bounding_box() for button in ("#save", "#cancel")]
    assert save
    assert cancel
    assert (save["width"], save["height"]) == (cancel["width"], cancel["height"])


async def test_switching_off_forgets_what_was_chosen(sakura: Phone) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-topics")
    await sakura.page.check("input[name=topics][value=bosai]", force=True)
    await sakura.page.uncheck("#on-topics")
    await sakura.page.check("#on-topics")
    assert not await sakura.page.is_checked("input[name=topics][value=bosai]")


async def test_a_switch_without_an_answer_is_explained_beside_it(sakura: Phone) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-age")
    await sakura.page.click("#save")
    assert "年代か「答えない」を選んでください。" in await sakura.page.inner_text("#wrong-age")
    assert await sakura.page.evaluate("document.activeElement.id") == "wrong-age"


async def test_the_short_path_shows_one_card_and_ticks_nothing(sakura: Phone) -> None:
    await sakura.to_form("/liff?only=garbage")
    assert await sakura.page.locator("#choices .card[data-purpose]:visible").count() == 1
    assert not await sakura.page.is_checked("#on-garbage")


async def test_a_child_is_asked_about_a_guardian_and_area_stays_free(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-age")
    await sakura.page.check("input[name=age_band][value='15']", force=True)
    await sakura.page.click("#save")
    assert await sakura.page.is_visible("#wrong-guardian")
    await sakura.page.check("input[name=guardian][value='1']", force=True)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    assert await owner.fetchval("select guardian from consent_event")


async def test_someone_who_is_not_a_friend_is_told_before_anything_is_saved(
    sakura: Phone, owner: asyncpg.Connection
) -> None:
    sakura.simulator.put_people({"user": sakura.user, "name": "さくら", "friend": False})
    await sakura.enter()
    await sakura.arrive("trouble")
    assert "文京区を友だちに追加すると受け取れます。まだ何も保存していません。" in await sakura.page.inner_text("main")
    assert await rows(owner) == 0


async def test_withdrawing_takes_two_taps_and_no_reason(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.consent_to_area()
    taps = ["#go-erase", "#erase"]
    for tap in taps:
        await sakura.page.click(tap)
    await sakura.arrive("erased")
    assert len(taps) <= len(["スイッチ", "町", "丁目", "保存"])
    assert await owner.fetchval("select count(*) from resident") == 0
    assert "消去の証" in await sakura.page.inner_text("main")


async def test_erasing_is_two_taps_away_on_every_page(sakura: Phone) -> None:
    await sakura.consent_to_area()
    for path in ("/liff", "/liff/settings", "/liff/start", "/liff/erase"):
        await sakura.open(path)
        await sakura.page.wait_for_selector("body[data-now=held], body[data-now=erase]")
        await sakura.page.click("#go-erase")
        assert await sakura.page.is_visible("#erase"), path


async def test_one_purpose_is_stopped_by_one_tap_and_the_other_stays(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.to_form()
    for purpose, field, value in (("age", "age_band", "60"), ("topics", "topics", "bosai")):
        await sakura.page.check(f"#on-{purpose}")
        await sakura.page.check(f"input[name={field}][value='{value}']", force=True)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    await sakura.page.click("#go-held")
    await sakura.page.click("#held-list .held:has-text('年代別') button:has-text('やめる')")
    await sakura.page.wait_for_selector("#held-alert:has-text('やめました')")
    assert await owner.fetchrow("select purposes, age_band, topics from resident") == (8, None, 1)


async def test_a_child_is_stopped_quietly(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-parenting")
    await sakura.page.select_option("#children [data-id=year]", index=2)
    await sakura.page.select_option("#children [data-id=month]", "01")
    await sakura.page.click("#save")
    await sakura.arrive("done")
    await sakura.page.click("#go-held")
    await sakura.page.click("#held-list details summary")
    await sakura.page.click("#held-list .one button:has-text('止める')")
    await sakura.arrive("stopped")
    assert await sakura.page.inner_text("#stopped-title") == "止めました。"
    assert await owner.fetchval("select count(*) from resident_child") == 0


async def test_what_is_held_is_shown_and_can_be_changed(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.consent_to_area()
    await sakura.open()
    await sakura.arrive("held")
    assert "本郷 三丁目" in await sakura.page.inner_text("#held-list")
    await sakura.page.click("#held-list button:has-text('変える')")
    await sakura.page.click("#fields-area .chosen button")
    await sakura.choose_area("ねづ", "一丁目")
    await sakura.page.click("#save")
    await sakura.arrive("done")
    assert await owner.fetchval("select area from resident") != HONGO_3


async def test_moving_erases_area_and_garbage_only(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-area")
    await sakura.choose_area()
    await sakura.page.check("#on-language")
    await sakura.page.check("input[name=language][value=ko]", force=True)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    await sakura.page.click("#go-held")
    await sakura.page.click("#moved")
    await sakura.page.wait_for_selector("#held-alert:has-text('消しました')")
    assert await owner.fetchrow("select purposes, area, language from resident") == (32, None, "ko")


async def test_going_offline_keeps_the_choices_and_says_what_is_known(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-area")
    await sakura.choose_area()
    await sakura.context.set_offline(True)
    await sakura.page.click("#save")
    await sakura.page.wait_for_selector("#form-alert:has-text('何も保存していません。')")
    assert await sakura.page.is_checked("#on-area")
    await sakura.context.set_offline(False)
    await sakura.page.click("#save")
    await sakura.arrive("done")
    assert await owner.fetchval("select count(*) from resident") == 1


async def test_an_answer_that_never_came_is_called_unknown(sakura: Phone) -> None:
    await sakura.to_form()
    await sakura.page.check("#on-area")
    await sakura.choose_area()
    await sakura.page.route("**/liff/api/me", lambda route: route.abort())
    await sakura.page.click("#save")
    await sakura.page.wait_for_selector("#form-alert:has-text('もう一度押しても、二重にはなりません。')")


async def test_a_changed_notice_saves_nothing_and_offers_the_new_text(sakura: Phone, owner: asyncpg.Connection) -> None:
    await sakura.to_form()
    await sakura.page.evaluate("document.body.dataset.notice = '99'")
    await sakura.page.check("#on-area")
    await sakura.choose_area()
    await sakura.page.click("#save")
    await sakura.page.wait_for_selector("#form-alert:has-text('新しい文を読む')")
    assert await rows(owner) == 0


async def test_the_closed_personal_settings_are_explained(sakura: Phone) -> None:
    await sakura.page.route("**/liff/session", lambda route: answer(route, 503, {"message": "x", "next_step": "y"}))
    await sakura.enter()
    await sakura.arrive("trouble")
    assert "何も変わっていません" in await sakura.page.inner_text("main")


async def test_finishing_clears_the_device(pick_up: Any) -> None:
    desk = await pick_up(agent=None, width=1280)
    await desk.to_form()
    await desk.page.click("#leave")
    await desk.arrive("trouble")
    kept = await desk.page.evaluate("Object.keys(localStorage).concat(Object.keys(sessionStorage))")
    assert [key for key in kept if "LIFF_STORE" in key or "ward" in key] == []
    assert not [c for c in await desk.context.cookies("https://ward.example.jp") if c["name"] == "__Host-ward-liff"]
