"""お知らせの中のリンク: 開けないものは提出を止め、承認したものは二人でしか変わらない。"""

from typing import Any

import pytest
import pytest_asyncio

from backend.errors import Refused
from backend.links import editing, register
from backend.links.register import Wanted
from backend.messages import links, review, workflow
from backend.settings import Settings
from backend.store import clock, work
from tests import cast
from tests.cast import Cast
from tests.messages.requests import ATTESTED

GO = "https://line.example.jp/go/bosai_evac"


@pytest_asyncio.fixture(loop_scope="session")
async def people(database: object) -> Cast:
    await cast.tuesday()
    return await cast.staff()


async def _draft(people: Cast) -> int:
    now = await clock.now()
    body = f"避難所の開け方が12月5日(土)から変わります。\n{GO}\nくわしくは上のページへ。"
    return await work.run(workflow.draft, people.tanaka, cast.manuscript(now, body=body))


async def _submit(people: Cast, request: int) -> Any:
    return await work.run(workflow.submit, people.tanaka, request, 1, ATTESTED, minimum=20, chief_check=False)


async def _die() -> None:
    await work.sql("update link_check set dead_since = ward_now() where code = 'bosai_evac'")


async def test_a_dead_link_stops_a_new_submission(people: Cast) -> None:
    request = await _draft(people)
    await _die()
    with pytest.raises(Refused, match="開けない"):
        await _submit(people, request)


async def test_a_living_link_stops_nothing(people: Cast) -> None:
    assert (await _submit(people, await _draft(people))).startswith("B-")


async def test_the_finding_names_the_line_and_the_link(people: Cast) -> None:
    await _die()
    ((severity, line, what, _),) = await links.unusable(f"お知らせ\n{GO}")
    assert (severity, line, "災害時の避難" in what) == ("block", 2, True)


async def test_the_registered_page_itself_is_known_too(people: Cast) -> None:
    await _die()
    assert len(await links.unusable("https://www.city.bunkyo.lg.jp/b009/p000034.html")) == 1


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        (GO, f"{GO}?openExternalBrowser=1"),
        (f"{GO}?from=post", f"{GO}?from=post&openExternalBrowser=1"),
        (
            "https://www.city.bunkyo.lg.jp/b009/p000034.html#map",
            "https://www.city.bunkyo.lg.jp/b009/p000034.html?openExternalBrowser=1#map",
        ),
    ],
)
async def test_a_link_that_opens_outside_line_says_so_in_the_text(people: Cast, written: str, asked: str) -> None:
    """地図やPDFは、LINEの中では見にくい。印が抜けていれば、書き方を言う。提出は止めない。"""
    await work.sql("update link set external_browser = true where code = 'bosai_evac'")
    ((severity, line, _, remedy),) = await links.of_register(f"お知らせ\n{written}")
    assert (severity, line, remedy) == ("warn", 2, f"{asked} に書きかえます。")
    assert await links.unusable(written) == []
    assert await links.of_register(asked) == []


async def test_a_writer_chooses_from_the_register(people: Cast, settings: Settings) -> None:
    """使えるものだけが、そのまま貼れる形で並ぶ。外のブラウザの印も付いている。"""
    await work.sql("update link set external_browser = true where code = 'home'")
    await work.sql("update link set url = 'tel:03-5803-1111' where code = 'koe'")
    await _die()
    console = await cast.signed_in(cast.make_app(settings), settings, people.tanaka)
    page = (await console.get("/console/messages/new")).text
    await console.close()
    assert f'readonly value="{settings.public_url}/go/home?openExternalBrowser=1"' in page
    assert f"{settings.public_url}/go/bus" in page
    assert "/go/bosai_evac" not in page
    assert "/go/koe" not in page


async def test_a_link_that_opens_inside_line_needs_no_mark(people: Cast) -> None:
    assert await links.of_register(GO) == []


async def test_an_approved_message_uses_its_links(people: Cast) -> None:
    request = await _draft(people)
    await _submit(people, request)
    rows = await work.sql("select * from delivery_request where id = $1", request)
    assert rows[0]["state"] == "submitted"
    from backend.messages import desk

    seen = (await desk.find(people.sato, request)).fingerprint
    await work.run(review.approve, people.ito, request, seen, minimum=20)
    assert await register.uses("bosai_evac") == [f"message:{request}"]


async def test_a_link_cannot_be_turned_by_one_person_while_the_message_waits_for_approval(people: Cast) -> None:
    """承認する人が開いて見たあと、押す前に、一人で行き先を変えられてはならない(RULES 28)。"""
    await _submit(people, await _draft(people))
    link = await register.find("bosai_evac")
    elsewhere = Wanted(link.label, link.purpose, link.owner_section, "https://phishing-site.com/")
    with pytest.raises(Refused, match="使われています"):
        await work.run(editing.edit, people.sato, link.code, link.version, elsewhere, "直し")
