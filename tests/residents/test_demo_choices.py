"""お試しの人々。数えるのは、`ward demo` がほんとうに入れたもの。"""

from collections import Counter
from datetime import date

from backend.consent.notices import Purpose
from backend.demo import choices, people
from backend.residents import preferences
from backend.residents.stages import Stage
from backend.segments import audience, criteria
from backend.store import work
from tests.residents.people import KEN, LIN, SAKURA

USERS = [person["user"] for person in people.friends()]
DAY = date(2026, 11, 24)


def test_the_same_people_choose_the_same_things() -> None:
    assert choices.made_up(USERS, DAY) == choices.made_up(USERS, DAY)


def test_everyone_is_marked_as_made_up_and_the_cast_comes_first() -> None:
    names = [person["name"] for person in people.friends()]
    assert names[:3] == ["さくら(架空)", "健(架空)", "リン(架空)"]
    assert [name for name in names if not name.endswith("(架空)")] == []


async def test_the_cast_starts_as_the_walk_needs_it(database, settings, keys) -> None:
    """さくらは歩く人の手で同意し、健はずっと同意せず、リンは英語で同意している。"""
    await people.consent(settings, len(people.CAST))
    assert await preferences.held(keys, SAKURA) is None
    assert await preferences.held(keys, KEN) is None
    lin = await preferences.held(keys, LIN)
    assert lin
    assert (lin.choices.language, lin.choices.area) == ("en", choices.HONGO_3)
    read = await work.sql("select distinct language from consent_event")
    assert [row["language"] for row in read] == ["en"]


async def test_every_audience_of_the_walk_has_forty_people(database, settings) -> None:
    await people.consent(settings, people.FRIENDS)
    counts = {stage.label: await _count("stage", stage.value) for stage in Stage}
    counts["本郷三丁目"] = await _count("area", choices.HONGO_3)
    stored = (await work.sql("select count(*) as n from resident"))[0]["n"]
    print(f"同意 {stored}/{people.FRIENDS}人", counts)
    assert 0.4 < stored / people.FRIENDS < 0.5
    assert min(counts.values()) >= 40, counts


async def test_a_second_start_leaves_everyone_as_they_are(database, settings, keys) -> None:
    await people.consent(settings, 60)
    await work.run(preferences.withdraw, keys, LIN)
    before = await work.sql("select id from resident order by id")
    await people.consent(settings, 60)
    assert await work.sql("select id from resident order by id") == before


def test_every_purpose_is_used() -> None:
    used = Counter(p for _, c in choices.made_up(USERS, DAY) for p in c.purposes)
    assert min(used[purpose] for purpose in Purpose) > 200


async def _count(field: str, value: object) -> int:
    return await audience.count(criteria.build([[_term(field, value)]]))


def _term(field: str, value: object):
    from backend.segments import fields

    return fields.term(field, value)
