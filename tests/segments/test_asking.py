"""人数を尋ねる: 丸めた数の引き算から、少ない人を割り出せない(CHECKS C6)。"""

import random
import statistics

import pytest

from backend.consent.notices import Purpose
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.residents.vocabulary import Topic
from backend.segments import asking, audience, criteria
from backend.segments.criteria import Criteria
from backend.segments.fields import Term
from backend.store import clock, work
from tests import cast
from tests.cast import Cast
from tests.console_fixtures import people

__all__ = ["people"]
SIZES = {area: (7 if area == 3 else 21 + (area * 13) % 29) for area in range(1, 41)}
TARGET = 3  # 7人しかいない町丁目


@pytest.fixture
async def streets(people: Cast, keys: AddressKeys) -> None:
    first = 0
    for area, size in SIZES.items():
        await cast.crowd(keys, size, lambda _, area=area: Choices(purposes=Purpose.AREA, area=area), first)
        first += size


def of(*areas_: int) -> Criteria:
    return criteria.build([[Term("area", area) for area in areas_]])


def told(words: str) -> int | None:
    return int(words.removeprefix("約").removesuffix("人").replace(",", "")) if words.startswith("約") else None


@pytest.mark.parametrize(
    ("exact", "words"), [(0, "20人未満"), (19, "20人未満"), (20, "約20人"), (29, "約20人"), (1249, "約1,240人")]
)
def test_a_number_is_rounded_down_to_tens_and_hidden_below_twenty(exact: int, words: str) -> None:
    assert audience.wording(exact) == words


async def test_a_small_street_is_not_told(people: Cast, streets: None) -> None:
    assert await asking.ask(people.tanaka, of(TARGET)) == "20人未満"


async def test_the_same_question_gets_the_same_answer_for_free(people: Cast, streets: None) -> None:
    answers = {await asking.ask(people.tanaka, of(1, 2)) for _ in range(asking.A_DAY + 10)}
    assert len(answers) == 1


async def test_nearly_the_same_people_get_the_same_number(people: Cast, streets: None) -> None:
    for base in range(4, 40):
        assert await asking.ask(people.tanaka, of(base, 1)) == await asking.ask(people.tanaka, of(base, 1, TARGET))


async def test_a_hidden_number_does_not_hide_the_next(people: Cast, keys: AddressKeys) -> None:
    await cast.crowd(keys, 12, lambda _: Choices(purposes=Purpose.AREA, area=1))
    await cast.crowd(keys, 13, lambda _: Choices(purposes=Purpose.AREA, area=2), 12)
    assert await asking.ask(people.tanaka, of(1)) == "20人未満"
    assert await asking.ask(people.tanaka, of(1, 2)) == "約20人"


async def test_new_consents_show_in_the_next_answer(people: Cast, keys: AddressKeys) -> None:
    await cast.crowd(keys, 20, lambda _: Choices(purposes=Purpose.AREA, area=1))
    assert await asking.ask(people.tanaka, of(1)) == "約20人"
    await cast.crowd(keys, 15, lambda _: Choices(purposes=Purpose.AREA, area=1), 20)
    assert await asking.ask(people.tanaka, of(1)) == "約30人"


async def test_a_day_has_an_end_and_the_next_day_begins_anew(people: Cast) -> None:
    pairs = [(a, b) for a in range(1, 20) for b in range(a + 1, 20)][: asking.A_DAY + 1]
    answers = [await asking.ask(people.tanaka, of(*pair)) for pair in pairs]
    assert answers[-2:] == ["20人未満", asking.OVER]
    assert await asking.ask(people.tanaka, of(*pairs[0])) == "20人未満"
    assert await asking.ask(people.suzuki, of(*pairs[-1])) == "20人未満"
    await clock.advance(24 * 3600)
    assert await asking.ask(people.tanaka, of(*pairs[-1])) == "20人未満"


async def test_hundreds_of_questions_recover_no_small_number(
    people: Cast, streets: None, capsys: pytest.CaptureFixture[str]
) -> None:
    """引き算の攻め手を二つ。じかの対(A, A+的)と、近さの見張りをかわす回り道(A, A+道+的)(B, B+道)。"""
    chance = random.Random(6)
    others = [area for area in SIZES if area not in (TARGET, 1)]
    direct: list[int] = []
    both: list[int] = []
    one: list[int] = []
    answered = 0
    for turn in range(150):
        base = chance.sample(others, chance.randint(2, 8))
        extra, found = ((TARGET,), direct) if turn % 5 == 0 else ((1, TARGET), both) if turn % 2 else ((1,), one)
        words = [await asking.ask(people.tanaka, question) for question in (of(*base), of(*base, *extra))]
        answered += len(words) - words.count(asking.OVER)
        numbers = [told(said) for said in words]
        if numbers[0] is not None and numbers[1] is not None:
            found.append(numbers[1] - numbers[0])
    guess = statistics.mean(both) - statistics.mean(one)
    error = (statistics.variance(both) / len(both) + statistics.variance(one) / len(one)) ** 0.5
    with capsys.disabled():
        print(
            f"\nC6: answered {answered}/300, direct {statistics.mean(direct):.1f}, detour {guess:.1f} ± {2 * error:.1f}"
        )
    kept = await work.sql("select count(*) as asked from audience_question")
    assert kept[0]["asked"] == asking.A_DAY
    assert set(direct) == {0}, "じかの引き算で分かってしまう"
    assert 4 * error > 3, "回り道の引き算で、一つの数に決まってしまう"


async def test_the_attack_would_work_without_the_guard(people: Cast, streets: None) -> None:
    """攻め手が本物であることの証し: 丸めるだけなら、平均から割り出せる。"""
    chance = random.Random(6)
    differences: list[int] = []
    for _ in range(600):
        base = chance.sample([area for area in SIZES if area != TARGET], chance.randint(2, 8))
        exact = sum(SIZES[area] for area in base)
        differences.append((exact + SIZES[TARGET]) // 10 * 10 - exact // 10 * 10)
    assert abs(statistics.mean(differences) - SIZES[TARGET]) < 0.5


async def test_a_topic_asked_in_another_way_is_the_same_people(people: Cast, keys: AddressKeys) -> None:
    both = Purpose.AREA | Purpose.TOPICS
    await cast.crowd(keys, 25, lambda _: Choices(purposes=both, area=1, topics=(Topic.BOSAI,)))
    by_area = await asking.ask(people.tanaka, of(1))
    by_topic = await asking.ask(people.tanaka, criteria.build([[Term("topic", "bosai")]]))
    assert by_area == by_topic == "約20人"
