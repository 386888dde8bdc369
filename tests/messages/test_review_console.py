"""確かめる人の画面: 列、承認、差戻し。"""

import asyncio
import re

from backend.messages import desk
from backend.messages.states import State
from backend.store import clock, work
from backend.ward.kinds import Kind
from tests.cast import Cast
from tests.console_fixtures import Opening, app, console, people
from tests.messages import requests

__all__ = ["app", "console", "people"]


async def test_the_last_step_is_a_sentence_and_a_button_with_the_same_verb(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    page = (await (await console(people.sato)).get("/console/review/1")).text
    plain = re.sub(r"<[^>]+>", "", page)
    assert "友だち全員に、2026年11月24日(火) 13:00、この内容を送ります。送信後は取り消せません。" in plain
    assert "この内容で承認する" in plain


async def test_approving_leads_to_the_delivery(console: Opening, people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    answer = await (await console(people.sato)).post("/console/review/1/approve", {"seen": seen})
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/deliveries/1")


async def test_the_page_of_the_author_names_who_can_approve(console: Opening, people: Cast) -> None:
    await requests.submitted(people.sato)
    page = (await (await console(people.sato)).get("/console/review/1")).text
    assert "この内容で承認する" not in page
    assert "あなたが書いた、または最後に直した依頼なので、承認できません" in page
    assert "いま承認できる人: 中村、伊藤" in page


async def test_the_author_posting_by_hand_is_refused_with_a_reason(console: Opening, people: Cast) -> None:
    request_id = await requests.submitted(people.sato)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    answer = await (await console(people.sato)).post("/console/review/1/approve", {"seen": seen})
    assert answer.status_code == 422
    assert "承認できません" in answer.text
    assert await requests.deliveries() == []


async def test_a_chief_only_request_says_who(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka, kind=Kind.KI)
    page = (await (await console(people.sato)).get("/console/review/1")).text
    assert "承認できるのは、広報課長だけです" in page
    assert "いま承認できる人: 伊藤" in page
    assert "この内容で承認する" in (await (await console(people.ito)).get("/console/review/1")).text


async def test_a_change_behind_the_page_is_shown_and_not_approved(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    sato = await console(people.sato)
    seen = re.findall(r'name="seen" value="([0-9a-f]{64})"', (await sato.get("/console/review/1")).text)[0]
    await requests.edit(people.nakamura, 1, title="変わった題")
    answer = await sato.post("/console/review/1/approve", {"seen": seen})
    assert answer.status_code == 422
    assert "画面を開いた後に内容が変わりました" in answer.text
    assert "変わった題" in answer.text


async def test_a_double_click_ends_at_the_one_delivery(console: Opening, people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    sato = await console(people.sato)
    answers = await asyncio.gather(*(sato.post("/console/review/1/approve", {"seen": seen}) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["location"] for answer in answers} == {"/console/deliveries/1"}
    assert len(await requests.deliveries()) == 1


async def test_a_replayed_approval_of_a_withdrawn_request_does_nothing(console: Opening, people: Cast) -> None:
    request_id = await requests.submitted(people.tanaka)
    seen = (await desk.find(people.sato, request_id)).fingerprint
    sato = await console(people.sato)
    await sato.post("/console/review/1/approve", {"seen": seen})
    await requests.withdraw(people.tanaka, request_id)
    answer = await sato.post("/console/review/1/approve", {"seen": seen})
    assert answer.status_code == 422
    assert [delivery["state"] for delivery in await requests.deliveries()] == ["stopped"]


async def test_a_passed_wish_asks_before_sending_now(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    await clock.advance(3 * 3600 + 60)
    sato = await console(people.sato)
    page = (await sato.get("/console/review/1")).text
    assert "希望の日時(2026年11月24日(火) 13:00)を過ぎました" in page
    assert "いますぐ送る" in page
    seen = re.findall(r'name="seen" value="([0-9a-f]{64})"', page)[0]
    assert (await sato.post("/console/review/1/approve", {"seen": seen})).status_code == 422
    assert (await sato.post("/console/review/1/approve", {"seen": seen, "when": "now"})).status_code == 303


async def test_a_return_needs_a_reason_and_keeps_the_note(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    sato = await console(people.sato)
    answer = await sato.post("/console/review/1/return", {"version": "2", "note": "打ったばかりの直し方"})
    assert answer.status_code == 422
    assert "打ったばかりの直し方" in answer.text
    done = await sato.post(
        "/console/review/1/return", {"version": "2", "reason": "time", "note": "打ったばかりの直し方"}
    )
    assert done.status_code == 303
    found = await desk.find(people.tanaka, 1)
    assert (found.state, found.return_note) == (State.RETURNED, "打ったばかりの直し方")


async def test_the_returned_request_opens_with_the_reason(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    await (await console(people.sato)).post(
        "/console/review/1/return", {"version": "2", "reason": "contact", "note": "電話を書いてください。"}
    )
    page = (await (await console(people.tanaka)).get("/console/messages/1")).text
    assert "差戻し: 問合せ先" in page
    assert "電話を書いてください。" in page


async def test_mending_by_pr_warns_before_and_binds_after(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    sato = await console(people.sato)
    page = (await sato.get("/console/messages/1?edit=1")).text
    assert "承認できなくなります" in page
    await requests.edit(people.sato, 1, title="直した題")
    assert "この内容で承認する" not in (await sato.get("/console/review/1")).text


async def test_the_queue_stands_in_the_order_of_leaving(console: Opening, people: Cast) -> None:
    now = await clock.now()
    from datetime import timedelta

    for hours, title in ((5, "五時間後"), (1, "一時間後"), (3, "三時間後")):
        send_at = now + timedelta(hours=hours)
        await requests.submitted(people.tanaka, title=title, send_at=send_at, expires_at=send_at + timedelta(hours=1))
    page = (await (await console(people.sato)).get("/console/review")).text
    assert page.index("一時間後") < page.index("三時間後") < page.index("五時間後")


async def test_an_empty_queue_says_so(console: Opening, people: Cast) -> None:
    assert "確認を待っている依頼はありません" in (await (await console(people.sato)).get("/console/review")).text


async def test_an_approver_sees_the_number_without_spending_a_question(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    await (await console(people.sato)).get("/console/review/1")
    assert await work.sql("select * from audience_question") == []


async def test_a_draft_that_is_not_submitted_yet_does_not_break_the_review(console: Opening, people: Cast) -> None:
    await requests.drafted(people.tanaka, kind=None, audience=None, timing=None, send_at=None, expires_at=None)
    answer = await (await console(people.sato)).get("/console/review/1")
    assert answer.status_code in (200, 303)
