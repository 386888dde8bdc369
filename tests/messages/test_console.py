"""書く人の画面: 書いて、確かめて、出す。断られても、打ったものは失われず、次の一手がある。"""

import re
from typing import Any

from backend.messages import desk, review
from backend.messages.states import ReturnReason
from backend.store import clock, work
from tests.cast import Cast, Console
from tests.console_fixtures import Opening, app, console, people
from tests.messages import requests
from tests.messages.forms import ATTESTED, GOOD, good

__all__ = ["app", "console", "people"]


async def write(browser: Console, **changes: Any) -> int:
    answer = await browser.post("/console/messages/new", good(**changes))
    assert answer.status_code == 303, answer.text
    return int(re.findall(r"\d+", answer.headers["location"])[0])


async def test_writing_and_submitting_take_three_screens(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    assert (await tanaka.get("/console/messages/new")).status_code == 200
    saved = await tanaka.post("/console/messages/new", GOOD)
    assert saved.headers["location"] == "/console/messages/1/submit"
    sure = await tanaka.get(saved.headers["location"])
    assert "この内容で提出する" in sure.text
    sent = await tanaka.post("/console/messages/1/submit", {"version": "1", **ATTESTED})
    assert sent.headers["location"] == "/console/messages/1"
    done = await tanaka.get(sent.headers["location"])
    assert "広報課の確認を待っています" in done.text
    assert "B-2611-0001" in done.text


async def test_a_draft_may_be_saved_with_nothing_in_it(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    assert (await tanaka.post("/console/messages/new", {"do": "save"})).headers["location"] == "/console/messages/1"
    assert (await tanaka.get("/console/messages/1")).status_code == 200


async def test_the_new_page_chooses_no_audience_and_no_time(console: Opening, people: Cast) -> None:
    page = (await (await console(people.tanaka)).get("/console/messages/new")).text
    radios = re.findall(r"<input type=\"radio\"[^>]*>", page)
    assert radios
    assert not [radio for radio in radios if "checked" in radio]
    assert 'id="send_date" name="send_date" type="date" value=""' in page


async def test_what_was_saved_comes_back_as_it_was_typed(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka, body="一行目\n\n  三行目 <b>", area=["41", "1"], audience="criteria", do="save")
    page = (await tanaka.get("/console/messages/1")).text
    assert "一行目\n\n  三行目 &lt;b&gt;</textarea>" in page
    assert 'name="area" value="41" checked' in page
    assert 'value="13:00"' in page


async def test_a_blocked_draft_shows_what_to_mend_and_the_way_back(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka, body="○○公園で、区民まつりを開きます。")
    page = (await tanaka.get("/console/messages/1/submit")).text
    assert "「○○」が残っています" in page
    assert "原稿に戻って直す" in page
    assert "この内容で提出する" not in page


async def test_a_half_filled_draft_does_not_break_the_submit_page(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    for fields in ({"title": "件名だけ"}, {"timing": "at"}, {"audience": "criteria"}, {"timing": "on_approval"}):
        answer = await tanaka.post("/console/messages/new", {**fields, "do": "submit"})
        assert (await tanaka.get(answer.headers["location"])).status_code == 200


async def test_submitting_without_the_two_ticks_says_so_and_keeps_the_page(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka)
    answer = await tanaka.post("/console/messages/1/submit", {"version": "1", "sourced": "1", "today_because": "今朝"})
    assert answer.status_code == 422
    assert "両方にチェックを入れてください" in answer.text
    assert "この内容で提出する" in answer.text


async def test_a_double_click_on_submit_submits_once(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka)
    form = {"version": "1", **ATTESTED}
    first = await tanaka.post("/console/messages/1/submit", form)
    second = await tanaka.post("/console/messages/1/submit", form)
    assert first.status_code == 303
    assert second.status_code == 303
    assert second.headers["location"] == "/console/messages/1"
    assert (await desk.find(people.tanaka, 1)).version == 2


async def test_the_second_tab_gets_its_words_back(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka, do="save")
    await tanaka.post("/console/messages/1", good(version="1", title="一つ目の画面", do="save"))
    answer = await tanaka.post("/console/messages/1", good(version="1", title="二つ目の画面で打った題", do="save"))
    assert answer.status_code == 422
    assert 'value="二つ目の画面で打った題"' in answer.text
    assert "先に変えられています" in answer.text
    assert (await desk.find(people.tanaka, 1)).manuscript.title == "一つ目の画面"


async def test_editing_what_was_submitted_elsewhere_gives_the_words_back(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka, do="save")
    await requests.submit(people.tanaka, 1)
    answer = await tanaka.post("/console/messages/1", good(version="2", title="提出の後に打った題", do="save"))
    assert answer.status_code == 422
    assert 'value="提出の後に打った題"' in answer.text
    assert "広報課として直します" not in answer.text


async def test_a_text_too_long_for_any_field_comes_back_whole(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    answer = await tanaka.post("/console/messages/new", good(body="長" * 20_001))
    assert "字こえています" in (await tanaka.get(answer.headers["location"])).text
    assert "長" * 20_001 in (await tanaka.get("/console/messages/1")).text


async def test_the_live_part_tells_findings_people_and_the_phone(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    answer = await tanaka.post("/console/messages/live", good(body="○○公園"), headers={"hx-request": "true"})
    assert answer.status_code == 200
    for part in ('id="findings"', 'id="reach"', 'id="phone"', "友だち全員", "○○公園"):
        assert part in answer.text
    assert (await work.sql("select count(*) as drafts from delivery_request"))[0]["drafts"] == 0


async def test_a_copy_brings_the_text_and_no_time(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka)
    page = (await tanaka.get("/console/messages/new?copy=1")).text
    assert 'value="区民まつりのお知らせ"' in page
    assert "13:00" not in page
    assert "部長決裁</textarea>" not in page


async def test_withdrawing_leaves_the_way_to_a_copy(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka)
    await requests.submit(people.tanaka, 1)
    await tanaka.post("/console/messages/1/withdraw", {"version": "2"})
    page = (await tanaka.get("/console/messages/1")).text
    assert "だれにも送られません" in page
    assert "写しを作る" in page


async def test_a_stale_withdrawal_is_refused_on_the_same_page(console: Opening, people: Cast) -> None:
    tanaka = await console(people.tanaka)
    await write(tanaka)
    answer = await tanaka.post("/console/messages/1/withdraw", {"version": "9"})
    assert answer.status_code == 422
    assert "先に変えられています" in answer.text
    assert "区民まつりのお知らせ" in answer.text


async def test_an_approved_request_leads_to_its_delivery(console: Opening, people: Cast) -> None:
    await requests.approve(people.sato, await requests.submitted(people.tanaka))
    answer = await (await console(people.tanaka)).get("/console/messages/1")
    assert answer.status_code == 200
    assert "/console/deliveries/1" in answer.text


async def test_what_must_be_done_now_stands_first(console: Opening, people: Cast) -> None:
    await requests.drafted(people.tanaka, title="書きかけの題")
    await requests.submitted(people.tanaka, title="待っている題")
    back = await requests.submitted(people.tanaka, title="戻された題")
    version = (await desk.find(people.sato, back)).version
    await work.run(review.return_, people.sato, back, version, ReturnReason.TIME, "直してください。")
    page = (await (await console(people.tanaka)).get("/console/messages")).text
    assert page.index("戻された題") < page.index("書きかけの題") < page.index("待っている題")
    assert "直してください。" in page


async def test_an_expired_request_says_what_to_do(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    await clock.advance(6 * 3600)
    tanaka = await console(people.tanaka)
    assert "新しい日時にして、もう一度提出" in (await tanaka.get("/console/messages")).text
    assert "新しい日時にして、もう一度提出" in (await tanaka.get("/console/messages/1")).text


SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


async def test_no_staff_field_becomes_markup_anywhere(console: Opening, people: Cast) -> None:
    fields = dict.fromkeys(("title", "body", "body_en", "contact", "source_note"), SCRIPT)
    tanaka, sato = await console(people.tanaka), await console(people.sato)
    made = await requests.submitted(people.tanaka)
    await work.sql(
        "update delivery_request set title = $1, body = $1, body_en = $1, contact = $1, source_note = $1, return_note = $1",
        SCRIPT,
    )
    await work.sql("update staff_member set name = $1 where login = 'tanaka'", SCRIPT)
    await work.sql("update section set name = $1 where code = 'kosodate'", SCRIPT)
    draft = int(
        (await tanaka.post("/console/messages/new", {**fields, "do": "save"})).headers["location"].split("/")[3]
    )
    texts = [
        (await browser.get(path)).text
        for browser, path in (
            (tanaka, "/console"),
            (tanaka, "/console/messages"),
            (tanaka, f"/console/messages/{draft}"),
            (tanaka, f"/console/messages/{draft}/submit"),
            (tanaka, f"/console/messages/{made}"),
            (tanaka, f"/console/messages/new?copy={made}"),
            (sato, "/console/messages"),
            (sato, "/console/review"),
            (sato, f"/console/review/{made}"),
            (sato, f"/console/messages/{made}?edit=1"),
        )
    ]
    texts.append((await tanaka.post("/console/messages/live", fields)).text)
    for text in texts:
        assert "<script>alert" not in text
        assert "<img src=x" not in text
    assert sum("&lt;script&gt;alert" in text for text in texts) == len(texts)


async def test_a_javascript_link_in_a_bubble_is_no_link(console: Opening, people: Cast) -> None:
    answer = await (await console(people.tanaka)).post(
        "/console/messages/live", good(body="javascript:alert(1) data:text/html,x https://www.city.bunkyo.lg.jp/")
    )
    assert re.findall(r'<a href="([^"]+)"', answer.text) == ["https://www.city.bunkyo.lg.jp/"]
