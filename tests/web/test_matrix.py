"""道 × 役割 × 持ち主の表(CHECKS S2)。道はアプリケーションから集め、開いてよい役割はここに書く。

扉を足したら、この表に一行を足す。書かれていない扉があれば、この試験が落ちる。
"""

from collections.abc import Iterator
from typing import Any

import pytest

from backend.permissions import Actor, Permission, Role
from backend.settings import Settings
from backend.store import work
from tests import cast
from tests.cast import Cast, Console
from tests.console_fixtures import Opening, app, console, people

__all__ = ["app", "console", "people"]

ALL = set(Role)
SECTION = {Role.SECTION_STAFF, Role.SECTION_CHIEF}
PR = {Role.PR, Role.PR_CHIEF}
ADMIN = {Role.ADMINISTRATOR}
PRIVACY = {Role.PRIVACY_OFFICER}
WRITERS = SECTION | PR
SEES_DELIVERIES = WRITERS | ADMIN | {Role.NIGHT_WATCH}
STOPS = PR | ADMIN | {Role.NIGHT_WATCH, Role.SECTION_CHIEF}
ANYONE: set[Role] | None = None  # サインインの前に開く

EXPECTED: dict[tuple[str, str], set[Role] | None] = {
    ("GET", "/console"): ALL,
    ("GET", "/console/sign-in"): ANYONE,
    ("POST", "/console/sign-in"): ANYONE,
    ("GET", "/console/invitation/{token:str}"): ANYONE,
    ("POST", "/console/invitation/{token:str}"): ANYONE,
    ("POST", "/console/sign-out"): ALL,
    ("POST", "/console/sign-out-everywhere"): ALL,
    ("GET", "/console/messages"): WRITERS,
    ("GET", "/console/messages/new"): WRITERS,
    ("POST", "/console/messages/new"): WRITERS,
    ("POST", "/console/messages/live"): WRITERS,
    ("GET", "/console/messages/{request_id:int}"): WRITERS,
    ("POST", "/console/messages/{request_id:int}"): WRITERS,
    ("GET", "/console/messages/{request_id:int}/submit"): WRITERS,
    ("POST", "/console/messages/{request_id:int}/confirm"): WRITERS,  # その課の課長かは、動詞が決める
    ("POST", "/console/messages/{request_id:int}/submit"): WRITERS,
    ("POST", "/console/messages/{request_id:int}/withdraw"): WRITERS,
    ("GET", "/console/messages/reminders"): PR,
    ("POST", "/console/messages/reminders"): PR,
    ("GET", "/console/review"): PR,
    ("GET", "/console/review/{request_id:int}"): PR,
    ("POST", "/console/review/{request_id:int}/approve"): PR,
    ("POST", "/console/review/{request_id:int}/return"): PR,
    ("GET", "/console/segments"): WRITERS,
    ("POST", "/console/segments"): WRITERS,
    ("GET", "/console/staff"): ADMIN,
    ("GET", "/console/staff/new"): ADMIN,
    ("POST", "/console/staff/new"): ADMIN,
    ("GET", "/console/staff/{staff_id:int}/change"): ADMIN,
    ("POST", "/console/staff/{staff_id:int}/assign"): ADMIN,
    ("POST", "/console/staff/{staff_id:int}/leave"): ADMIN,
    ("POST", "/console/staff/changes/{change_id:int}/confirm"): ADMIN,
    ("POST", "/console/staff/changes/{change_id:int}/withdraw"): ADMIN,
    ("POST", "/console/staff/{staff_id:int}/deactivate"): ADMIN,
    ("POST", "/console/staff/{staff_id:int}/sign-out"): ADMIN,
    ("POST", "/console/staff/{staff_id:int}/remove-factor"): ADMIN,
    ("GET", "/console/sign-in/code"): ANYONE,
    ("POST", "/console/sign-in/code"): ANYONE,
    ("GET", "/console/factor"): ALL,
    ("POST", "/console/factor/new"): ALL,
    ("POST", "/console/factor/confirm"): ALL,
    ("POST", "/console/factor/remove"): ALL,
    ("GET", "/console/deliveries"): SEES_DELIVERIES,
    ("GET", "/console/deliveries/{delivery_id:int}"): SEES_DELIVERIES,
    ("GET", "/console/deliveries/{delivery_id:int}/live"): SEES_DELIVERIES,
    ("GET", "/console/deliveries/{delivery_id:int}/events"): SEES_DELIVERIES,
    ("POST", "/console/deliveries/{delivery_id:int}/stop"): STOPS,
    ("POST", "/console/deliveries/{delivery_id:int}/release"): PR,
    ("POST", "/console/deliveries/{delivery_id:int}/postpone"): PR,
    ("POST", "/console/deliveries/{delivery_id:int}/give-up"): PR,
    ("POST", "/console/deliveries/{delivery_id:int}/unknown"): PR,
    ("POST", "/console/deliveries/{delivery_id:int}/resend"): PR,
    ("POST", "/console/brakes/{feed:str}/close"): PR,
    ("GET", "/console/stop"): SEES_DELIVERIES,
    ("POST", "/console/stop"): SEES_DELIVERIES,  # 何を押せるかは、動詞がRULESの表で決める
    ("GET", "/console/links"): WRITERS,
    ("GET", "/console/links/new"): WRITERS,
    ("POST", "/console/links/new"): WRITERS,
    ("GET", "/console/links/{code:str}"): WRITERS,
    ("GET", "/console/links/{code:str}/edit"): WRITERS,
    ("POST", "/console/links/{code:str}/edit"): WRITERS,
    ("POST", "/console/links/{code:str}/retire"): WRITERS,
    ("POST", "/console/links/{code:str}/check"): WRITERS,
    ("GET", "/console/links/{code:str}/taps.csv"): WRITERS,
    ("GET", "/console/links/{code:str}/changes.csv"): WRITERS,
    ("POST", "/console/links/proposals/{proposal_id:int}/approve"): PR,
    ("POST", "/console/links/proposals/{proposal_id:int}/decline"): WRITERS,
    ("GET", "/console/menus"): PR,
    ("GET", "/console/menus/{version_id:int}"): PR,
    ("GET", "/console/menus/{version_id:int}/image/{position:int}"): PR,
    ("GET", "/console/menus/runs/{run_id:int}"): PR,
    ("POST", "/console/menus/runs/{run_id:int}/resume"): PR,
    ("POST", "/console/menus/runs/{run_id:int}/abandon"): PR,
    ("GET", "/console/menus/following"): SEES_DELIVERIES,
    ("POST", "/console/menus/{version_id:int}/submit"): PR,
    ("POST", "/console/menus/{version_id:int}/approve"): PR,
    ("POST", "/console/menus/{version_id:int}/return"): PR,
    ("POST", "/console/menus/{version_id:int}/withdraw"): PR,
    ("POST", "/console/menus/{version_id:int}/copy"): PR,
    ("POST", "/console/menus/{version_id:int}/apply"): PR,
    ("POST", "/console/menus/follow"): PR | {Role.SECTION_CHIEF},
    ("GET", "/console/menus/new"): PR,
    ("POST", "/console/menus/new"): PR,
    ("GET", "/console/menus/{version_id:int}/edit"): PR,
    ("POST", "/console/menus/{version_id:int}/edit"): PR,
    ("POST", "/console/menus/preview"): PR,
    ("GET", "/console/menus/artwork"): PR,
    ("POST", "/console/menus/artwork"): PR,
    ("GET", "/console/menus/artwork/{name:str}"): PR,
    ("POST", "/console/menus/schedules"): PR,
    ("POST", "/console/menus/schedules/{schedule_id:int}/approve"): PR,
    ("POST", "/console/menus/schedules/{schedule_id:int}/cancel"): PR,
    ("GET", "/console/menus/statistics"): PR,
    ("GET", "/console/menus/statistics.csv"): PR,
    ("POST", "/console/consent/{number:int}/drop"): PR | PRIVACY,
    ("GET", "/console/consent"): PR | PRIVACY,
    ("GET", "/console/consent/new"): PR | PRIVACY,
    ("POST", "/console/consent/new"): PR | PRIVACY,
    ("GET", "/console/consent/{number:int}"): PR | PRIVACY,
    ("POST", "/console/consent/{number:int}/publish"): {Role.PR_CHIEF} | PRIVACY,
    ("GET", "/console/rights"): PRIVACY,
    ("POST", "/console/rights"): PRIVACY,
    ("GET", "/console/rights/{case:uuid}"): PRIVACY,
    ("POST", "/console/rights/{case:uuid}/correct"): PRIVACY,
    ("POST", "/console/rights/{case:uuid}/stop"): PRIVACY,
    ("GET", "/console/rights/incident"): PRIVACY | ADMIN,
    ("POST", "/console/rights/incident/close"): PRIVACY | ADMIN,
    ("POST", "/console/rights/incident/reopen"): PRIVACY | ADMIN,
    ("POST", "/console/rights/incident/records"): PRIVACY | ADMIN,
    ("POST", "/console/rights/incident/records/{number:int}"): PRIVACY | ADMIN,
    ("POST", "/console/rights/incident/records/{number:int}/end"): PRIVACY | ADMIN,
    ("GET", "/console/audit"): {Role.PR_CHIEF, Role.ADMINISTRATOR, Role.PRIVACY_OFFICER},
}


