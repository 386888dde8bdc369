"""窓口での訂正(RULES 41): 預かる答えはどれも直せる。同意していない目的は、そのとおりの理由で断る。"""

from collections.abc import Awaitable, Callable
from dataclasses import fields, replace
from datetime import date, datetime
from typing import Any

import pytest

from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.residents import choices, correction, journal, preferences, rights
from backend.residents.choices import BadChoices, Choices
from backend.residents.correction import Typed
from backend.residents.vocabulary import Language, Slot, Stream, Topic
from backend.store import clock, work
from backend.store.clock import JST
from tests import cast
from tests.consent.desk import OFFICER
from tests.residents.people import KEN, SAKURA, consented
from tests.residents.test_consoles import seat

__all__ = ["seat"]
MAY, JUNE, FEBRUARY = date(2025, 5, 1), date(2025, 6, 1), date(2027, 2, 1)
BEFORE = Choices(
    purposes=Purpose(63),
    area=12,
    age_band=30,
    due_months=(date(2027, 1, 1),),
    birth_months=(MAY,),
    birth_due_months=(None,),
    topics=(Topic.BOSAI,),
    language=Language.EN,
    collection_area=13,
    streams=(Stream.BURNABLE,),
    slot=Slot.EVENING,
)
CORRECTIONS: dict[str, tuple[Typed, dict[str, Any]]] = {
    "area": (Typed("69"), {"area": 69}),
    "age_band": (Typed("80"), {"age_band": 80}),
    "due_month": (Typed("2027-02"), {"due_months": (FEBRUARY,)}),
    "children": (
        Typed(births=["2025-06", "2024-01", "", "", ""], dues=["2025-07", "", "", "", ""]),
        {"birth_months": (JUNE, date(2024, 1, 1)), "birth_due_months": (date(2025, 7, 1), None)},
    ),
    "topics": (Typed(many=["international", "health"]), {"topics": (Topic.HEALTH, Topic.INTERNATIONAL)}),
    "collection_area": (Typed("68"), {"collection_area": 68}),
    "streams": (Typed(many=["plastic"]), {"streams": (Stream.PLASTIC,)}),
    "slot": (Typed("7"), {"slot": Slot.MORNING}),
    "language": (Typed("ko"), {"language": Language.KO}),
}
Correct = Callable[[str, Typed], Awaitable[None]]


@pytest.fixture
async def correct(database: Any, keys: Any) -> Correct:
    await cast.enrol(OFFICER)
    await clock.set_to(datetime(2026, 11, 24, 9, 0, tzinfo=JST))
    await consented(keys, SAKURA, BEFORE)
    await consented(keys, KEN, BEFORE)
    return lambda name, typed: at_the_counter(keys, name, typed)


async def at_the_counter(keys: Any, name: str, typed: Typed, who: str = SAKURA) -> None:
    code, _ = await work.run(rights.issue_code, keys, who)
    case = await work.run(rights.open_case, OFFICER, keys, code)
    await work.run(rights.correct, OFFICER, keys, case, name, correction.read(name, typed))


async def kept(keys: Any, who: str = SAKURA) -> Choices:
    found = await preferences.held(keys, who)
    assert found is not None
    return found.choices


def test_every_answer_we_keep_can_be_corrected() -> None:
    assert set(CORRECTIONS) == set(correction.PURPOSE_OF)
    reached = {name for _, changed in CORRECTIONS.values() for name in changed}
    assert reached == {name for names in choices.ATTRIBUTES.values() for name in names}
    assert reached == {one.name for one in fields(Choices)} - {"purposes", "guardian"}


@pytest.mark.parametrize("name", CORRECTIONS)
async def test_a_correction_changes_that_answer_of_that_person_and_no_consent(
    correct: Correct, keys: Any, owner: Any, name: str
) -> None:
    events = await owner.fetchval("select count(*) from consent_event")
    agreed = await owner.fetch("select id, consented_at, live_until from resident order by id")
    typed, changed = CORRECTIONS[name]
    await correct(name, typed)
    assert await kept(keys) == replace(BEFORE, **changed)
    assert await kept(keys, KEN) == BEFORE
    assert await owner.fetchval("select count(*) from consent_event") == events
    assert await owner.fetch("select id, consented_at, live_until from resident order by id") == agreed


