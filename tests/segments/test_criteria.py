"""配信条件: 読めないものはすべて断り、全員にはならない(CHECKS G3)。"""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.residents.stages import Stage
from backend.residents.vocabulary import AgeBand, Language, Topic
from backend.segments import audience, criteria, fields, picker
from backend.segments.criteria import Criteria
from backend.segments.fields import Term
from backend.segments.picker import Picked
from backend.store import work
from backend.ward import areas
from tests import cast
from tests.cast import HONGO_3
from tests.console_fixtures import people

__all__ = ["people"]
GOOD = '{"all":[{"any":[{"field":"area","value":41,"not":false}]}]}'

VALUES: dict[str, list[int | str]] = {
    "area": [*areas.BY_CODE, areas.OUTSIDE],
    "town": list(areas.TOWN_BY_CODE),
    "age_band": [band.value for band in AgeBand],
    "stage": [stage.value for stage in Stage],
    "topic": [topic.value for topic in Topic],
    "language": [language.value for language in Language],
}
term = st.sampled_from(sorted(VALUES)).flatmap(
    lambda field: st.builds(Term, st.just(field), st.sampled_from(VALUES[field]), st.booleans())
)
valid = st.lists(st.lists(term, min_size=1, max_size=4), min_size=1, max_size=4).map(criteria.build)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 90)
    | st.floats(allow_nan=True)
    | st.text(max_size=8)
    | st.sampled_from(["all", "any", "area", "everyone", "*"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["all", "any", "field", "value", "not", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(valid)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_back_the_same(made: Criteria) -> None:
    assert criteria.parse(criteria.dump(made)) == made


@given(valid)
@settings(max_examples=100, deadline=None)
def test_every_clause_asks_for_live_consent(made: Criteria) -> None:
    clause, parameters = criteria.where(made)
    terms = sum(len(group) for group in made.groups)
    assert clause.count("r.purposes &") == terms
    assert clause.count("(") == clause.count(")")
    assert len(parameters) <= terms


@given(anything)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_sent_is_refused_or_exactly_understood(document: Any) -> None:
    text = json.dumps(document)
    try:
        made = criteria.parse(text)
    except Refused:
        return
    assert made.groups
    assert all(made.groups)
    assert criteria.parse(criteria.dump(made)) == made


@given(st.binary(max_size=80))
@settings(max_examples=100, deadline=None)
def test_raw_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(Refused):
        criteria.parse(raw)


def mutated(made: Criteria) -> st.SearchStrategy[str]:
    """正しい条件のどこか一か所を壊したもの。"""
    text = criteria.dump(made)
    return st.integers(0, len(text) - 1).flatmap(
        lambda at: st.sampled_from(["", "x", "0", '"', "{", "}", "[", "]", ",", ":", "null", "true"]).map(
            lambda bit: text[:at] + bit + text[at + 1 :]
        )
    )


@given(valid.flatmap(lambda made: st.tuples(st.just(made), mutated(made))))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_damaged_condition_is_refused_or_still_a_closed_one(pair: tuple[Criteria, str]) -> None:
    _, text = pair
    try:
        made = criteria.parse(text)
    except Refused:
        return
    assert all(term.value in VALUES[term.field] for group in made.groups for term in group)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"all":[]}',
        '{"all":null}',
        '{"all":[{}]}',
        '{"all":[{"any":[]}]}',
        '{"all":[{"any":null}]}',
        '{"all":{}}',
        '"everyone"',
        '{"everyone":true}',
        '{"all":[{"any":[{"field":"area","value":41}]}],"everyone":true}',
        '{"all":[{"any":[{"field":"area","value":41}]},{"any":[]}]}',
        '{"all":[{"any":[{"field":"area"}]}]}',
        '{"all":[{"any":[{"field":"area","value":null}]}]}',
        '{"all":[{"any":[{"field":"area","value":"41"}]}]}',
        '{"all":[{"any":[{"field":"area","value":41.0}]}]}',
        '{"all":[{"any":[{"field":"area","value":true}]}]}',
        '{"all":[{"any":[{"field":"area","value":[41]}]}]}',
        '{"all":[{"any":[{"field":"area","value":0}]}]}',
        '{"all":[{"any":[{"field":"area","value":70}]}]}',
        '{"all":[{"any":[{"field":"town","value":20}]}]}',
        '{"all":[{"any":[{"field":"topic","value":"bosai "}]}]}',
        '{"all":[{"any":[{"field":"topic","value":"deleted"}]}]}',
        '{"all":[{"any":[{"field":"stage","value":"PREGNANT"}]}]}',
        '{"all":[{"any":[{"field":"nothing","value":1}]}]}',
        '{"all":[{"any":[{"field":"area","value":41,"not":null}]}]}',
        '{"all":[{"any":[{"field":"area","value":41,"not":"false"}]}]}',
        '{"all":[{"any":[{"field":"area","value":41,"not":0}]}]}',
        '{"all":[{"any":[{"field":"area","value":41,"extra":1}]}]}',
        '{"all":[{"any":[{"field":"area","value":41,"value":1}]}]}',
        '{"all":[],"all":[{"any":[{"field":"area","value":41}]}]}',
        '{"all":[{"any":[{"field":"area","value":NaN}]}]}',
        '{"all":[{"any":[{"field":"area","value":Infinity}]}]}',
        '{"all":[{"any":[{"field":"area","value":1 or 1=1}]}]}',
        '{"all":[{"any":[{"field":"area; drop table resident","value":1}]}]}',
        '{"any":[{"field":"area","value":41}]}',
        GOOD + "x",
        "[" * 5000,
        '{"all":' + "[" * 5000,
    ],
)
def test_a_malformed_condition_is_refused_with_a_next_step(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        criteria.parse(text)
    assert refusal.value.next_step


def test_a_condition_too_long_is_refused() -> None:
    with pytest.raises(Refused):
        criteria.parse(GOOD + " " * criteria.MAX_BYTES)


def test_an_empty_condition_compiles_to_nothing() -> None:
    for groups in ((), ((),), ((Term("area", 41),), ())):
        with pytest.raises(Refused):
            criteria.where(Criteria(groups))


def test_the_order_of_writing_does_not_matter() -> None:
    one = criteria.build([[Term("area", 41), Term("area", 1)], [Term("age_band", 30)]])
    other = criteria.build([[Term("age_band", 30)], [Term("area", 1), Term("area", 41), Term("area", 41)]])
    assert criteria.dump(one) == criteria.dump(other)


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([[Term("area", 41)]], "本郷三丁目の方"),
        ([[Term("age_band", 30), Term("age_band", 40)]], "30代または40代の方"),
        ([[Term("area", 41, negated=True)]], "「本郷三丁目以外の」方"),
    ],
)
def test_a_condition_is_told_in_japanese(groups: list[list[Term]], words: str) -> None:
    assert criteria.describe(criteria.build(groups)) == words