def doors(app: Any) -> Iterator[tuple[str, str, Any]]:
    """(方法, 道, 扉)。コンソールの道と、権限を宣言した扉のすべて。"""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if route.path.startswith("/console") or "permission" in handler.opt:
                for method in sorted(handler.http_methods - {"HEAD", "OPTIONS"}):
                    yield method, route.path, handler


def filled(path: str) -> str:
    """道の変わる所に、在りもしない相手を入れる。"""
    for kind, value in ((":int}", "999999"), (":uuid}", "00000000-0000-4000-8000-000000000000"), (":str}", "x" * 43)):
        while kind in path:
            start = path.rindex("{", 0, path.index(kind))
            path = path[:start] + value + path[path.index(kind) + len(kind) :]
    return path


async def call(browser: Console, method: str, path: str) -> int:
    send = browser.get if method == "GET" else browser.post
    return (await send(filled(path))).status_code


def test_every_console_door_is_in_the_table(app: Any) -> None:
    found = {(method, path) for method, path, _ in doors(app)}
    assert found == set(EXPECTED), found ^ set(EXPECTED)


def test_every_console_door_declares_a_permission(app: Any) -> None:
    for method, path, handler in doors(app):
        declared = isinstance(handler.opt.get("permission"), Permission)
        assert declared is not bool(handler.opt.get("open_to_all")), (method, path)
        assert declared is (EXPECTED[method, path] is not ANYONE), (method, path)


