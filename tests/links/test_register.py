"""リンク台帳と、行き先の変更。"""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from backend.errors import Forbidden, NotFound, Refused
from backend.links import editing, register, repoint
from backend.links.register import State, Wanted
from backend.store import clock, work
from backend.store.pool import raw
from tests import cast
from tests.cast import Cast

PUBLIC = "https://line.example.jp"
NEW = "https://www.city.bunkyo.lg.jp/b009/p009999.html"


@pytest_asyncio.fixture(loop_scope="session")
async def people(database: object) -> Cast:
    return await cast.staff()


def _wanted(**changes: object) -> Wanted:
    made = {"label": "区民まつり", "purpose": "お知らせ", "owner_section": "koho", "url": NEW, **changes}
    return Wanted(**made)  # type: ignore[arg-type]  # 試験の短い書き方


def _evac(**changes: object) -> Wanted:
    return _wanted(**{"label": "災害時の避難", "url": "https://www.city.bunkyo.lg.jp/b009/p000034.html", **changes})


async def _used() -> None:
    await work.run(register.note_uses, "message:1", ["bosai_evac"])


async def test_the_first_links_are_there(people: Cast) -> None:
    found = await register.find("bosai_evac")
    assert (found.label, found.state, found.allowed_hosts) == ("災害時の避難", State.UNSEEN, ("www.city.bunkyo.lg.jp",))


async def test_a_new_link_can_be_found_by_its_name(people: Cast) -> None:
    await work.run(editing.add, people.sato, "matsuri", _wanted())
    assert (await register.find("matsuri")).url == NEW


async def test_a_name_is_used_once(people: Cast) -> None:
    with pytest.raises(Refused, match="もう使われて"):
        await work.run(editing.add, people.sato, "home", _wanted())


@pytest.mark.parametrize("code", ["", "A", "あ", "a b", "../x", "-a", "a" * 41, "a\n"])
def test_an_improper_name_is_refused(code: str) -> None:
    assert register.CODE.fullmatch(code) is None


async def test_a_section_registers_its_own_links(people: Cast) -> None:
    await work.run(editing.add, people.tanaka, "matsuri", _wanted(owner_section="kosodate"))
    assert (await register.find("matsuri")).owner_name == "子育て支援課"


async def test_a_section_does_not_touch_anothers_links(people: Cast) -> None:
    with pytest.raises(Forbidden):
        await work.run(editing.add, people.tanaka, "matsuri", _wanted())
    with pytest.raises(Forbidden):
        await work.run(editing.edit, people.tanaka, "home", 1, _evac(owner_section="kosodate"), "理由")


async def test_a_section_cannot_lead_out_of_the_wards_sites(people: Cast) -> None:
    with pytest.raises(Forbidden, match="外へのリンク"):
        await work.run(
            editing.add, people.tanaka, "x2", _wanted(owner_section="kosodate", url="https://x.com/somebody")
        )


async def test_night_watch_may_not_manage_links(people: Cast) -> None:
    with pytest.raises(Forbidden):
        await work.run(editing.add, people.yoshida, "matsuri", _wanted(owner_section="somu"))


async def test_an_unused_links_target_is_changed_by_one_person(people: Cast) -> None:
    await work.run(editing.edit, people.sato, "bosai_evac", 1, _evac(url=NEW), "ページが移った")
    assert (await register.find("bosai_evac")).url == NEW


async def test_a_change_needs_a_reason(people: Cast) -> None:
    with pytest.raises(Refused, match="理由"):
        await work.run(editing.edit, people.sato, "bosai_evac", 1, _evac(url=NEW), " ")


async def test_of_two_screens_the_second_changes_nothing(people: Cast) -> None:
    await work.run(editing.edit, people.sato, "bosai_evac", 1, _evac(label="避難"), "短く")
    with pytest.raises(Refused, match="先に直し"):
        await work.run(editing.edit, people.ito, "bosai_evac", 1, _evac(label="避難所"), "短く")


