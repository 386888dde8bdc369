"""202で受け付け、あとで行われるメニューの仕事(LINE.md 1.1)。"""

import time
from typing import Any

import pytest

from tests.simulator.api import KEN, LIN, SAKURA, Api
from tests.simulator.running import RunningSimulator

MENUS = "/v2/bot/richmenu"


@pytest.fixture
def slow(line: RunningSimulator) -> RunningSimulator:
    """頼むまで終わらない仕事。"""
    line.account(job_seconds=3600)
    return line


def batch(api: Api, *operations: dict[str, Any], **more: Any) -> str:
    """(頼みの番号)。"""
    answer = api.post(f"{MENUS}/batch", {"operations": list(operations), **more})
    assert answer.status_code == 202, answer.text
    return answer.headers["x-line-request-id"]


def phase(api: Api, request_id: str) -> str:
    return api.get(f"{MENUS}/progress/batch", requestId=request_id).json()["phase"]


def linked_to(api: Api, menu_id: str, *users: str) -> None:
    for user in users:
        assert api.post(f"/v2/bot/user/{user}/richmenu/{menu_id}").status_code == 200


def test_a_bulk_link_is_accepted_first_and_done_later(slow: RunningSimulator, api: Api) -> None:
    menu_id = api.ready_menu()
    answer = api.post(f"{MENUS}/bulk/link", {"richMenuId": menu_id, "userIds": [SAKURA, KEN, LIN]})
    assert (answer.status_code, answer.json(), api.linked(SAKURA)) == (202, {}, None)
    assert slow.finish_jobs() == 1
    assert [api.linked(user) for user in (SAKURA, KEN, LIN)] == [menu_id, menu_id, None]


def test_by_itself_it_takes_a_moment(line: RunningSimulator, api: Api) -> None:
    menu_id = api.ready_menu()
    linked_to(api, menu_id, SAKURA)
    assert api.post(f"{MENUS}/bulk/unlink", {"userIds": [SAKURA]}).status_code == 202
    assert api.linked(SAKURA) == menu_id
    deadline = time.monotonic() + 5
    while api.linked(SAKURA) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert api.linked(SAKURA) is None


def test_one_malformed_id_fails_a_bulk_call_whole(slow: RunningSimulator, api: Api) -> None:
    answer = api.post(f"{MENUS}/bulk/link", {"richMenuId": api.ready_menu(), "userIds": ["x", SAKURA]})
    message = "The property, 'userIds[0]', in the request body is invalid (line: -, column: -)"
    assert (answer.status_code, answer.json(), slow.finish_jobs()) == (400, {"message": message}, 0)


def test_a_bulk_call_takes_500_ids_and_a_menu_that_exists(api: Api) -> None:
    ready = api.ready_menu()
    assert api.post(f"{MENUS}/bulk/link", {"richMenuId": ready, "userIds": [SAKURA] * 501}).status_code == 400
    assert api.post(f"{MENUS}/bulk/link", {"richMenuId": "richmenu-0", "userIds": [SAKURA]}).status_code == 404
    assert api.post(f"{MENUS}/bulk/unlink", {"userIds": []}).status_code == 400


def test_a_batch_moves_everyone_and_its_progress_can_be_read(slow: RunningSimulator, api: Api) -> None:
    old, new = api.ready_menu(), api.ready_menu()
    linked_to(api, old, SAKURA, KEN)
    request_id = batch(api, {"type": "link", "from": old, "to": new})
    assert (phase(api, request_id), api.linked(SAKURA)) == ("ongoing", old)
    slow.finish_jobs()
    progress = api.get(f"{MENUS}/progress/batch", requestId=request_id).json()
    assert (progress["phase"], set(progress)) == ("succeeded", {"phase", "acceptedTime", "completedTime"})
    assert [api.linked(user) for user in (SAKURA, KEN)] == [new, new]


def test_operations_do_not_chain(slow: RunningSimulator, api: Api) -> None:
    a, b, c = api.ready_menu(), api.ready_menu(), api.ready_menu()
    linked_to(api, a, SAKURA)
    linked_to(api, b, KEN)
    batch(api, {"type": "link", "from": a, "to": b}, {"type": "link", "from": b, "to": c})
    slow.finish_jobs()
    assert [api.linked(user) for user in (SAKURA, KEN)] == [b, c]


def test_unlink_all_frees_everyone(slow: RunningSimulator, api: Api) -> None:
    linked_to(api, api.ready_menu(), SAKURA)
    linked_to(api, api.ready_menu(), KEN)
    batch(api, {"type": "unlinkAll"})
    slow.finish_jobs()
    assert [api.linked(user) for user in (SAKURA, KEN)] == [None, None]


def test_unlink_frees_those_of_one_menu(slow: RunningSimulator, api: Api) -> None:
    one, other = api.ready_menu(), api.ready_menu()
    linked_to(api, one, SAKURA)
    linked_to(api, other, KEN)
    batch(api, {"type": "unlink", "from": one})
    slow.finish_jobs()
    assert [api.linked(user) for user in (SAKURA, KEN)] == [None, other]


def test_a_failed_batch_is_finished_by_its_resume_key(slow: RunningSimulator, api: Api) -> None:
    old, new = api.ready_menu(), api.ready_menu()
    linked_to(api, old, SAKURA, KEN)
    slow.fault(f"{MENUS}/batch", "batch_fails")
    operation = {"type": "link", "from": old, "to": new}
    failed = batch(api, operation, resumeRequestKey="release-7")
    slow.finish_jobs()
    assert (phase(api, failed), [api.linked(user) for user in (SAKURA, KEN)]) == ("failed", [new, old])
    linked_to(api, old, SAKURA)  # そのあと自分で戻した人には、二度は行わない
    resumed = batch(api, operation, resumeRequestKey="release-7")
    slow.finish_jobs()
    assert (phase(api, resumed), [api.linked(user) for user in (SAKURA, KEN)]) == ("succeeded", [old, new])


@pytest.mark.parametrize("path", ["batch", "validate/batch"])
def test_wrong_batches_are_refused(slow: RunningSimulator, api: Api, path: str) -> None:
    ready, bare = api.ready_menu(), api.create()
    wrong: list[list[dict[str, Any]]] = [
        [],
        [{"type": "link", "from": bare, "to": ready}, {"type": "unlink", "from": bare}],
        [{"type": "link", "from": ready, "to": bare}],
        [{"type": "unlinkAll"}, {"type": "unlink", "from": ready}],
        [{"type": "swap"}],
    ]
    slow.limits(enabled=False)
    for operations in wrong:
        assert api.post(f"{MENUS}/{path}", {"operations": operations}).status_code == 400
    good = {"operations": [{"type": "unlinkAll"}], "resumeRequestKey": "a b"}
    assert api.post(f"{MENUS}/{path}", good).status_code == 400
    assert slow.finish_jobs() == 0


def test_progress_is_forgotten_after_14_days(line: RunningSimulator, api: Api) -> None:
    request_id = batch(api, {"type": "unlinkAll"})
    line.clock(advance_seconds=14 * 24 * 3600 + 1)
    api.renew()
    assert api.get(f"{MENUS}/progress/batch", requestId=request_id).status_code == 404
    assert api.get(f"{MENUS}/progress/batch", requestId="none").status_code == 404
