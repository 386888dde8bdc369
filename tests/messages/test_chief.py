"""課長確認と当日の理由: 課長が見ていない原稿も、理由のない当日の依頼も、広報課に届かない(RULES 20)。"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from backend.errors import Forbidden, Refused
from backend.messages import desk, workflow
from backend.messages.manuscript import Timing
from backend.messages.states import State
from backend.settings import Settings
from backend.store import clock, work
from backend.store.clock import JST
from tests import cast
from tests.cast import Cast, Console
from tests.console_fixtures import people
from tests.messages import requests
from tests.messages.forms import ATTESTED, GOOD

__all__ = ["people"]
TOMORROW = datetime(2026, 11, 25, 18, 0, tzinfo=JST)
LATER: dict[str, Any] = {"send_at": TOMORROW, "expires_at": TOMORROW + timedelta(hours=1)}


async def confirm(actor: Any, request_id: int) -> None:
    version = (await desk.find(actor, request_id)).version
    await work.run(workflow.confirm, actor, request_id, version)


async def submit(actor: Any, request_id: int, **changes: Any) -> str:
    return await requests.submit(actor, request_id, chief_check=True, **changes)


async def test_nothing_is_submitted_before_the_chief_has_seen_it(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka)
    with pytest.raises(Refused, match="課長の確認がまだです") as refusal:
        await submit(people.tanaka, request_id)
    assert "課長確認" in refusal.value.next_step
    await confirm(people.suzuki, request_id)
    await submit(people.tanaka, request_id)
    found = await desk.find(people.sato, request_id)
    assert (found.state, found.chief_seen_by_name) == (State.SUBMITTED, "鈴木")
    assert found.chief_seen_at
    assert found.submitted_at
    assert found.chief_seen_at < found.submitted_at


async def test_only_the_chief_of_that_section_confirms(people: Cast) -> None:
    own, pr = await requests.drafted(people.tanaka), await requests.drafted(people.sato)
    for actor in people.actors:
        for request_id, chief in ((own, people.suzuki), (pr, people.ito)):
            if actor != chief:
                with pytest.raises((Forbidden, Refused)):
                    await work.run(workflow.confirm, actor, request_id, 1)
    await confirm(people.suzuki, own)
    await confirm(people.ito, pr)


async def test_a_change_afterwards_voids_it(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka)
    await confirm(people.suzuki, request_id)
    await requests.edit(people.tanaka, request_id, title="区民まつりの延期のお知らせ")
    with pytest.raises(Refused):
        await submit(people.tanaka, request_id)
    assert (await desk.find(people.tanaka, request_id)).chief_seen_at is None


async def test_what_pr_mends_is_no_longer_what_the_chief_saw(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka)
    await confirm(people.suzuki, request_id)
    await submit(people.tanaka, request_id)
    await requests.edit(people.sato, request_id, title="区民まつりを開きます")
    assert (await desk.find(people.sato, request_id)).chief_seen_at is None


async def test_a_returned_text_left_as_it_was_keeps_it(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka)
    await confirm(people.suzuki, request_id)
    await submit(people.tanaka, request_id)
    await requests.send_back(people, request_id)
    await submit(people.tanaka, request_id)


async def test_the_chief_confirms_what_is_on_the_screen(people: Cast) -> None:
    """開いた後に直された原稿は、見ていないのと同じ。"""
    request_id = await requests.drafted(people.tanaka)
    await requests.edit(people.tanaka, request_id, title="書き直した件名")
    with pytest.raises(Refused):
        await work.run(workflow.confirm, people.suzuki, request_id, 1)


async def test_an_unfinished_or_submitted_text_cannot_be_confirmed(people: Cast) -> None:
    unfinished = await requests.drafted(people.tanaka, body="")
    sent = await requests.submitted(people.tanaka)
    for request_id in (unfinished, sent):
        with pytest.raises(Refused):
            await confirm(people.suzuki, request_id)


async def test_a_ward_that_does_not_ask_for_it_submits_without(people: Cast) -> None:
    await requests.submitted(people.tanaka)


def test_it_is_asked_for_unless_the_ward_says_otherwise() -> None:
    assert Settings.model_fields["chief_check"].default is True


def test_the_demo_is_walked_by_two_people_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WARD_CHIEF_CHECK", raising=False)
    assert Settings().chief_check is False
    monkeypatch.setenv("WARD_CHIEF_CHECK", "true")
    assert Settings().chief_check is True


# ── 当日の依頼 ──


@pytest.mark.parametrize("because", ["", " ", "　"])
async def test_a_request_for_today_needs_a_reason(people: Cast, because: str) -> None:
    request_id = await requests.drafted(people.tanaka)
    with pytest.raises(Refused, match="今日送る理由"):
        await requests.submit(people.tanaka, request_id, today_because=because)


async def test_one_that_leaves_on_approval_is_for_today(people: Cast) -> None:
    until = (await clock.now()) + timedelta(hours=3)
    made = {"timing": Timing.ON_APPROVAL, "send_at": None, "expires_at": until}
    request_id = await requests.drafted(people.tanaka, **made)
    with pytest.raises(Refused, match="今日送る理由"):
        await requests.submit(people.tanaka, request_id, today_because="")


async def test_one_for_tomorrow_needs_none_and_keeps_none(people: Cast) -> None:
    request_id = await requests.drafted(people.tanaka, **LATER)
    await requests.submit(people.tanaka, request_id, today_because="書いても残らない")
    assert (await desk.find(people.sato, request_id)).same_day_reason == ""


async def test_today_is_the_day_in_japan(people: Cast) -> None:
    await clock.set_to(datetime(2026, 11, 24, 8, 59, tzinfo=JST))  # UTCでは前の日
    early = datetime(2026, 11, 24, 18, 0, tzinfo=JST)
    request_id = await requests.drafted(people.tanaka, send_at=early, expires_at=early + timedelta(hours=1))
    assert (await desk.find(people.tanaka, request_id)).for_today


# ── 画面 ──

Seat = Callable[[Any], Awaitable[Console]]


@pytest_asyncio.fixture(loop_scope="session")
async def strict(settings: Settings) -> Any:
    """課長確認を求める区のコンソール。"""
    asking = settings.model_copy(update={"chief_check": True})
    application, opened = cast.make_app(asking), []

    async def seat(actor: Any) -> Console:
        opened.append(await cast.signed_in(application, asking, actor))
        return opened[-1]

    yield seat
    for one in opened:
        await one.close()


async def test_the_page_leads_from_the_author_to_the_chief_and_back(people: Cast, strict: Seat) -> None:
    tanaka, suzuki, sato = await strict(people.tanaka), await strict(people.suzuki), await strict(people.sato)
    place = (await tanaka.post("/console/messages/new", GOOD)).headers["location"]
    waiting = (await tanaka.get(place)).text
    assert "子育て支援課の課長に、この画面を開いて「課長確認」を押してもらってください" in waiting
    assert "この内容で提出する" not in waiting
    assert (await tanaka.post(place, {"version": "1", **ATTESTED})).status_code == 422
    assert "その課の課長だけができます" in (await tanaka.post("/console/messages/1/confirm", {"version": "1"})).text
    assert ">課長確認</button>" in (await suzuki.get(place)).text
    done = await suzuki.post("/console/messages/1/confirm", {"version": "1"})
    assert (done.status_code, done.headers["location"]) == (303, place)
    ready = (await tanaka.get(place)).text
    assert "鈴木課長が確認しました" in ready
    assert "いまは広報課の勤務時間です。承認できる人: " in ready
    assert "佐藤" in ready
    assert (await tanaka.post(place, {"version": "1", **ATTESTED})).status_code == 303
    review = (await sato.get("/console/review/1")).text
    assert "<dt>課長確認</dt><dd>鈴木(" in review
    assert "<dt>今日送る理由</dt><dd>会場が今朝決まったため</dd>" in review


async def test_a_missing_reason_comes_back_on_the_same_page_and_nothing_typed_is_lost(
    people: Cast, strict: Seat
) -> None:
    tanaka, suzuki = await strict(people.tanaka), await strict(people.suzuki)
    place = (await tanaka.post("/console/messages/new", GOOD)).headers["location"]
    await suzuki.post("/console/messages/1/confirm", {"version": "1"})
    refused = await tanaka.post(place, {"version": "1", **ATTESTED, "today_because": ""})
    assert refused.status_code == 422
    assert "今日送る理由が書かれていません" in refused.text
    kept = await tanaka.post(place, {"version": "1", "today_because": "今朝決まったため"})
    assert "今朝決まったため</textarea>" in kept.text


async def test_outside_office_hours_the_page_says_so(people: Cast, strict: Seat) -> None:
    await clock.set_to(datetime(2026, 11, 24, 7, 30, tzinfo=JST))
    tanaka, suzuki = await strict(people.tanaka), await strict(people.suzuki)
    place = (await tanaka.post("/console/messages/new", GOOD)).headers["location"]
    await suzuki.post("/console/messages/1/confirm", {"version": "1"})
    assert "いまは広報課の勤務時間の外です" in (await tanaka.get(place)).text


async def test_home_and_the_list_lead_the_chief_to_it(people: Cast, strict: Seat) -> None:
    tanaka, suzuki = await strict(people.tanaka), await strict(people.suzuki)
    assert "課長確認を待つ原稿" not in (await suzuki.get("/console")).text
    await requests.drafted(people.tanaka, body="")  # 書きかけは、まだ待っていない
    waiting = await requests.drafted(people.tanaka)
    assert "課長確認を待つ原稿</span><strong>1<" in (await suzuki.get("/console")).text
    link = f'href="/console/messages/{waiting}/submit">課長確認へ進む'
    assert link in (await suzuki.get("/console/messages")).text
    assert link not in (await tanaka.get("/console/messages")).text
    await confirm(people.suzuki, waiting)
    assert "課長確認を待つ原稿" not in (await suzuki.get("/console")).text