@given(valid)
@settings(max_examples=100, deadline=None)
def test_every_condition_can_be_told(made: Criteria) -> None:
    assert criteria.describe(made).endswith("方")


@given(
    st.dictionaries(
        st.sampled_from(["area", "town", "age_band", "stage", "topic", "language", "negated"]),
        st.lists(
            st.text(max_size=6) | st.sampled_from(["1", "41", "30", "bosai", "ja", "place", "٣", "-1", "１"]),
            max_size=4,
        ),
    )
)
@settings(max_examples=100, deadline=None)
def test_no_choice_in_the_picker_widens(chosen: dict[str, list[str]]) -> None:
    made = picker.criteria_of(Picked(**chosen))
    asked = any(chosen.get(name) for name in ("area", "town", "age_band", "stage", "topic", "language"))
    assert made is None or asked
    if made:
        known = {str(value) for values in VALUES.values() for value in values}
        assert all(v in known for name, values in chosen.items() if name != "negated" for v in values)


def test_one_unreadable_box_empties_the_whole_condition() -> None:
    assert picker.criteria_of(Picked(area=["41", "999"])) is None


def test_kept_criteria_that_cannot_be_read_are_nobody() -> None:
    assert picker.criteria_of(Picked(kept='{"all":[]}', area=["41"])) is None