@pytest.mark.parametrize("name", [name for name in CORRECTIONS if name not in ("due_month", "children")])
async def test_an_answer_may_become_no_answer(correct: Correct, keys: Any, name: str) -> None:
    await correct(name, Typed())
    empty = getattr(Choices(purposes=BEFORE.purposes), name)
    assert await kept(keys) == replace(BEFORE, **{name: empty})


@pytest.mark.parametrize("name", CORRECTIONS)
async def test_without_consent_the_reason_is_the_true_one(correct: Correct, keys: Any, name: str) -> None:
    purpose = correction.PURPOSE_OF[name]
    await work.run(preferences.withdraw, keys, SAKURA, purpose)
    before = await kept(keys)
    with pytest.raises(Refused, match=f"「{purpose.label}」に同意していない"):
        await correct(name, CORRECTIONS[name][0])
    assert await kept(keys) == before


async def test_what_is_no_answer_is_not_called_a_lack_of_consent(correct: Correct) -> None:
    for name in ("purposes", "number", "guardian", ""):
        with pytest.raises(Refused, match="その項目はありません"):
            await correct(name, Typed("1"))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("area", Typed("70")),
        ("area", Typed("本郷")),
        ("age_band", Typed("31")),
        ("language", Typed("fr")),
        ("slot", Typed("3")),
        ("collection_area", Typed("69")),
        ("topics", Typed(many=["gossip"])),
        ("streams", Typed(many=["gold"])),
        ("due_month", Typed("2030-01")),
        ("due_month", Typed("来月")),
        ("children", Typed(births=["2027-05"], dues=[""])),
        ("children", Typed(births=[""], dues=["2025-05"])),
        ("children", Typed(births=["2025-05"], dues=["2024-01"])),
        ("children", Typed(births=["2025-05"] * 6, dues=[""] * 6)),
    ],
)
async def test_a_strange_answer_is_refused(correct: Correct, keys: Any, name: str, typed: Typed) -> None:
    with pytest.raises(Refused) as refusal:
        await correct(name, typed)
    assert isinstance(refusal.value, BadChoices) or "一覧から" in refusal.value.message
    assert await kept(keys) == BEFORE


async def test_a_child_taken_off_is_stopped_like_on_the_phone(correct: Correct, keys: Any, owner: Any) -> None:
    """RULES 44: 固まった送信単位から外れ、控えを戻しても戻らない。ほかの子と妊娠は残る。"""
    number = await owner.fetchval("select number from resident where id = $1", keys.index(SAKURA))
    await correct("children", Typed(births=["2024-01"], dues=[""]))
    assert await owner.fetchval("select number from resident where id = $1", keys.index(SAKURA)) != number
    assert await owner.fetchval("select birth_1 from resident where id = $1", keys.index(SAKURA)) == date(2024, 1, 1)
    assert keys.erasure_mark(SAKURA, journal.birth(MAY)) in journal.latest(keys)
    assert (await kept(keys)).due_months == BEFORE.due_months


async def test_when_nothing_of_parenting_is_left_the_purpose_ends(correct: Correct, keys: Any, owner: Any) -> None:
    await correct("due_month", Typed())
    await correct("children", Typed(births=[""] * 5, dues=[""] * 5))
    assert Purpose.PARENTING not in (await kept(keys)).purposes
    last = await owner.fetchrow("select purpose, action, channel from consent_event order by id desc limit 1")
    assert tuple(last) == (4, "withdrawn", "counter")


async def test_the_sheet_offers_every_answer_and_takes_it(correct: Correct, keys: Any, seat: Any) -> None:
    code, _ = await work.run(rights.issue_code, keys, SAKURA)
    officer = await seat("privacy_officer", "mori")
    place = (await officer.post("/console/rights", data={"code": code})).headers["location"]
    sheet = (await officer.get(place)).text
    assert "2026年11月24日(火)</td><td>2028年11月24日(金)" in sheet
    for name, (typed, changed) in CORRECTIONS.items():
        assert f'name="name" value="{name}"' in sheet, name
        sent = {"name": name, "value": typed.value, "many": typed.many, "births": typed.births, "dues": typed.dues}
        assert (await officer.post(f"{place}/correct", data=sent)).status_code == 303, name
        for attribute, value in changed.items():
            assert getattr(await kept(keys), attribute) == value, name
    sheet = (await officer.get(place)).text
    for shown in ('value="2025-06"', 'value="2025-07"', 'value="2027-02"', 'value="plastic" checked'):
        assert shown in sheet, shown
