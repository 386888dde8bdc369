"""開けないリンクの知らせ: 持ち主の課のホームに出て、メールが一度だけ出る。メールを渡せなくても、知らせは消えない。"""

from collections.abc import Iterator
from typing import Any

import pytest

from backend import letters
from backend.delivery import alarms
from backend.letters import Posted
from backend.links import dead, editing
from backend.links.register import Wanted
from backend.permissions import Actor
from backend.settings import Settings
from backend.store import clock, work
from backend.worker import JOBS, Shift
from tests.cast import Cast
from tests.console_fixtures import Opening, app, console, people
from tests.post import NOWHERE, Post, posting

__all__ = ["app", "console", "people"]
EVAC = "bosai_evac"


@pytest.fixture
def post() -> Iterator[Post]:
    opened = Post()
    yield opened
    opened.close()


async def _die(code: str = EVAC) -> None:
    await work.sql(
        "update link_check set dead_since = ward_now(), verdict = 'gone', reason = 'ページがありません。' where code = $1",
        code,
    )


async def _recover(code: str = EVAC) -> None:
    await work.sql("update link_check set dead_since = null, verdict = 'ok', reason = '' where code = $1", code)


async def _watch(told: Settings) -> None:
    await alarms.watch(told, await dead.ringing())


async def _owned_by_kosodate(actor: Actor) -> str:
    url = "https://www.city.bunkyo.lg.jp/b009/p009999.html"
    await work.run(editing.add, actor, "kosodate-1", Wanted("子育ての相談", "", "kosodate", url))
    return "kosodate-1"


def _of_links(post: Post) -> list[str]:
    return [letter for number in range(len(post.letters)) if "リンク" in (letter := str(post.read(number)["subject"]))]


async def test_the_owning_section_sees_it_first_on_its_home(console: Opening, people: Cast) -> None:
    await _die(await _owned_by_kosodate(people.tanaka))
    page = (await (await console(people.tanaka)).get("/console")).text
    for words in ("「子育ての相談」のリンクが開けません。", "ページがありません。", "/console/links/kosodate-1"):
        assert words in page


async def test_the_chief_of_the_owning_section_sees_it_too(console: Opening, people: Cast) -> None:
    await _die(await _owned_by_kosodate(people.tanaka))
    assert "「子育ての相談」のリンクが開けません。" in (await (await console(people.suzuki)).get("/console")).text


async def test_the_links_own_page_says_it_first_and_what_to_do(console: Opening, people: Cast) -> None:
    code = await _owned_by_kosodate(people.tanaka)
    await _die(code)
    page = (await (await console(people.tanaka)).get(f"/console/links/{code}")).text
    for words in ("このリンクは、いま開けません。", "ページがありません。", "子育て支援課(あなたの課)が持ち主"):
        assert words in page
    assert page.index("いま開けません") < page.index("住民が押すアドレス")


async def test_a_site_that_refuses_checks_asks_for_a_persons_eyes(console: Opening, people: Cast) -> None:
    code = await _owned_by_kosodate(people.tanaka)
    words = "このサイトは、機械からの点検を断っています(403)。人が開いて確かめてください。"
    await work.sql("update link_check set verdict = 'unsure', status = 403, reason = $2 where code = $1", code, words)
    page = (await (await console(people.tanaka)).get(f"/console/links/{code}")).text
    assert f"{words} 開けるなら、このまま使えます。" in page
    assert words in (await (await console(people.tanaka)).get("/console/links")).text


async def test_a_new_link_says_that_it_is_not_looked_at_yet(console: Opening, people: Cast) -> None:
    code = await _owned_by_kosodate(people.tanaka)
    page = (await (await console(people.tanaka)).get(f"/console/links/{code}")).text
    assert "開けるかを、まだ確かめていません。" in page


async def test_another_section_is_not_troubled_with_it(console: Opening, people: Cast) -> None:
    await _die(await _owned_by_kosodate(people.tanaka))
    assert "子育ての相談" not in (await (await console(people.watanabe)).get("/console")).text


async def test_pr_sees_how_many_of_the_others_are_dead(console: Opening, people: Cast) -> None:
    await _die(await _owned_by_kosodate(people.tanaka))
    page = (await (await console(people.sato)).get("/console")).text
    assert "ほかの課の開けないリンク" in page
    assert "「子育ての相談」のリンクが開けません" not in page


async def test_many_dead_links_do_not_bury_the_home(console: Opening, people: Cast) -> None:
    await work.sql("update link_check set dead_since = ward_now(), reason = 'つながりません。'")
    page = (await (await console(people.sato)).get("/console")).text
    assert page.count("のリンクが開けません。") == 3
    assert "ほかの" in page


