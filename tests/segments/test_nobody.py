"""だれにもならない: どんな条件も、断られるか、当てはまる人ちょうどになる。広がることはない(CHECKS G3)。

当てはまる人は、答えの一覧からPythonで求めたもので見る(SQLを書いた側の言い分では見ない)。
"""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.consent import publishing
from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.residents import stages
from backend.residents.choices import Choices
from backend.residents.stages import Stage
from backend.residents.vocabulary import AgeBand, Language, Topic
from backend.segments import audience, criteria, renewals
from backend.segments.criteria import Criteria
from backend.segments.fields import Term
from backend.store import clock, work
from backend.store.clock import JST
from backend.ward import areas
from tests import cast
from tests.consent.desk import PR, proposal, publish
from tests.console_fixtures import people

__all__ = ["people"]
TODAY = date(2026, 11, 24)
ANSWERS: list[Choices] = [
    Choices(purposes=Purpose.AREA, area=41),
    Choices(purposes=Purpose.AREA, area=12),
    Choices(purposes=Purpose.AREA, area=areas.OUTSIDE),
    Choices(purposes=Purpose.AREA),  # 目的には同意し、町は答えていない
    Choices(purposes=Purpose.AREA | Purpose.AGE, area=41, age_band=AgeBand.THIRTIES),
    Choices(purposes=Purpose.AGE, age_band=AgeBand.THIRTIES),
    Choices(purposes=Purpose.AGE),
    Choices(purposes=Purpose.PARENTING, birth_months=(date(2025, 4, 1),)),
    Choices(purposes=Purpose.PARENTING, due_months=(date(2027, 2, 1),)),
    Choices(purposes=Purpose.PARENTING),
    Choices(purposes=Purpose.TOPICS, topics=(Topic.BOSAI, Topic.EVENT)),
    Choices(purposes=Purpose.TOPICS),
    Choices(purposes=Purpose.LANGUAGE, language=Language.EN),
    Choices(purposes=Purpose(63), area=1, age_band=AgeBand.THIRTIES, topics=(Topic.BOSAI,), language=Language.JA),
]
AFTER = len(ANSWERS) - 3
"""この番号からの人は、地域の文が変わった後に同意した。"""
ENDS_OLD, ENDS_NEW = "2027-02", "2028-11"
FIELDS: dict[str, list[Any]] = {
    "area": [1, 12, 41, areas.OUTSIDE],
    "town": [town.code for town in areas.TOWNS],
    "age_band": [band.value for band in AgeBand],
    "stage": [stage.value for stage in Stage],
    "topic": [topic.value for topic in Topic],
    "language": [language.value for language in Language],
    "not_renewed": [2, 3, 99],  # 2は公開され、3は案のまま、99はない
    "ends_in": [ENDS_OLD, ENDS_NEW, "2027-01"],
}
WRONG = [None, True, False, 0, -1, 41.0, 70, 9999, "41", "", "deleted", "everyone", "*", [], {}, [41], "2027-13"]


def matches(index: int, item: dict[str, Any]) -> bool:
    """`ANSWERS` のこの人が、この項に当てはまるか。"""
    one, value, field = ANSWERS[index], item["value"], item["field"]
    yes, answered = _answer(index, one, field, value)
    return answered and (not yes if item.get("not") else yes)


def _answer(index: int, one: Choices, field: str, value: Any) -> tuple[bool, bool]:
    town = {area.code: town.code for town in areas.TOWNS for area in town.areas}
    match field:
        case "area":
            return one.area == value, one.area is not None
        case "town":
            return town.get(one.area or 0) == value, one.area is not None
        case "age_band":
            return one.age_band == value, one.age_band is not None
        case "topic":
            return value in {topic.value for topic in one.topics}, bool(one.topics)
        case "language":
            return one.language == value, one.language is not None
        case "stage":
            due = any(stages.is_pregnant(month, TODAY) for month in one.due_months)
            now = {str(stages.stage_of(month, TODAY)) for month in one.birth_months} | ({"pregnant"} if due else set())
            return value in now, bool(one.due_months or one.birth_months)
        case "not_renewed":
            return value == 2 and bool(one.purposes & Purpose.AREA) and index < AFTER, True
        case _:  # 地域の文が変わって終わる人は、期限の方では数えない
            by_notice = bool(one.purposes & Purpose.AREA) and index < AFTER
            return value == ENDS_NEW and not by_notice, True


@pytest_asyncio.fixture(loop_scope="session")
async def town(people: object, keys: Any) -> None:
    await cast.consented(keys, {cast.user(n): one for n, one in enumerate(ANSWERS[:AFTER])})
    await publish(Purpose.AREA, effective_in=0)
    await cast.consented(keys, {cast.user(n): one for n, one in enumerate(ANSWERS) if n >= AFTER})


