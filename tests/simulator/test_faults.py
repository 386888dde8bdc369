"""頼まれた故障と、速さの上限。"""

import time

import httpx
import pytest

from tests.simulator.api import KEN, SAKURA, Api, menu, new_key
from tests.simulator.running import RunningSimulator


def test_500_before_accepts_nothing(line: RunningSimulator, api: Api) -> None:
    line.fault("multicast", "500_before")
    key = new_key()
    assert api.multicast([SAKURA], key=key).status_code == 500
    assert line.received() == []
    assert api.multicast([SAKURA], key=key).status_code == 200


def test_500_after_has_accepted_and_the_retry_says_so(line: RunningSimulator, api: Api) -> None:
    line.fault("multicast", "500_after")
    key = new_key()
    assert api.multicast([SAKURA], key=key).status_code == 500
    assert api.multicast([SAKURA], key=key).status_code == 409
    assert line.summary()["received"] == 1
    assert [call["status"] for call in line.calls("/multicast")] == [500, 409]


@pytest.mark.parametrize(("fault", "received"), [("reset_after", 1), ("reset_before", 0)])
def test_a_reset_connection_tells_nothing(line: RunningSimulator, api: Api, fault: str, received: int) -> None:
    line.fault("multicast", fault)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        api.multicast([SAKURA])
    assert line.summary()["received"] == received
    assert line.calls("/multicast")[0]["status"] == 0


@pytest.mark.parametrize(("fault", "received"), [("stall_after", 1), ("stall_before", 0)])
def test_a_stalled_answer_never_comes_in_time(line: RunningSimulator, api: Api, fault: str, received: int) -> None:
    line.fault("multicast", fault)
    body = {"to": [SAKURA], "messages": [{"type": "text", "text": "a"}]}
    with pytest.raises(httpx.ReadTimeout):
        line.http.post("/v2/bot/message/multicast", json=body, headers=api._headers, timeout=0.3)
    assert line.summary()["received"] == received


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("429_rate", "The API rate limit has been exceeded. Try again later."),
        ("429_quota", "You have reached your monthly limit."),
    ],
)
def test_the_two_meanings_of_429_differ_in_their_words(
    line: RunningSimulator, api: Api, fault: str, message: str
) -> None:
    line.fault("multicast", fault)
    answer = api.multicast([SAKURA])
    assert (answer.status_code, answer.json()) == (429, {"message": message})


def test_400_to_names_the_wanted_place(line: RunningSimulator, api: Api) -> None:
    line.fault("multicast", "400_to", index=1)
    assert "to[1]" in api.multicast([SAKURA, KEN]).json()["message"]
    assert line.received() == []


def test_every_third_twice(line: RunningSimulator, api: Api) -> None:
    line.fault("multicast", "500_before", every=3, times=2)
    assert [api.multicast([SAKURA]).status_code for _ in range(10)] == [
        200,
        200,
        500,
        200,
        200,
        500,
        200,
        200,
        200,
        200,
    ]


def test_a_fault_of_sending_leaves_validate_alone(line: RunningSimulator, api: Api) -> None:
    line.fault("multicast", "500_before", times=None)
    validated = api.post("/v2/bot/message/validate/multicast", {"messages": [{"type": "text", "text": "a"}]})
    assert validated.status_code == 200


@pytest.mark.parametrize("endpoint", ["bulk/link", "POST bulk/link", "/v2/bot/richmenu/bulk/*", ""])
def test_a_fault_can_name_a_path_a_method_or_everything(line: RunningSimulator, api: Api, endpoint: str) -> None:
    line.fault(endpoint, "500_before")
    assert api.post("/v2/bot/richmenu/bulk/link", {}).status_code == 500


def test_an_unknown_fault_is_told(line: RunningSimulator) -> None:
    answer = line.http.post("/_sim/faults", json={"endpoint": "multicast", "fault": "rain"})
    assert (answer.status_code, "500_after" in answer.json()["next_step"]) == (400, True)


def test_a_misspelt_name_is_told(line: RunningSimulator) -> None:
    assert line.http.post("/_sim/limits", json={"latency_ms": 20}).status_code == 400


# ── 速さ ──


def status_of(api: Api, times: int, call: str) -> list[int]:
    return [api.post(call, menu()).status_code for _ in range(times)]


def test_multicast_is_a_bucket_of_200_that_fills_at_200_a_second(line: RunningSimulator, api: Api) -> None:
    began = time.monotonic()
    statuses = [api.multicast([SAKURA]).status_code for _ in range(320)]
    allowed = statuses.count(200)
    assert statuses[:200] == [200] * 200
    assert allowed <= 201 + 200 * (time.monotonic() - began)


def test_an_empty_bucket_answers_429_and_fills_with_the_clock(line: RunningSimulator, api: Api) -> None:
    line.limits(empty=True)
    answer = api.broadcast()
    assert (answer.status_code, answer.json()["message"]) == (
        429,
        "The API rate limit has been exceeded. Try again later.",
    )
    line.clock(advance_seconds=61)
    assert [api.broadcast().status_code for _ in range(2)] == [200, 429], "60/時は一分に一つずつ戻る"


def test_creating_menus_is_100_an_hour_and_validating_is_not(line: RunningSimulator, api: Api) -> None:
    assert status_of(api, 101, "/v2/bot/richmenu") == [200] * 100 + [429]
    assert status_of(api, 2, "/v2/bot/richmenu/validate") == [200, 200]


def test_batches_are_three_an_hour(line: RunningSimulator, api: Api) -> None:
    operations = {"operations": [{"type": "unlinkAll"}]}
    assert [api.post("/v2/bot/richmenu/batch", operations).status_code for _ in range(4)] == [202, 202, 202, 429]
    assert api.post("/v2/bot/richmenu/validate/batch", operations).status_code == 200


def test_limits_can_be_lifted(line: RunningSimulator, api: Api) -> None:
    line.limits(enabled=False)
    assert [api.broadcast().status_code for _ in range(61)] == [200] * 61


def test_latency_is_added_to_every_answer(line: RunningSimulator, api: Api) -> None:
    line.limits(latency_seconds=0.05)
    began = time.monotonic()
    api.multicast([SAKURA])
    assert time.monotonic() - began >= 0.05
