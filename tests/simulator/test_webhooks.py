"""Webhook: 署名は届いたままのバイトに付き、届かなければ送り直し、重なりや順番の乱れも作れる(LINE.md 2)。"""

import base64
import hashlib
import hmac
from collections.abc import Iterator

import pytest

from tests.simulator.api import KEN, LIN, SAKURA, Api
from tests.simulator.receiver import Receiver, receiving
from tests.simulator.running import RunningSimulator


@pytest.fixture
def receiver(line: RunningSimulator) -> Iterator[Receiver]:
    with receiving() as receiver:
        line.webhook(receiver.url)
        yield receiver


def signature(line: RunningSimulator, raw: bytes) -> str:
    return base64.b64encode(hmac.new(line.channel_secret.encode(), raw, hashlib.sha256).digest()).decode()


def test_the_signature_covers_the_raw_bytes(line: RunningSimulator, receiver: Receiver) -> None:
    line.touch(SAKURA, "text", text="こんにちは🎒")
    post = receiver.wait(1)[0]
    assert post.signature == signature(line, post.raw)
    assert "こんにちは🎒".encode() in post.raw, "詰めたUTF-8で送る"
    assert b'": ' not in post.raw


def test_an_event_has_every_field_that_line_promises(line: RunningSimulator, receiver: Receiver, api: Api) -> None:
    line.block(SAKURA)
    line.unblock(SAKURA)
    line.touch(SAKURA, "postback", data="a=1", text="はい")
    receiver.wait(3)
    events = [post.events[0] for post in receiver.posts]
    common = {"type", "mode", "timestamp", "source", "webhookEventId", "deliveryContext"}
    assert [set(event) - common for event in events] == [
        set(),
        {"replyToken", "follow"},
        {"replyToken", "postback"},
    ]
    assert events[1]["follow"] == {"isUnblocked": True}
    assert {len(event["webhookEventId"]) for event in events} == {26}
    assert len({event["webhookEventId"] for event in events}) == 3


def test_the_sdk_reads_the_events(line: RunningSimulator, receiver: Receiver) -> None:
    from linebot.v3.webhook import WebhookParser
    from linebot.v3.webhooks import FollowEvent, MessageEvent, UnfollowEvent

    line.block(SAKURA)
    line.unblock(SAKURA)
    line.touch(SAKURA, "text", text="a")
    parser = WebhookParser(line.channel_secret)
    events = [parser.parse(post.raw.decode(), post.signature)[0] for post in receiver.wait(3)]
    assert [type(event) for event in events] == [UnfollowEvent, FollowEvent, MessageEvent]


def test_someone_who_blocks_receives_nothing_and_cannot_send(
    line: RunningSimulator, receiver: Receiver, api: Api
) -> None:
    line.block(SAKURA)
    api.multicast([SAKURA])
    assert line.received() == []
    answer = line.http.post(f"/phone/api/people/{SAKURA}/text", json={"text": "a"})
    assert (answer.status_code, answer.json()["message"]) == (409, "ブロック中は送れません。")
    assert [event["event"]["type"] for event in line.webhooks()] == ["unfollow"]


def test_blocking_twice_tells_once(line: RunningSimulator, receiver: Receiver) -> None:
    line.block(SAKURA)
    line.block(SAKURA)
    line.block(LIN)
    assert [event["event"]["type"] for event in line.webhooks()] == ["unfollow"]


def test_what_was_not_answered_with_200_is_sent_again_and_says_so(line: RunningSimulator, receiver: Receiver) -> None:
    receiver.statuses = [500, 503]
    line.block(SAKURA)
    for count in (1, 2):
        receiver.wait(count)
        line.send_webhooks(retry_now=True)
    events = [post.events[0] for post in receiver.wait(3)]
    assert [event.pop("deliveryContext")["isRedelivery"] for event in events] == [False, True, True]
    assert events[0] == events[1] == events[2]


def test_without_redelivery_a_lost_event_is_lost(line: RunningSimulator, receiver: Receiver) -> None:
    line.webhook(receiver.url, redelivery=False)
    receiver.statuses = [500]
    line.block(SAKURA)
    receiver.wait(1)
    line.touch(KEN, "text", text="a")
    receiver.wait(2)
    assert receiver.kinds == ["unfollow", "message"]
    assert line.webhooks()[0]["state"] == "failed"


def test_an_answer_after_two_seconds_is_too_late(line: RunningSimulator, receiver: Receiver) -> None:
    receiver.pause = 2.3
    assert line.send_webhooks(events=[]) == [0]


def test_duplicates_and_another_order_can_be_made(line: RunningSimulator, receiver: Receiver) -> None:
    line.block(SAKURA)
    line.unblock(SAKURA)
    receiver.wait(2)
    assert line.send_webhooks(repeat=2, shuffle=True, redelivery=False) == [200] * 4
    ids = [post.events[0]["webhookEventId"] for post in receiver.posts]
    assert (len(ids), len(set(ids))) == (6, 2)
    assert not any(post.events[0]["deliveryContext"]["isRedelivery"] for post in receiver.posts)


def test_events_of_several_people_can_come_in_one_post(line: RunningSimulator, receiver: Receiver) -> None:
    line.block(SAKURA)
    line.block(KEN)
    receiver.wait(2)
    line.send_webhooks(repeat=1, together=True)
    assert [event["source"]["userId"] for event in receiver.posts[2].events] == [SAKURA, KEN]


def test_a_wrong_signature_can_be_sent(line: RunningSimulator, receiver: Receiver) -> None:
    line.send_webhooks(events=[], signature="bm90IGl0")
    assert receiver.posts[0].signature == "bm90IGl0"


def test_the_endpoint_is_set_read_and_tried_through_the_api(line: RunningSimulator, api: Api) -> None:
    assert api.get("/v2/bot/channel/webhook/endpoint").status_code == 404
    assert api.put("/v2/bot/channel/webhook/endpoint", {"endpoint": "http://ward.example.jp/"}).status_code == 400
    with receiving() as receiver:
        assert api.put("/v2/bot/channel/webhook/endpoint", {"endpoint": receiver.url}).json() == {}
        told = api.get("/v2/bot/channel/webhook/endpoint").json()
        assert told == {"endpoint": receiver.url, "active": True}
        tried = api.post("/v2/bot/channel/webhook/test").json()
        assert (tried["success"], tried["statusCode"], receiver.posts[0].events) == (True, 200, [])
    failed = api.post("/v2/bot/channel/webhook/test", {"endpoint": "http://127.0.0.1:9/"}).json()
    assert (failed["success"], failed["statusCode"], failed["reason"]) == (False, 0, "COULD_NOT_CONNECT")
