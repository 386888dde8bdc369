"""道のすべて: 住民が同意し、所管課が書き、広報課の別の人が承認し、ちょうど当てはまる人の電話に着く(POL 5(4)(5)、10)。"""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import expect

from backend.residents import preferences
from backend.store import work
from tests.browser.phone import WARD, Phone
from tests.cast import KEN, LIN, SAKURA
from tests.stories.officer import BODY, TITLE
from tests.stories.staging import Stage, lives_elsewhere_with_a_child, lives_here, lives_here_with_a_child


async def consents_to_area_and_parenting(phone: Phone) -> None:
    """本郷三丁目と、1歳の子。"""
    await phone.to_form()
    await phone.page.check("#on-area")
    await phone.choose_area()
    await phone.page.check("#on-parenting")
    await phone.page.select_option("#children [data-id=year]", "2025")
    await phone.page.select_option("#children [data-id=month]", "01")
    await phone.page.click("#save")
    await phone.arrive("done")


async def test_a_resident_consents_two_officers_agree_and_exactly_the_matching_phones_show_it(stage: Stage) -> None:
    await consents_to_area_and_parenting(await stage.pick_up())
    matching = {SAKURA} | await stage.crowd(24, lives_here_with_a_child)
    await stage.crowd(6, lives_here, 100)
    await stage.crowd(6, lives_elsewhere_with_a_child, 200)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)

    _, number = await tanaka.request(stage="1歳")
    delivery = await sato.approve()

    await stage.finished(sato, delivery, "完了")
    assert stage.got(number) == dict.fromkeys(matching, 1)
    assert len(stage.line.received()) == len(matching)
    phone = await stage.phone_page(SAKURA)
    bubble = phone.get_by_test_id("bubble")
    await expect(bubble).to_have_count(1)
    await expect(bubble).to_contain_text(BODY.split("\n")[0])
    assert (await bubble.inner_text()).rstrip().endswith(f"確認番号 {number}")


async def test_anyone_can_look_up_the_number_that_stands_in_the_message(stage: Stage) -> None:
    await stage.crowd(20, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    _, number = await tanaka.request()
    page = await stage.window()
    before = await page.goto(f"{WARD}/verify/{number}")
    assert before
    assert before.status == 404

    await sato.approve()
    await stage.reached(20)

    words = await stage.told(page, f"/verify/{number}", until="文京区が送ったお知らせです")
    sent = stage.line.received()[0]["messages"][0]["text"]
    assert "文京区が送ったお知らせです" in await page.title()
    assert TITLE in words
    assert await page.inner_text("blockquote") == sent


async def test_the_author_cannot_approve(stage: Stage) -> None:
    await stage.crowd(20, lives_here)
    sato = await stage.officer(stage.people.sato)
    request_id, _ = await sato.request()
    await sato.open(f"/console/review/{request_id}")
    words = await sato.words()
    assert "承認できません" in words
    assert "この内容で承認する" not in words
    nakamura = await stage.officer(stage.people.nakamura)
    await nakamura.open(f"/console/review/{request_id}")
    seen = await nakamura.page.get_attribute("input[name=seen]", "value")
    assert seen
    assert await sato.forge(f"/console/review/{request_id}/approve", seen=seen) in (403, 422)
    await nothing_but_the_next_message_leaves(stage, request_id)


async def test_who_mends_a_comma_cannot_approve_either(stage: Stage) -> None:
    await stage.crowd(20, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    request_id, _ = await tanaka.request()
    await sato.open(f"/console/messages/{request_id}?edit=1")
    await sato.page.fill("#body", BODY.replace("ません", "ません。どうぞお越しください"))
    await sato.press("直して保存する")
    assert "承認できません" in await sato.words()
    nakamura = await stage.officer(stage.people.nakamura)
    await nakamura.open(f"/console/review/{request_id}")
    seen = await nakamura.page.get_attribute("input[name=seen]", "value")
    assert seen
    assert await sato.forge(f"/console/review/{request_id}/approve", seen=seen) in (403, 422)
    assert stage.line.received() == []
    await nakamura.press("この内容で承認する")
    await stage.reached(20)


async def test_the_section_cannot_even_open_the_review(stage: Stage) -> None:
    tanaka = await stage.officer(stage.people.tanaka)
    assert (await tanaka.open("/console/review")).status == 403


async def test_an_unconsented_friend_gets_only_what_goes_to_everyone(stage: Stage) -> None:
    consented = await stage.crowd(20, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    _, narrow = await tanaka.request(title="本郷三丁目だけ")
    await sato.approve("本郷三丁目だけ")
    await stage.reached(20)
    _, wide = await tanaka.request(title="みなさんへ", everyone=True)
    delivery = await sato.approve("みなさんへ")
    await stage.finished(sato, delivery, "完了")
    assert set(stage.got(narrow)) == consented
    assert set(stage.got(wide)) == consented | {SAKURA, KEN, LIN}
    phone = await stage.phone_page(KEN)
    await expect(phone.get_by_test_id("bubble")).to_have_count(1)


async def test_an_unreviewed_manuscript_never_reaches_a_phone(stage: Stage) -> None:
    await stage.crowd(20, lives_here)
    tanaka = await stage.officer(stage.people.tanaka)
    request_id, number = await tanaka.request(at="13:00")
    await stage.pass_time(timedelta(hours=4))
    await nothing_but_the_next_message_leaves(stage, request_id)
    assert stage.got(number) == {}


async def test_criteria_with_nothing_chosen_cannot_be_submitted(stage: Stage) -> None:
    await stage.crowd(20, lives_here)
    tanaka = await stage.officer(stage.people.tanaka)
    request_id = await tanaka.write(place=None)
    assert "この内容で提出する" not in await tanaka.words()
    status = await tanaka.forge(f"/console/messages/{request_id}/submit", version="1", sourced="1", settled="1")
    assert status == 422
    await nothing_but_the_next_message_leaves(stage, request_id)


async def test_when_everyone_has_left_before_the_time_nobody_gets_it(stage: Stage) -> None:
    crowd = await stage.crowd(20, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    await tanaka.request(at="13:00")
    delivery = await sato.approve()
    for user in crowd:
        await work.run(preferences.withdraw, stage.keys, user, None)
    await stage.pass_time(timedelta(hours=3))
    await sato.sign_in()
    await stage.finished(sato, delivery, "見合わせ")
    assert stage.line.calls("multicast") == []
    assert stage.line.calls("broadcast") == []


async def nothing_but_the_next_message_leaves(stage: Stage, request_id: int) -> None:
    """次に承認した全員あてが着いても、`request_id` のものは一つも出ていない。"""
    ito, nakamura = await stage.officer(stage.people.ito), await stage.officer(stage.people.nakamura)
    _, number = await ito.request(title="次のお知らせ", everyone=True)
    await nakamura.approve("次のお知らせ")
    everyone = len(stage.line.people())
    await stage.reached(everyone)
    assert sum(stage.got(number).values()) == everyone
    assert stage.line.calls("multicast") == []
    # 断られて(401: 進めた時計で札が切れた、429)、または返事を待ちきれずに、やり直すことはある。受け付けられたのは一度、鍵も一つ。
    calls = stage.line.calls("broadcast")
    assert [call["status"] for call in calls].count(200) == 1, request_id
    assert len({call["retry_key"] for call in calls}) == 1, request_id