async def test_a_used_links_target_is_not_changed_by_one_person(people: Cast) -> None:
    await _used()
    with pytest.raises(Refused, match="使われて"):
        await work.run(editing.edit, people.ito, "bosai_evac", 1, _evac(url=NEW), "ページが移った")
    assert (await register.find("bosai_evac")).url != NEW


async def test_a_used_links_target_is_changed_by_two(people: Cast) -> None:
    await _used()
    proposal = await work.run(repoint.propose, people.sato, "bosai_evac", 1, _evac(url=NEW), "ページが移った")
    before = (await register.find("bosai_evac")).url
    after = (await work.run(repoint.approve, people.nakamura, proposal)).url
    assert (before != NEW, after) == (True, NEW)


async def test_the_proposer_cannot_approve(people: Cast) -> None:
    await _used()
    proposal = await work.run(repoint.propose, people.ito, "bosai_evac", 1, _evac(url=NEW), "ページが移った")
    with pytest.raises(Forbidden):
        await work.run(repoint.approve, people.ito, proposal)


async def test_a_section_cannot_approve(people: Cast) -> None:
    await work.run(editing.add, people.tanaka, "matsuri", _wanted(owner_section="kosodate"))
    proposal = await work.run(
        repoint.propose, people.tanaka, "matsuri", 1, _wanted(owner_section="kosodate", url=f"{NEW}?2"), "移った"
    )
    with pytest.raises(Forbidden):
        await work.run(repoint.approve, people.suzuki, proposal)


async def test_fifty_approvals_at_once_change_it_once(people: Cast) -> None:
    await _used()
    proposal = await work.run(repoint.propose, people.sato, "bosai_evac", 1, _evac(url=NEW), "ページが移った")
    answers = await asyncio.gather(
        *(work.run(repoint.approve, people.nakamura, proposal) for _ in range(50)), return_exceptions=True
    )
    assert sum(not isinstance(answer, BaseException) for answer in answers) == 1
    assert all(isinstance(answer, Refused) for answer in answers if isinstance(answer, BaseException))


async def test_a_proposal_dies_when_the_link_is_edited_after_it(people: Cast) -> None:
    await _used()
    proposal = await work.run(repoint.propose, people.sato, "bosai_evac", 1, _evac(url=NEW), "ページが移った")
    await work.run(editing.edit, people.sato, "bosai_evac", 1, _evac(label="避難"), "短く")
    with pytest.raises(Refused, match="提案の後に"):
        await work.run(repoint.approve, people.nakamura, proposal)


async def test_the_same_target_can_be_approved_again_later(people: Cast) -> None:
    await _used()
    old = (await register.find("bosai_evac")).url
    for version, url in enumerate((NEW, old, NEW), 1):
        proposal = await work.run(repoint.propose, people.sato, "bosai_evac", version, _evac(url=url), "移った")
        await work.run(repoint.approve, people.nakamura, proposal)
    assert (await register.find("bosai_evac")).url == NEW


async def test_a_new_proposal_replaces_the_open_one(people: Cast) -> None:
    first = await work.run(repoint.propose, people.sato, "bosai_evac", 1, _evac(url=NEW), "移った")
    await work.run(repoint.propose, people.nakamura, "bosai_evac", 1, _evac(url=f"{NEW}?2"), "移った")
    with pytest.raises(Refused, match="閉じられて"):
        await work.run(repoint.approve, people.ito, first)
    assert len(await repoint.waiting("bosai_evac")) == 1


async def test_the_history_names_both_people(people: Cast) -> None:
    await _used()
    proposal = await work.run(repoint.propose, people.sato, "bosai_evac", 1, _evac(url=NEW), "ページが移った")
    await work.run(repoint.approve, people.nakamura, proposal)
    (change,) = await repoint.history("bosai_evac")
    assert (change.staff_name, change.approved_by, change.reason) == ("佐藤", "中村", "ページが移った")


