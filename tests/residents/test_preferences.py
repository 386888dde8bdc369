"""受信設定: 同意して保存、変える、やめる。台帳と本人の行は一緒に動く。"""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.consent import ledger
from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.residents import preferences
from backend.residents.choices import ATTRIBUTES, BadChoices, Choices
from backend.residents.preferences import NoticeChanged
from backend.residents.vocabulary import AgeBand, Topic
from backend.store import work
from tests.residents.people import KEN, SAKURA, consented, everything, today


async def held(keys, user=SAKURA):
    found = await preferences.held(keys, user)
    assert found is not None
    return found


async def test_what_was_chosen_is_what_is_held(database, keys):
    wanted = await everything()
    await consented(keys, SAKURA, wanted)
    assert (await held(keys)).choices == replace(wanted, birth_due_months=(None,))


async def test_refusing_any_of_the_purposes_leaves_the_others(database, keys):
    """P3: 2^6 の組み合わせのすべて。保存し直しは、選ばれなくなったものを同じ取引でやめる。"""
    wanted = await everything()
    for number in range(1, 64):
        purposes = Purpose(number)
        await consented(keys, SAKURA, replace(wanted, purposes=purposes))
        now = await held(keys)
        assert set(now.grants) == set(purposes)
        for purpose, names in ATTRIBUTES.items():
            for name in names:
                stored = getattr(now.choices, name) not in (None, (), (None,))
                assert stored == bool(purposes & purpose and getattr(wanted, name)), (number, name)


async def test_one_event_is_written_per_purpose(database, keys, owner):
    await consented(keys, SAKURA, Choices(purposes=Purpose.AREA | Purpose.AGE | Purpose.TOPICS))
    events = await owner.fetch("select purpose, action from consent_event order by purpose")
    assert [tuple(event) for event in events] == [(1, "granted"), (2, "granted"), (8, "granted")]


async def test_leaving_an_answer_blank_is_stored_as_absence(database, keys, owner):
    """P19。"""
    await consented(keys, SAKURA, Choices(purposes=Purpose(63)))
    row = await owner.fetchrow(
        "select area, age_band, topics, language, due_month, collection_area, streams, slot from resident"
    )
    assert list(row.values()) == [None, None, 0, None, None, None, 0, None]


async def test_the_database_itself_refuses_an_attribute_without_consent(database, keys, owner):
    """I6。"""
    import asyncpg

    await consented(keys, SAKURA, Choices(purposes=Purpose.AGE))
    for column, value in (("area", 1), ("topics", 1), ("slot", 7), ("due_month", await today())):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(f"update resident set {column} = $1", value)


async def test_withdrawing_one_purpose_clears_only_its_attributes(database, keys):
    await consented(keys, SAKURA)
    await work.run(preferences.withdraw, keys, SAKURA, Purpose.PARENTING)
    now = (await held(keys)).choices
    assert (now.due_months, now.birth_months) == ((), ())
    assert (now.area, now.collection_area) == (12, 13)


async def test_home_area_and_collection_area_are_two_things(database, keys):
    """RULES 18。"""
    await consented(keys, SAKURA)
    await work.run(preferences.withdraw, keys, SAKURA, Purpose.AREA)
    now = (await held(keys)).choices
    assert (now.area, now.collection_area) == (None, 13)


async def test_any_withdrawal_changes_the_number_so_frozen_batches_miss_the_person(database, keys, owner):
    await consented(keys, SAKURA)
    first = await owner.fetchval("select number from resident")
    await consented(keys, SAKURA)
    assert await owner.fetchval("select number from resident") == first
    await work.run(preferences.withdraw, keys, SAKURA, Purpose.AGE)
    assert await owner.fetchval("select number from resident") != first


async def test_consenting_again_starts_as_somebody_new(database, keys, owner):
    await consented(keys, SAKURA)
    before = await owner.fetchrow("select number, subject_key from resident")
    await work.run(preferences.withdraw, keys, SAKURA)
    await consented(keys, SAKURA)
    after = await owner.fetchrow("select number, subject_key from resident")
    assert before["number"] != after["number"]
    assert before["subject_key"] != after["subject_key"]


