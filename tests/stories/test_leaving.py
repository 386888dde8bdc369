"""去ること: ブロックも取りやめも止めることも、すぐに効く。戻っても、何も戻らない(POL 10(2)、CHECKS P8、P9、C4、D12)。"""

from __future__ import annotations

import asyncpg
from playwright.async_api import expect

from tests.cast import SAKURA
from tests.stories.officer import Officer
from tests.stories.staging import Stage, lives_here

UNIT = 500  # 一つの送信単位の人数
BULK = 3 * UNIT + 100


async def test_blocking_erases_and_coming_back_restores_nothing(stage: Stage, owner: asyncpg.Connection) -> None:
    sakura = await stage.pick_up()
    await sakura.consent_to_area()
    others = await stage.crowd(20, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    _, first = await tanaka.request(title="一つ目")
    await stage.finished(sato, await sato.approve("一つ目"), "完了")
    assert set(stage.got(first)) == others | {SAKURA}

    phone = await stage.phone_page(SAKURA)
    await phone.click("#more-actions")
    await phone.get_by_test_id("block").click()
    await stage.until(lambda: [told["status"] for told in stage.line.webhooks()] == [200])
    assert await owner.fetchval("select count(*) from resident") == len(others)
    await phone.click("#more-actions")
    await phone.get_by_test_id("unblock").click()
    await stage.until(lambda: len(stage.line.webhooks()) == 2 and stage.line.webhooks()[-1]["status"] == 200)

    _, second = await tanaka.request(title="二つ目")
    await stage.finished(sato, await sato.approve("二つ目"), "完了")
    assert set(stage.got(second)) == others
    await expect(phone.get_by_test_id("bubble")).to_have_count(1)
    await sakura.open()
    await sakura.page.click("#sign-in")
    await sakura.arrive("form")
    assert not await sakura.page.is_checked("#on-area")


async def half_sent(stage: Stage) -> tuple[set[str], Officer, int]:
    """2送信単位をLINEが受け付け、残りはLINEに「速すぎる」と断られ続けているところ。(全員, 佐藤, 配信の番号)。"""
    crowd = await stage.crowd(BULK, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    await tanaka.request()
    stage.let_through(2)
    delivery = await sato.approve()
    await stage.reached(UNIT)
    await stage.until(lambda: any(call["status"] == 429 for call in stage.line.calls("multicast")))
    return crowd, sato, delivery


async def test_withdrawing_during_a_long_send_takes_effect_at_once(stage: Stage) -> None:
    crowd, sato, delivery = await half_sent(stage)
    had = {got["user"] for got in stage.line.received()}
    leaver = min(crowd - had)
    phone = await stage.pick_up(leaver)
    await phone.enter()
    await phone.arrive("held")
    await phone.page.click("#go-erase")
    await phone.page.click("#erase")
    await phone.arrive("erased")

    stage.line.clear_faults()
    await stage.finished(sato, delivery, "完了")
    got = [one["user"] for one in stage.line.received()]
    assert sorted(got) == sorted(crowd - {leaver})


async def test_the_stop_button_stops(stage: Stage) -> None:
    _, sato, delivery = await half_sent(stage)
    await sato.press("この配信を止める")
    had = len(stage.line.received())
    stage.line.clear_faults()
    await stage.finished(sato, delivery, "停止")
    # 次の配信が着いても、止めたものの続きは出ていない。
    await sato.request(title="次のお知らせ", everyone=True)
    nakamura = await stage.officer(stage.people.nakamura)
    await stage.finished(nakamura, await nakamura.approve("次のお知らせ"), "完了")
    assert len(stage.line.received()) == had + len(stage.line.people(5000))


async def test_stopping_the_account_holds_what_is_left_until_two_people_agree(stage: Stage) -> None:
    crowd, sato, delivery = await half_sent(stage)
    yoshida = await stage.officer(stage.people.yoshida)
    await yoshida.open("/console/stop")
    await yoshida.press("緊急以外を止める")
    await stage.finished(sato, delivery, "見合わせ")
    stage.line.clear_faults()
    had = len(stage.line.received())

    nakamura = await stage.officer(stage.people.nakamura)
    await nakamura.open("/console/stop")
    await nakamura.press("一人目として、再開を提案する")
    assert "もう一人の広報課の人を待っています" in await nakamura.words()
    await sato.open("/console/stop")
    await sato.press("二人目として認め、再開する")
    assert len(stage.line.received()) == had
    await sato.open(f"/console/deliveries/{delivery}")
    await sato.press("いま送る")
    await stage.finished(sato, delivery, "完了")
    assert sorted(one["user"] for one in stage.line.received()) == sorted(crowd)