async def test_each_role_opens_exactly_what_the_table_says(app: Any, console: Opening, people: Cast) -> None:
    surprises: list[str] = []
    cells = 0
    for actor in people.actors:
        for method, path, _ in doors(app):
            browser = await console(actor)  # 一つの操作でサインアウトしても、次に響かない
            status = await call(browser, method, path)
            roles = EXPECTED[method, path]
            cells += 1
            if (status == 403) is (roles is ANYONE or actor.role in roles) or status in (401, 500):
                surprises.append(f"{actor.role.value} {method} {path} → {status}")
    assert not surprises, "\n".join(surprises)
    assert cells == len(EXPECTED) * len(people.actors)


async def test_without_a_session_only_the_open_doors_open(app: Any, settings: Settings, people: Cast) -> None:
    browser = Console(cast.browser(app, settings), "")
    for method, path, _ in doors(app):
        status = await call(browser, method, path)
        if EXPECTED[method, path] is ANYONE:
            assert status in (200, 303, 404, 422), (method, path, status)
        else:
            assert status == (303 if method == "GET" else 401), (method, path, status)
    await browser.close()


@pytest.fixture
async def requests(people: Cast) -> dict[str, int]:
    """子育て支援課・防災課・広報課の、それぞれの下書き。"""
    from backend.messages import workflow
    from backend.messages.manuscript import Manuscript

    writers = {"kosodate": people.tanaka, "bosai": people.watanabe, "koho": people.sato}
    return {
        section: await work.run(workflow.draft, actor, Manuscript(title=f"{section}の下書き", body="本文の書きかけ"))
        for section, actor in writers.items()
    }


def sees(actor: Actor, section: str) -> bool:
    return actor.role in PR or (actor.role in SECTION and actor.section_code == section)


async def test_a_request_is_seen_by_its_section_and_by_pr_only(
    console: Opening, people: Cast, requests: dict[str, int]
) -> None:
    for actor in people.actors:
        browser = await console(actor)
        for section, request_id in requests.items():
            for path in (f"/console/messages/{request_id}", f"/console/messages/new?copy={request_id}"):
                answer = await browser.get(path)
                assert (answer.status_code == 200) is sees(actor, section), (actor.login, path, answer.status_code)
                assert (f"{section}の下書き" in answer.text) is sees(actor, section), (actor.login, path)


async def test_nobody_of_another_section_changes_a_draft(
    console: Opening, people: Cast, requests: dict[str, int]
) -> None:
    for actor in people.actors:
        for section, request_id in requests.items():
            if actor.role in WRITERS and actor.section_code == section:
                continue
            browser = await console(actor)
            await browser.post(f"/console/messages/{request_id}", {"version": "1", "title": "書き換えた"})
            await browser.post(
                f"/console/messages/{request_id}/submit", {"version": "1", "sourced": "1", "settled": "1"}
            )
            if actor.role not in PR:
                await browser.post(f"/console/messages/{request_id}/withdraw", {"version": "1"})
    rows = await work.sql("select title, state, version from delivery_request order by id")
    assert rows == [{"title": f"{s}の下書き", "state": "draft", "version": 1} for s in requests]


async def test_the_list_shows_only_what_one_may_see(console: Opening, people: Cast, requests: dict[str, int]) -> None:
    for actor in (people.tanaka, people.watanabe, people.sato):
        text = (await (await console(actor)).get("/console/messages")).text
        for section in requests:
            assert (f"{section}の下書き" in text) is sees(actor, section), (actor.login, section)