@pytest.fixture
async def town(people: object, keys: AddressKeys) -> None:
    """さくら(本郷三丁目、30代、1歳の子、防災)と、リン(英語)、それに同意の一つだけの人たち。"""
    sakura = Choices(
        purposes=Purpose.AREA | Purpose.AGE | Purpose.PARENTING | Purpose.TOPICS,
        area=HONGO_3,
        age_band=30,
        birth_months=(date(2025, 4, 1),),
        topics=(Topic.BOSAI,),
    )
    lin = Choices(purposes=Purpose.LANGUAGE, language=Language.EN)
    await cast.consented(
        keys,
        {
            cast.SAKURA: sakura,
            cast.LIN: lin,
            cast.user(1): Choices(purposes=Purpose.AREA, area=1),
            cast.user(2): Choices(purposes=Purpose.AREA, area=areas.OUTSIDE),
            cast.user(3): Choices(purposes=Purpose.TOPICS, topics=(Topic.EVENT,)),
        },
    )


async def matching(*groups: list[Term]) -> int:
    return await audience.count(criteria.build(list(groups)))


@pytest.mark.parametrize(
    ("groups", "people_found"),
    [
        ([[Term("area", HONGO_3)]], 1),
        ([[Term("area", HONGO_3), Term("area", 1)]], 2),
        ([[Term("area", HONGO_3, negated=True)]], 2),  # 答えていないリンと三人目は数えない
        ([[Term("town", areas.BY_CODE[HONGO_3].code)]], 0),
        ([[Term("area", areas.OUTSIDE)]], 1),
        ([[Term("age_band", 30)]], 1),
        ([[Term("age_band", 30, negated=True)]], 0),
        ([[Term("stage", "y1")]], 1),
        ([[Term("stage", "y1", negated=True)]], 0),
        ([[Term("stage", "pregnant", negated=True)]], 1),
        ([[Term("topic", "bosai")]], 1),
        ([[Term("topic", "bosai", negated=True)]], 1),
        ([[Term("language", "en")]], 1),
        ([[Term("language", "en", negated=True)]], 0),
        ([[Term("area", HONGO_3)], [Term("language", "en")]], 0),
        ([[Term("area", HONGO_3)], [Term("age_band", 30)], [Term("stage", "y1")], [Term("topic", "bosai")]], 1),
    ],
    ids=str,
)
async def test_only_those_who_answered_and_agreed_are_counted(
    town: None, groups: list[list[Term]], people_found: int
) -> None:
    if groups[0][0].field == "town":
        code = next(t.code for t in areas.TOWNS if HONGO_3 in [a.code for a in t.areas])
        groups, people_found = [[Term("town", code)]], 1
    assert await matching(*groups) == people_found


async def test_no_condition_counts_someone_without_consent(town: None) -> None:
    total = (await work.sql("select count(*) as people from resident"))[0]["people"]
    for field in fields.FIELDS:
        for value in VALUES[field]:
            both = [[Term(field, value), Term(field, value, negated=True)]]
            assert await matching(*both) < total


async def test_a_lapsed_consent_counts_for_nobody(town: None) -> None:
    assert await matching([Term("area", HONGO_3)]) == 1
    await work.sql("update resident set live_until = ward_now()")
    assert await matching([Term("area", HONGO_3)]) == 0


@given(valid)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_condition_runs_as_sql(made: Criteria) -> None:
    clause, parameters = criteria.where(made, 3)
    assert all(f"${n}" in clause for n in range(3, 3 + len(parameters)))