good = st.sampled_from(sorted(FIELDS)).flatmap(
    lambda field: st.fixed_dictionaries(
        {"field": st.just(field), "value": st.sampled_from(FIELDS[field])}, optional={"not": st.booleans()}
    )
)
bad = st.one_of(
    st.fixed_dictionaries({"field": st.sampled_from(sorted(FIELDS)), "value": st.sampled_from(WRONG)}),
    st.fixed_dictionaries({"field": st.sampled_from(["", "everyone", "resident", "deleted"]), "value": st.just(1)}),
    st.fixed_dictionaries(
        {"field": st.just("area"), "value": st.just(41), "not": st.sampled_from([None, 0, 1, "true"])}
    ),
    st.sampled_from([None, {}, [], "area", {"field": "area"}, {"value": 41}]),
)
group = st.lists(st.one_of(good, good, good, bad), max_size=3).map(lambda terms: {"any": terms})
document = st.one_of(
    st.lists(st.one_of(group, group, group, st.sampled_from([None, {}, [], {"all": []}])), max_size=3).map(
        lambda groups: {"all": groups}
    ),
    good.map(lambda one: {"all": [{"any": [one]}]}),
    st.sampled_from([None, {}, [], "everyone", {"everyone": True}, {"all": None}, {"any": []}]),
)
tally: Counter[str] = Counter()


@pytest_asyncio.fixture(scope="module", autouse=True, loop_scope="session")
async def figures() -> AsyncIterator[None]:
    yield
    print(
        f"\nG3: 試した条件 {tally['tried']}、断った {tally['refused']}、だれもいない {tally['nobody']}、広がったもの 0"
    )


@given(document)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
async def test_a_condition_is_refused_or_reaches_exactly_those_who_match(town: None, document: Any) -> None:
    tally["tried"] += 1
    try:
        made = criteria.parse(json.dumps(document))
    except Refused:
        tally["refused"] += 1
        return
    groups = [one["any"] for one in document["all"]]
    expected = sum(all(any(matches(n, item) for item in one) for one in groups) for n in range(len(ANSWERS)))
    assert await audience.count(made) == expected
    tally["nobody"] += expected == 0


alone = st.sampled_from([("not_renewed", 2), ("ends_in", ENDS_NEW)])


@given(alone, good, st.booleans())
@settings(max_examples=100, deadline=None)
def test_who_has_not_continued_cannot_be_narrowed_by_anything(
    asked: tuple[str, Any], other: dict[str, Any], same_group: bool
) -> None:
    """地域や年代と掛け合わせて、だれがまだかを割り出せない。"""
    one = {"field": asked[0], "value": asked[1]}
    if {**other, "not": False} == {**one, "not": False} and not other.get("not"):
        return
    groups = [{"any": [one, other]}] if same_group else [{"any": [one]}, {"any": [other]}]
    with pytest.raises(Refused):
        criteria.parse(json.dumps({"all": groups}))
    with pytest.raises(Refused):
        criteria.where(Criteria(((Term(*asked), Term("area", 41)),)))


@pytest.mark.parametrize("asked", [("not_renewed", 2), ("ends_in", ENDS_NEW)])
def test_its_opposite_is_refused(asked: tuple[str, Any]) -> None:
    with pytest.raises(Refused):
        criteria.build([[Term(*asked, negated=True)]])


async def test_a_withdrawn_proposal_asks_nobody(town: None) -> None:
    number = await proposal(Purpose(63))
    assert await audience.count(criteria.build([[Term("not_renewed", number)]])) == 0
    await work.run(publishing.drop, PR, number)
    assert await audience.count(criteria.build([[Term("not_renewed", number)]])) == 0


async def test_a_database_that_cannot_answer_counts_nobody(town: None, owner: asyncpg.Connection) -> None:
    """数えられないときは、0人でも全員でもなく、誤り。"""
    wanted = criteria.build([[Term("area", 41)]])
    await owner.execute("alter table notice rename to notice_gone")
    try:
        with pytest.raises(asyncpg.PostgresError):
            await audience.count(criteria.build([[Term("not_renewed", 2)]]))
    finally:
        await owner.execute("alter table notice_gone rename to notice")
    await owner.execute("alter table resident rename to resident_gone")
    try:
        with pytest.raises(asyncpg.PostgresError):
            await audience.count(wanted)
    finally:
        await owner.execute("alter table resident_gone rename to resident")
    assert await audience.count(wanted) == 2


@pytest.mark.parametrize("month", ["2026-12", "2027-01", "2028-02"])
def test_a_month_begins_and_ends_at_midnight_in_japan(month: str) -> None:
    first, following = renewals.span(month)
    assert (first.astimezone(JST).strftime("%Y-%m-%d %H:%M"), following.astimezone(JST).day) == (f"{month}-01 00:00", 1)
    assert 28 <= (following - first).days <= 31


async def test_the_last_moment_of_the_month_is_in_it_and_the_next_is_not(town: None) -> None:
    for moment, inside in ((datetime(2027, 3, 31, 23, 59, 59, tzinfo=JST), 1), (datetime(2027, 4, 1, tzinfo=JST), 0)):
        await work.sql("update resident set live_until = $1 where age_band = 30 and area = 1", moment)
        assert await audience.count(criteria.build([[Term("ends_in", "2027-03")]])) == inside
    assert (await clock.now()).year == 2026