async def test_the_owner_is_mailed_once_for_one_death(people: Cast, settings: Settings, post: Post) -> None:
    await _die()
    for _ in range(3):
        await _watch(post.told(settings))
        await clock.advance(3600)
    assert _of_links(post) == [
        "【文京区LINE配信】「災害時の避難」のリンクが開けません。ページがありません。持ち主は広報課です。"
    ]


async def test_it_is_mailed_again_only_after_it_came_back(people: Cast, settings: Settings, post: Post) -> None:
    told = post.told(settings)
    for _ in range(2):
        await _die()
        await _watch(told)
        await _recover()
        await _watch(told)
    assert len(_of_links(post)) == 2


async def test_the_letter_leads_to_the_link_and_names_no_person(people: Cast, settings: Settings, post: Post) -> None:
    await work.run(
        editing.edit, people.sato, EVAC, 1, Wanted("災害時の避難", "佐藤が使う", "koho", "https://x.com/taro"), "移った"
    )
    await _die()
    await _watch(post.told(settings))
    letter = next(post.read(n) for n in range(len(post.letters)) if "リンク" in str(post.read(n)["subject"]))
    whole = f"{letter['subject']} {letter.get_content()}"
    assert f"{settings.console_url}/console/links/{EVAC}" in whole
    assert not [name for name in ("佐藤", "sato", "taro", "伊藤") if name in whole]


async def test_a_letter_that_could_not_be_posted_is_shown_and_the_warning_stays(
    console: Opening, people: Cast, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    await _die()
    await _watch(posting(settings, NOWHERE))
    page = (await (await console(people.sato)).get("/console")).text
    assert "「災害時の避難」のリンクが開けません。" in page
    assert "メールでは、まだ知らせられていません" in page
    assert "知らせのメールを送れませんでした" in caplog.text


async def test_a_letter_is_tried_again_until_it_is_posted(
    console: Opening, people: Cast, settings: Settings, post: Post
) -> None:
    await _die()
    await _watch(posting(settings, NOWHERE))
    await _watch(post.told(settings))
    tried_too_soon = len(_of_links(post))
    await clock.advance(60 * alarms.AGAIN_MINUTES + 1)
    await _watch(post.told(settings))
    assert (tried_too_soon, len(_of_links(post))) == (0, 1)
    assert "メールでは、まだ" not in (await (await console(people.sato)).get("/console")).text


async def test_a_closed_post_office_is_asked_once_for_all_that_ring(people: Cast, settings: Settings) -> None:
    busy = Post(busy=True)
    await work.sql("update link_check set dead_since = ward_now(), reason = 'つながりません。'")
    await _watch(busy.told(settings))
    busy.close()
    assert (busy.calls, {alarm.unmailed for alarm in await dead.ringing()}) == (1, {True})


async def test_two_workers_post_one_letter(people: Cast, settings: Settings, post: Post) -> None:
    await _die()
    ringing = await dead.ringing()
    assert [await alarms._begins(ringing[0]), await alarms._begins(ringing[0])] == [True, False]
    assert [await alarms._to_mail(ringing[0]), await alarms._to_mail(ringing[0])] == [True, False]


async def test_without_a_post_office_the_warning_is_only_on_the_screen(
    console: Opening, people: Cast, settings: Settings
) -> None:
    await _die()
    await _watch(settings)
    page = (await (await console(people.sato)).get("/console")).text
    assert "「災害時の避難」のリンクが開けません。" in page
    assert "メールでは" not in page


async def test_a_title_with_a_line_break_can_still_be_posted(settings: Settings, post: Post) -> None:
    sent = await letters.send(post.told(settings), "題\r\nBcc: x@example.com", "/console")
    assert (sent, post.read()["bcc"], post.read()["subject"]) == (
        Posted.SENT,
        None,
        "【文京区LINE配信】題 Bcc: x@example.com",
    )


@pytest.mark.parametrize("url", ["smtp://127.0.0.1:99999", "smtp://[::1", "gopher://x"])
async def test_a_nonsense_post_office_is_a_failed_letter(settings: Settings, url: str) -> None:
    assert await letters.send(posting(settings, url), "題", "/console") is Posted.FAILED


async def test_the_worker_rings_for_dead_links(people: Cast, settings: Settings, post: Post) -> None:
    await _die()
    nobody: Any = None  # この仕事は、LINEにも住民の鍵にも触れない
    job = next(job for job in JOBS if job.name == "知らせ")
    await job.verb(Shift(post.told(settings), nobody, nobody))
    assert len(_of_links(post)) == 1


async def test_a_retired_link_stops_ringing(people: Cast) -> None:
    await _die()
    await work.run(editing.retire, people.sato, EVAC, 1, None, "終わった")
    assert await dead.ringing() == []
