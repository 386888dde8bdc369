"""殺されても: 何も失われず、だれにも二度届かず、人の手を借りずに終わる(CHECKS I1、I2、D1、D3、D7)。

画面、送り手、模擬LINE、PostgreSQLのそれぞれを、物語の節目ごとに kill -9(PostgreSQLは電源断と同じ止め方)で倒し、起こし直す。
"""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.stories.staging import PATIENCE, Stage, lives_here

UNIT = 500
BULK = 3 * UNIT + 100  # 4送信単位


@pytest.mark.parametrize("victim", ["web", "worker", "simulator", "database", "everything"])
async def test_whoever_dies_at_whatever_moment_everyone_gets_it_exactly_once(stage: Stage, victim: str) -> None:
    crowd = await stage.crowd(BULK, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)

    _, number = await tanaka.request()
    if victim != "everything":  # 全部は、いちばん悪い一瞬だけ。ほかの節目は、一つずつで確かめている
        await stage.strike(victim)  # 提出の直後
    assert stage.line.received() == []

    # 初めの呼び出しは受け付けられる。次は受け付けられて返事が来ない。残りは断られ続ける。
    unheard = "reset_after" if victim == "web" else "stall_after"
    stage.let_through(1, unheard)
    delivery = await sato.approve()
    if victim != "everything":
        await stage.strike(victim)  # 承認の直後

    await second_accepted(stage, unheard)
    await stage.strike(victim)  # 送る途中。一つは、LINEが受け付けたのに、返事が来ていない

    stage.line.limits(latency_seconds=0.3)
    stage.line.clear_faults()
    if victim != "everything":
        await stage.until(lambda: accepted(stage) >= 3)
        await stage.strike(victim)  # 呼び出しが空にある間

    await stage.finished(sato, delivery, "完了")
    assert stage.got(number) == dict.fromkeys(crowd, 1)
    assert stage.line.summary()["twice"] == 0
    calls = stage.line.calls("multicast")
    print(f"{victim}: 呼び出し{len(calls)}回、状態 {sorted({call['status'] for call in calls})}")
    assert len({call["retry_key"] for call in calls}) == 4, "一つの送信単位に、二つの鍵が使われた"
    bodies = {(one["messages"][0]["text"], one["silent"]) for one in stage.line.received()}
    assert len(bodies) == 1


async def second_accepted(stage: Stage, unheard: str) -> None:
    """二つめが受け付けられるまで。一つめの送り直しが故障を使い切っていれば、仕掛け直す。"""
    for _ in range(30):
        try:
            return await stage.until(lambda: accepted(stage) >= 2, seconds=PATIENCE / 60)
        except AssertionError:
            stage.line.clear_faults()
            stage.let_through(0, unheard, unheard)
    raise AssertionError(f"二つめが受け付けられません\n{stage.worker.log()[-2000:]}")


def accepted(stage: Stage) -> int:
    """LINEが受け付けた送信単位の数。返事が届いたかは問わない。"""
    return len({one["request_id"] for one in stage.line.received()})


async def test_an_approval_pressed_as_the_web_dies_is_one_delivery_or_none(stage: Stage) -> None:
    crowd = await stage.crowd(20, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    request_id, number = await tanaka.request()
    await sato.open(f"/console/review/{request_id}")
    await sato.page.get_by_role("button", name="この内容で承認する").click(no_wait_after=True)
    await stage.strike("web")

    sato.page = await sato.page.context.new_page()  # 返事の来ない窓は置いて、新しい窓で開き直す
    await sato.open(f"/console/review/{request_id}")
    if "この内容で承認する" in await sato.words():
        await sato.press("この内容で承認する")
    await stage.reached(20)
    await sato.open("/console/deliveries")
    assert await sato.page.locator("main .row").count() == 1
    assert stage.got(number) == dict.fromkeys(crowd, 1)


async def test_an_open_status_page_does_not_hold_up_a_deploy(stage: Stage) -> None:
    """配信の画面を開いたままの人がいても、画面のサーバーはすぐ入れ替わり、その画面は自分でつなぎ直す。"""
    await stage.crowd(20, lives_here)
    tanaka, sato = await stage.officer(stage.people.tanaka), await stage.officer(stage.people.sato)
    await tanaka.request()
    stage.let_through(0)  # 送っている途中にとどめる
    async with sato.page.expect_request("**/events"):
        delivery = await sato.approve()

    said, began = len(stage.web.log()), time.monotonic()
    await asyncio.to_thread(stage.web.stop)
    assert time.monotonic() - began < 3, "開いたままの流れを、猶予の終わりまで待った"
    assert "Traceback" not in stage.web.log()[said:]

    await asyncio.to_thread(stage.web.start, stage.settings)
    stage.line.clear_faults()
    await stage.finished(sato, delivery, "完了")
