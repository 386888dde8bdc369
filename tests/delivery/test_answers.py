"""LINEの返事ごとに: 聞こえなかった受付、断られた一人、断られた送信単位、天気(CHECKS D3, D5, D6)。"""

import json

import pytest

from backend.delivery import decisions
from backend.line.gateway import Gateway
from backend.store import work
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET
from tests.delivery.conftest import APPROVER, HONGO, approved, package, sending, total, until


async def batches(delivery):
    return await work.sql("select * from delivery_batch where delivery_id = $1 order by position", delivery)


@pytest.mark.parametrize("fault", ["500_after", "reset_after", "stall_after"])
async def test_an_acceptance_that_was_not_heard_is_booked_under_lines_own_id(crowd, noon, keys, simulator, fault):
    await crowd(2_600)
    impatient = Gateway(simulator.url, CHANNEL_ID, CHANNEL_SECRET, send_timeout=0.8)
    simulator.fault("multicast", fault, every=2, times=2)
    async with sending(impatient, keys):
        delivery = await approved(package(noon))
        done = await until(delivery)
    await impatient.close()
    assert (done.state.value, done.accepted) == ("sent", 2_600)
    assert simulator.summary()["twice"] == 0
    # 届いた呼び出しの番号だけが、受付の番号として書かれている。
    delivered = {got["request_id"] for got in simulator.received()}
    assert {row["line_request_id"] for row in await batches(delivery)} == delivered


@pytest.mark.parametrize("fault", ["500_before", "reset_before", "429_rate"])
async def test_a_call_that_was_not_accepted_is_tried_again_with_the_same_key(
    crowd, noon, gateway, keys, simulator, fault
):
    await crowd(1_600)
    simulator.fault("multicast", fault, every=2, times=3)
    async with sending(gateway, keys):
        done = await until(await approved(package(noon)))
    assert (done.state.value, done.accepted) == ("sent", 1_600)
    assert len({call["retry_key"] for call in simulator.calls("multicast")}) == 4
    assert simulator.summary() == {**simulator.summary(), "people": 1_600, "twice": 0}


async def test_one_malformed_id_is_dropped_and_the_rest_get_it_under_a_new_key(crowd, noon, gateway, keys, simulator):
    await crowd(700)
    simulator.fault("multicast", "400_to", times=1, index=3)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        done = await until(delivery)
    assert (done.state.value, done.accepted, done.refused, total(done)) == ("partly_failed", 699, 1, 700)
    assert simulator.summary()["people"] == 699
    assert len({call["retry_key"] for call in simulator.calls("multicast")}) == 3


async def test_a_refusal_after_an_unheard_try_is_left_unknown(crowd, noon, gateway, keys, simulator):
    await crowd(300)
    simulator.fault("multicast", "500_after", times=1)
    simulator.fault("multicast", "400_to", every=1, times=1)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        done = await until(delivery)
    assert (done.state.value, done.unknown, total(done)) == ("unknown", 300, 300)
    assert simulator.summary()["twice"] == 0


async def test_a_refused_batch_can_be_sent_again_and_touches_nobody_else(crowd, noon, gateway, keys, simulator):
    await crowd(1_400)
    simulator.fault("multicast", "403", times=1)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        failed = await until(delivery)
        before = len(simulator.received())
        assert (failed.state.value, failed.accepted, total(failed)) == ("partly_failed", before, 1_400)
        await work.run(decisions.resend_refused, APPROVER, delivery)
        done = await until(delivery, lambda s: s.state.value == "sent")
    assert (done.accepted, done.refused) == (1_400, 0)
    assert len(simulator.received()) == before + failed.refused
    assert simulator.summary()["twice"] == 0


async def test_bad_weather_is_weathered_with_few_tries(crowd, noon, gateway, keys, simulator):
    await crowd(5_000)
    simulator.fault("multicast", "500_before", every=5, times=None)
    async with sending(gateway, keys):
        done = await until(await approved(package(noon)))
    calls = simulator.calls("multicast")
    print(f"10の送信単位に{len(calls)}回")
    assert done.accepted == 5_000
    assert len(calls) <= 20


async def test_being_told_too_fast_slows_the_sender_down_and_loses_nobody(crowd, noon, gateway, keys, simulator):
    await crowd(6_000)
    await gateway.quota()  # チャネルトークンは先に取っておく
    simulator.limits(empty=True)
    async with sending(gateway, keys):
        done = await until(await approved(package(noon)))
    too_fast = [call["status"] for call in simulator.calls("multicast")].count(429)
    print(f"12の送信単位で、速すぎると言われたのは{too_fast}回")
    assert done.accepted == 6_000
    assert too_fast <= 12


async def test_a_quota_that_runs_out_midway_stops_and_says_so(crowd, noon, gateway, keys, simulator):
    await crowd(1_400)
    simulator.fault("multicast", "429_quota", every=3, times=None)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        await until(delivery, lambda s: s.state.value == "held")
    held = await until(delivery, lambda s: True)
    assert (held.reason.value, held.accepted) == ("quota", len(simulator.received()))
    assert (total(held), held.refused, held.unknown) == (1_400, 0, 0)


async def test_lines_own_bytes_are_the_approved_bytes(crowd, noon, gateway, keys, simulator):
    await crowd(30)
    words = '改行\nと「かぎ」と😀と\\と"と'
    made = package(
        noon, bodies={"ja": json.dumps([{"type": "text", "text": words}], ensure_ascii=False).encode()}, address=HONGO
    )
    async with sending(gateway, keys):
        await until(await approved(made))
    assert {got["messages"][0]["text"] for got in simulator.received()} == {words}
