"""お試しの人々。"""

from collections import Counter
from datetime import date

from backend.consent.notices import Purpose
from backend.demo import choices, people
from backend.residents import preferences
from backend.residents.stages import Stage
from backend.segments import audience, criteria
from backend.store import clock, work
from tests.residents.people import KEN, LIN, SAKURA

USERS = [person["user"] for person in people.friends()]


def test_the_same_people_choose_the_same_things() -> None:
    assert choices.made_up(USERS, date(2026, 11, 24)) == choices.made_up(USERS, date(2026, 11, 24))


def test_the_cast_starts_as_the_walk_needs_it() -> None:
    consented = dict(choices.made_up(USERS, date(2026, 11, 24)))
    assert SAKURA not in consented
    assert KEN not in consented
    assert consented[LIN].language == "en"


async def test_every_audience_of_the_walk_has_forty_people(database, keys):
    today = (await clock.now()).astimezone(clock.JST).date()
    made = choices.made_up(USERS, today)
    await work.run(preferences.save_many, keys, made)
    counts = {stage.label: await _count("stage", stage.value) for stage in Stage}
    counts["本郷三丁目"] = await _count("area", next(c.area for u, c in made if u == LIN))
    print(f"同意 {len(made)}/{len(USERS)}人", counts)
    assert 0.4 < len(made) / len(USERS) < 0.5
    assert min(counts.values()) >= 40, counts


def test_every_purpose_is_used() -> None:
    used = Counter(p for _, c in choices.made_up(USERS, date(2026, 11, 24)) for p in c.purposes)
    assert min(used[purpose] for purpose in Purpose) > 200


async def _count(field: str, value: object) -> int:
    return await audience.count(criteria.build([[_term(field, value)]]))


def _term(field: str, value: object):
    from backend.segments import fields

    return fields.term(field, value)
