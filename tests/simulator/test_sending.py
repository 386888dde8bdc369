"""送る: 届く人、断りの言葉、再試行の鍵、上限と実績(LINE.md 1.2)。"""

import hashlib
import json
from datetime import timedelta, timezone

import pytest

from tests.simulator.api import HELLO, KEN, LIN, SAKURA, STRANGER, Api, new_key
from tests.simulator.running import RunningSimulator

JST = timezone(timedelta(hours=9))


def test_only_friends_who_do_not_block_receive_and_are_counted(line: RunningSimulator, api: Api) -> None:
    answer = api.multicast([SAKURA, LIN, STRANGER])
    assert (answer.status_code, answer.json(), bool(answer.headers["x-line-request-id"])) == (200, {}, True)
    assert [got["user"] for got in line.received()] == [SAKURA]
    assert api.get("/v2/bot/message/quota/consumption").json() == {"totalUsage": 1}


def test_the_ledger_keeps_what_was_asked_and_what_arrived(line: RunningSimulator, api: Api) -> None:
    key = new_key()
    api.multicast([SAKURA, STRANGER], key=key, notificationDisabled=True)
    call, got = line.calls("/multicast")[0], line.received()[0]
    assert (call["recipients"], call["status"], call["retry_key"]) == ([SAKURA, STRANGER], 200, key)
    assert (got["messages"], got["silent"], got["request_id"]) == (HELLO, True, call["request_id"])


def test_the_ledger_names_the_bytes_by_their_hash(line: RunningSimulator, api: Api) -> None:
    body = json.dumps({"to": [SAKURA], "messages": HELLO}).encode()
    headers = {**api._headers, "content-type": "application/json"}
    line.http.post("/v2/bot/message/multicast", content=body, headers=headers)
    assert line.calls("/multicast")[0]["body_sha256"] == hashlib.sha256(body).hexdigest()


def test_one_malformed_id_fails_the_whole_call_and_is_named(line: RunningSimulator, api: Api) -> None:
    answer = api.multicast([SAKURA, "U123", KEN])
    message = "The property, to[1], in the request body is invalid (line: -, column: -)"
    assert (answer.status_code, answer.json()) == (400, {"message": message})
    assert line.received() == []
    assert line.calls("/multicast")[0]["recipients"] == [SAKURA, KEN]


def test_unknown_ids_can_be_made_to_fail_the_call(line: RunningSimulator, api: Api) -> None:
    line.account(refuse_unknown=True)
    assert "to[0]" in api.multicast([STRANGER, SAKURA]).json()["message"]


@pytest.mark.parametrize("to", [[], [SAKURA] * 501, SAKURA])
def test_a_call_takes_one_to_five_hundred_ids(api: Api, to: list[str]) -> None:
    assert api.multicast(to).status_code == 400


def test_an_id_written_twice_is_shown_twice_so_that_the_judge_sees_it(line: RunningSimulator, api: Api) -> None:
    api.multicast([SAKURA, SAKURA])
    assert (line.summary()["received"], line.summary()["twice"]) == (2, 1)


def test_broadcast_reaches_every_friend(line: RunningSimulator, api: Api) -> None:
    assert api.broadcast().status_code == 200
    assert {got["user"] for got in line.received()} == {SAKURA, KEN}
    assert line.calls("/broadcast")[0]["recipients"] == [SAKURA, KEN]


@pytest.mark.parametrize("kind", ["push", "reply", "narrowcast"])
def test_other_ways_to_send_are_refused_and_recorded(line: RunningSimulator, api: Api, kind: str) -> None:
    answer = api.post(f"/v2/bot/message/{kind}", {"to": SAKURA, "messages": HELLO})
    assert (answer.status_code, answer.json()["message"]) == (
        403,
        "Access to this API is not available for your account",
    )
    assert line.calls(f"/{kind}")[0]["status"] == 403
    assert line.received() == []


def test_a_path_line_does_not_have_is_recorded_too(line: RunningSimulator, api: Api) -> None:
    assert api.post("/v2/bot/message/everyone", {}).status_code == 404
    assert line.calls("/everyone")[0]["status"] == 404


# ── 再試行の鍵 ──


def test_a_repeated_key_is_answered_as_already_accepted(line: RunningSimulator, api: Api) -> None:
    key = new_key()
    first = api.multicast([SAKURA], key=key)
    again = api.multicast([SAKURA], key=key.upper())
    assert (again.status_code, again.json()) == (409, {"message": "The retry key is already accepted"})
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert again.headers["x-line-request-id"] != first.headers["x-line-request-id"]
    assert line.summary()["received"] == 1


def test_a_key_lives_24_hours_and_then_sends_again(line: RunningSimulator, api: Api) -> None:
    key = new_key()
    api.multicast([SAKURA], key=key)
    line.clock(advance_seconds=24 * 3600 - 5)
    api.renew()
    assert api.multicast([SAKURA], key=key).status_code == 409
    line.clock(advance_seconds=10)
    assert api.multicast([SAKURA], key=key).status_code == 200
    assert line.summary()["twice"] == 1