async def test_a_message_knows_the_targets_that_changed_after_it(people: Cast) -> None:
    await _used()
    before = await clock.now()
    proposal = await work.run(repoint.propose, people.sato, "bosai_evac", 1, _evac(url=NEW), "ページが移った")
    await work.run(repoint.approve, people.nakamura, proposal)
    after = await clock.now()
    assert [len(await repoint.repointed_after_use("message:1", since)) for since in (before, after)] == [1, 0]
    assert await repoint.repointed_after_use("message:2", before) == []


async def test_uses_follow_what_the_user_now_uses(people: Cast) -> None:
    await work.run(register.note_uses, "menu:1", ["home", "bosai_evac", "no-such-link"])
    await work.run(register.note_uses, "menu:1", ["bosai_evac"])
    assert [await register.uses(code) for code in ("home", "bosai_evac")] == [[], ["menu:1"]]


async def test_a_used_link_is_retired_by_the_pr_division_only(people: Cast) -> None:
    await work.run(editing.add, people.tanaka, "matsuri", _wanted(owner_section="kosodate"))
    await work.run(register.note_uses, "message:1", ["matsuri"])
    with pytest.raises(Forbidden):
        await work.run(editing.retire, people.tanaka, "matsuri", 1, None, "終わった")
    await work.run(editing.retire, people.sato, "matsuri", 1, None, "終わった")
    assert (await register.find("matsuri")).state is State.RETIRED


async def test_retiring_a_used_link_towards_another_is_no_way_round_two_people(people: Cast) -> None:
    await _used()
    with pytest.raises(Refused, match="もう一人"):
        await work.run(editing.retire, people.ito, "bosai_evac", 1, "home", "まとめた")


@pytest.mark.parametrize(
    "url",
    [
        "https://line.example.jp/go/bosai_evac",
        "https://line.example.jp/go/bosai_evac?openExternalBrowser=1",
        "https://www.city.bunkyo.lg.jp/b009/p000034.html",
        "https://www.city.bunkyo.lg.jp/b009/p000034.html?openExternalBrowser=1",
        "https://www.city.bunkyo.lg.jp/b009/p000034.html#map",
        "https://www.city.bunkyo.lg.jp/b009/p000034.html?openExternalBrowser=1#map",
    ],
)
async def test_a_link_in_a_text_is_recognised(people: Cast, url: str) -> None:
    assert (await register.states_of([url]))[url].code == "bosai_evac"


async def test_a_link_outside_the_register_is_not(people: Cast) -> None:
    assert await register.states_of(["https://www.city.bunkyo.lg.jp/b000/p000000.html"]) == {}


async def test_many_links_are_looked_up_in_one_question(people: Cast) -> None:
    urls = [f"{PUBLIC}/go/{link.code}" for link in await register.listing()] + ["https://x.example.jp/"] * 50
    asked: list[Any] = []

    async def listening() -> dict[str, register.Link]:
        async with raw() as connection:
            with connection.query_logger(asked.append):
                return await register.states_of(urls)

    found = await work.run(listening)
    assert (len(asked), len(found)) == (1, len(set(urls)) - 1)


async def test_a_name_wins_over_another_link_to_the_same_page(people: Cast) -> None:
    await work.run(editing.add, people.sato, "a-copy", _evac())
    url, page = f"{PUBLIC}/go/bosai_evac", "https://www.city.bunkyo.lg.jp/b009/p000034.html"
    found = await register.states_of([url, page])
    assert (found[url].code, found[page].code) == ("bosai_evac", "a-copy")


def test_links_in_a_text_are_found_once_each_in_order() -> None:
    text = "https://a.jp/go/b-1\nと https://a.jp/go/a_2。 https://a.jp/go/b-1?from=x https://a.jp/going/c"
    assert register.codes_in(text) == ["b-1", "a_2"]


async def test_the_address_asks_for_an_outer_browser_where_said(people: Cast) -> None:
    await work.run(editing.edit, people.sato, "home", 1, _wanted(external_browser=True), "PDF")
    assert register.address(await register.find("home"), PUBLIC) == f"{PUBLIC}/go/home?openExternalBrowser=1"


async def test_an_unknown_link_is_not_found(people: Cast) -> None:
    with pytest.raises(NotFound):
        await register.find("no-such-link")