async def test_nobody_held_means_nothing_to_withdraw(database, keys):
    assert await work.run(preferences.withdraw, keys, KEN) is None


async def test_a_changed_notice_saves_nothing(database, keys):
    with pytest.raises(NoticeChanged):
        await consented(keys, SAKURA, notice_version=2)
    assert await preferences.held(keys, SAKURA) is None


async def test_the_row_lives_exactly_as_long_as_its_earliest_consent(database, keys, owner):
    await consented(keys, SAKURA)
    now = await held(keys)
    assert await owner.fetchval("select live_until from resident") == min(g.until for g in now.grants.values())


async def test_two_saves_at_once_are_one_after_the_other(database, keys, owner):
    import asyncio

    wanted = [Choices(purposes=Purpose.AREA, area=n) for n in range(1, 13)]
    await asyncio.gather(*(consented(keys, SAKURA, one) for one in wanted))
    assert await owner.fetchval("select count(*) from resident") == 1
    row = await owner.fetchrow("select subject_key from resident")
    live = (await ledger.live([ledger.subject(row["subject_key"])])).popitem()[1]
    assert set(live) == {Purpose.AREA}
    assert await owner.fetchval("select count(distinct subject) from consent_event") == 1


async def test_an_older_index_key_still_finds_the_person_and_is_replaced_on_saving(database, keys, owner):
    await consented(keys, SAKURA)
    newer = replace(keys, index_keys={**keys.index_keys, 2: b"n" * 64}, index_now=2)
    assert (await preferences.held(newer, SAKURA)) is not None
    await consented(newer, SAKURA)
    assert await owner.fetchval("select array_agg(index_version) from resident") == [2]
    assert await owner.fetchval("select count(*) from resident_child") == 1


CASES = {
    "知らない地域": ({"area": 70}, "area"),
    "知らない年代": ({"age_band": 19}, "age_band"),
    "区外のごみ": ({"collection_area": 69}, "collection_area"),
    "知らない時刻": ({"slot": 8}, "slot"),
    "目的なし": ({"purposes": Purpose(0)}, "purposes"),
    "知らない目的": ({"purposes": Purpose(64)}, "purposes"),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_value_outside_the_list_is_refused_by_name(database, keys, case):
    changed, field = CASES[case]
    with pytest.raises(BadChoices) as refused:
        await consented(keys, SAKURA, replace(await everything(), **changed))
    assert field in refused.value.fields


async def test_months_are_checked(database, keys):
    first = (await today()).replace(day=1)
    next_month = (first + timedelta(days=32)).replace(day=1)
    wrong = [
        {"birth_months": (next_month,)},
        {"birth_months": (first.replace(year=first.year - 30),)},
        {"birth_months": (first,) * 6},
        {"birth_months": (first.replace(day=2),)},
        {"due_months": (first, next_month)},
        {"due_months": (first.replace(year=first.year + 2),)},
        {"due_months": (first.replace(year=first.year - 1),)},
        {"birth_months": (first,), "birth_due_months": (first, first)},
    ]
    for one in wrong:
        with pytest.raises(BadChoices) as refused:
            await consented(keys, SAKURA, Choices(purposes=Purpose.PARENTING, **one))
        assert set(refused.value.fields) == {"children"}, one


async def test_up_to_fifteen_reads_with_a_guardian_and_the_yes_is_recorded(database, keys, owner):
    """P15, RULES 19。"""
    young = Choices(
        purposes=Purpose.AREA | Purpose.AGE | Purpose.TOPICS, age_band=AgeBand.UP_TO_15, topics=(Topic.EVENT,)
    )
    with pytest.raises(BadChoices):
        await consented(keys, SAKURA, young)
    await consented(keys, SAKURA, replace(young, guardian=True))
    recorded = await owner.fetch("select purpose, guardian from consent_event order by purpose")
    assert [tuple(one) for one in recorded] == [(1, False), (2, True), (8, True)]


async def test_a_broken_notice_takes_no_consent(database, keys, owner):
    """P1, P5: 書き換わった文では同意を受けない。"""
    await owner.execute("update notice_text set text = text || '。' where language = 'ja' and part = 'area'")
    with pytest.raises(Refused):
        await consented(keys, SAKURA)
    assert await preferences.held(keys, SAKURA) is None