def test_a_refused_call_does_not_use_up_its_key(line: RunningSimulator, api: Api) -> None:
    key = new_key()
    assert api.multicast(["x"], key=key).status_code == 400
    assert api.multicast([SAKURA], key=key).status_code == 200


def test_another_body_under_a_known_key_is_409_unless_the_switch_says_400(line: RunningSimulator, api: Api) -> None:
    key = new_key()
    api.multicast([SAKURA], key=key)
    assert api.multicast([KEN], key=key).status_code == 409
    line.fault("multicast", "body_mismatch", times=None)
    assert api.multicast([KEN], key=key).status_code == 400
    assert api.multicast([SAKURA], key=key).status_code == 409


def test_a_key_that_is_no_uuid_is_refused(api: Api) -> None:
    assert api.multicast([SAKURA], key="1").status_code == 400


@pytest.mark.parametrize("path", ["/v2/bot/richmenu/validate", "/v2/bot/message/validate/multicast"])
def test_a_key_on_any_other_endpoint_is_an_error_by_itself(api: Api, path: str) -> None:
    answer = api.post(path, {"messages": HELLO}, key=new_key())
    assert (answer.status_code, "retry key" in answer.json()["message"]) == (400, True)


# ── 確かめ、上限、実績 ──


@pytest.mark.parametrize(
    ("messages", "message", "where"),
    [
        ([], "Size must be between 1 and 5", "messages"),
        (HELLO * 6, "Size must be between 1 and 5", "messages"),
        ([{"type": "text", "text": "あ" * 5001}], "Length must be between 0 and 5000", "messages[0].text"),
        ([{"type": "text", "text": "🎒" * 2501}], "Length must be between 0 and 5000", "messages[0].text"),
        ([*HELLO, {"type": "text", "text": ""}], "May not be empty", "messages[1].text"),
        (
            [{"type": "flex", "altText": "あ" * 1501, "contents": {"type": "bubble"}}],
            "Length must be between 0 and 1500",
            "messages[0].altText",
        ),
    ],
)
def test_wrong_messages_are_refused_alike_by_validate_and_by_sending(
    line: RunningSimulator, api: Api, messages: list[dict[str, str]], message: str, where: str
) -> None:
    told = {"message": "The request body has 1 error(s)", "details": [{"message": message, "property": where}]}
    assert api.post("/v2/bot/message/validate/multicast", {"messages": messages}).json() == told
    assert api.multicast([SAKURA], messages=messages).json() == told
    assert line.received() == []


def test_right_messages_validate_without_sending(line: RunningSimulator, api: Api) -> None:
    text = [{"type": "text", "text": "🎒" * 2500}]
    for kind in ("reply", "push", "multicast", "narrowcast", "broadcast"):
        assert api.post(f"/v2/bot/message/validate/{kind}", {"messages": text}).json() == {}
    assert line.received() == []


def test_a_body_that_is_no_json_is_refused(line: RunningSimulator, api: Api) -> None:
    assert line.http.post("/v2/bot/message/multicast", content=b"{", headers=api._headers).status_code == 400


def test_a_body_over_two_megabytes_is_413(api: Api) -> None:
    assert api.multicast([SAKURA], messages=[{"type": "text", "text": "a" * 2_000_000}]).status_code == 413


def test_the_monthly_limit_counts_people_console_sends_and_reservations(line: RunningSimulator, api: Api) -> None:
    assert api.get("/v2/bot/message/quota").json() == {"type": "none"}
    line.account(quota=10, used=5, reserved=4)
    assert api.get("/v2/bot/message/quota").json() == {"type": "limited", "value": 10}
    refused = api.multicast([SAKURA, KEN])
    assert (refused.status_code, refused.json()["message"]) == (429, "You have reached your monthly limit.")
    assert api.multicast([SAKURA, LIN]).status_code == 200
    assert api.get("/v2/bot/message/quota/consumption").json() == {"totalUsage": 6}


def test_the_count_of_a_day_is_ready_on_the_next_day(line: RunningSimulator, api: Api) -> None:
    day = line.now().astimezone(JST).strftime("%Y%m%d")
    api.multicast([SAKURA, KEN])
    assert api.get("/v2/bot/message/delivery/multicast", date=day).json() == {"status": "unready"}
    line.clock(advance_seconds=24 * 3600)
    api.renew()
    assert api.get("/v2/bot/message/delivery/multicast", date=day).json() == {"status": "ready", "success": 2}
    assert api.get("/v2/bot/message/delivery/broadcast", date=day).json() == {"status": "ready", "success": 0}
    assert api.get("/v2/bot/message/delivery/push", date="20200101").json() == {"status": "out_of_service"}


def test_an_aggregation_unit_tells_only_nulls(api: Api) -> None:
    assert api.multicast([SAKURA], customAggregationUnits=["bosai_2026"]).status_code == 200
    assert api.multicast([SAKURA], customAggregationUnits=["a-b"]).status_code == 400
    assert api.get("/v2/bot/message/aggregation/list").json() == {"customAggregationUnits": ["bosai_2026"]}
    asked = {"customAggregationUnit": "bosai_2026", "from": "20261101", "to": "20261102"}
    assert set(api.get("/v2/bot/insight/message/event/aggregation", **asked).json()["overview"].values()) == {None}
