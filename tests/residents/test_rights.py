"""窓口での本人の権利(C8)、個人設定の開け閉め。写しは test_export、訂正は test_correction。職員は、同意を作ることも、本人のいない行を開くこともできない(P17)。"""

import random
import re
from dataclasses import replace

import pytest

from backend.consent.notices import Purpose
from backend.errors import Forbidden, NotFound, Refused, Unavailable
from backend.permissions import Permission, Role
from backend.residents import choices, incident, preferences, rights
from backend.residents.choices import BadChoices, Choices
from backend.residents.vocabulary import AgeBand, Topic
from backend.segments import audience, criteria, fields
from backend.store import clock, work
from tests import cast
from tests.consent.desk import OFFICER, SECOND, SECTION
from tests.residents.people import KEN, SAKURA, consented, everything, user


async def code_of(keys, who=SAKURA) -> str:
    return (await work.run(rights.issue_code, keys, who))[0]


async def opened(keys, who=SAKURA):
    return await work.run(rights.open_case, OFFICER, keys, await code_of(keys, who))


async def test_two_hundred_corrections_and_stops_touch_all_and_only_their_own(database, keys, owner):
    """C8: 窓口で200人の訂正と利用停止を続けて行い、そのたびに、全員の行のうち変わったのはその人の、その列だけ。"""
    chance = random.Random(41)
    people = [user(n) for n in range(1, 201)]
    await work.run(preferences.save_many, keys, [(who, await everything()) for who in people])
    stops = [None, *Purpose]
    acts = {"correct": 0, "stop": 0}
    difference = 0
    before = await _rows(owner)
    for who in people:
        mine, case = keys.index(who), await opened(keys, who)
        if chance.random() < 0.5:
            name, value = chance.choice([("area", 60), ("age_band", 80), ("language", "ko"), ("slot", 7)])
            await work.run(rights.correct, OFFICER, keys, case, name, value)
            acts["correct"] += 1
            wanted = {name, "updated_at"}
        else:
            purpose = chance.choice(stops)
            await work.run(rights.stop, OFFICER, keys, case, purpose)
            acts["stop"] += 1
            wanted = {*choices.COLUMNS[purpose], "purposes", "number", "live_until", "updated_at"} if purpose else None
        after = await _rows(owner)
        difference += {one for one in before if before[one] != after.get(one)} != {mine}
        difference += (mine not in after) != (wanted is None)
        changed = {column for column in after.get(mine, {}) if after[mine][column] != before[mine][column]}
        difference += not changed <= (wanted or set())
        difference += bool(
            await owner.fetchval("select count(*) from resident_child where resident_id <> all($1)", [*after])
        )
        before = after
    print(f"C8: 訂正 {acts['correct']}人、利用停止 {acts['stop']}人、本人のほかに触れた・漏れた {difference}")
    assert difference == 0


async def _rows(owner) -> dict[object, dict[str, object]]:
    return {row["id"]: dict(row) for row in await owner.fetch("select * from resident")}


async def test_a_code_is_eight_digits_stored_only_as_a_keyed_hash(database, keys, owner):
    await consented(keys, SAKURA)
    code = await code_of(keys)
    assert re.fullmatch(r"\d{8}", code)
    stored = await owner.fetchrow("select digest::text || resident_id::text as all from counter_code")
    assert code not in stored["all"]


async def test_a_code_works_once(database, keys):
    await consented(keys, SAKURA)
    code = await code_of(keys)
    await work.run(rights.open_case, OFFICER, keys, code)
    with pytest.raises(NotFound):
        await work.run(rights.open_case, OFFICER, keys, code)


async def test_a_code_ends_after_ten_minutes_and_with_the_next_one(database, keys):
    await consented(keys, SAKURA)
    first = await code_of(keys)
    second = await code_of(keys)
    with pytest.raises(NotFound):
        await work.run(rights.open_case, OFFICER, keys, first)
    await clock.advance(601)
    with pytest.raises(NotFound):
        await work.run(rights.open_case, OFFICER, keys, second)


async def test_a_code_may_be_typed_with_spaces_and_wide_digits(database, keys):
    await consented(keys, SAKURA)
    code = await code_of(keys)
    wide = "".join(chr(ord(digit) - ord("0") + ord("０")) for digit in code)
    await work.run(rights.open_case, OFFICER, keys, f" {wide[:4]} {wide[4:]} ")


async def test_guessing_codes_stops_after_ten_tries(database, keys):
    for _ in range(10):
        await work.run(rights.check_tries, OFFICER)
    with pytest.raises(Refused):
        await work.run(rights.check_tries, OFFICER)
    await work.run(rights.check_tries, SECOND)
    await clock.advance(15 * 60 + 1)
    await work.run(rights.check_tries, OFFICER)


async def test_right_codes_never_close_the_counter(database, keys):
    """混んだ日の窓口: 15分に何人でも受け付け、間違いだけを数える。"""
    await consented(keys, SAKURA)
    for _ in range(15):
        await work.run(rights.check_tries, OFFICER)
        await opened(keys)
    for _ in range(10):
        await work.run(rights.check_tries, OFFICER)
        with pytest.raises(NotFound):
            await work.run(rights.open_case, OFFICER, keys, "00000000")
    with pytest.raises(Refused, match="間違った本人コード"):
        await work.run(rights.check_tries, OFFICER)


async def test_an_open_case_belongs_to_one_officer_for_thirty_minutes(database, keys):
    await consented(keys, SAKURA)
    case = await opened(keys)
    assert (await rights.case_of(OFFICER, case)).held.choices.area == 12
    with pytest.raises(NotFound):
        await rights.case_of(SECOND, case)
    await clock.advance(30 * 60 + 1)
    with pytest.raises(NotFound):
        await rights.case_of(OFFICER, case)


async def test_every_step_at_the_counter_is_logged_and_names_nobody(database, keys, owner):
    await consented(keys, SAKURA)
    case = await opened(keys)
    await work.run(rights.correct, OFFICER, keys, case, "area", 13)
    await work.run(rights.stop, OFFICER, keys, case, None)
    logged = await owner.fetch("select action, subject || detail::text as words from audit_entry order by id")
    assert [entry["action"] for entry in logged] == ["rights.disclose", "rights.correct", "rights.stop"]
    words = " ".join(entry["words"] for entry in logged)
    assert SAKURA not in words
    assert str(keys.index(SAKURA)) not in words


async def test_a_correction_changes_only_that_answer_of_that_person(database, keys):
    await consented(keys, SAKURA)
    await consented(keys, KEN)
    case = await opened(keys)
    await work.run(rights.correct, OFFICER, keys, case, "age_band", int(AgeBand.OVER_80))
    mine, other = await preferences.held(keys, SAKURA), await preferences.held(keys, KEN)
    assert mine is not None
    assert other is not None
    assert (mine.choices.age_band, other.choices.age_band) == (80, 30)
    assert mine.choices.area == 12


async def test_a_correction_cannot_add_a_purpose_nor_a_strange_value(database, keys):
    """P17。"""
    await consented(keys, SAKURA, Choices(purposes=Purpose.TOPICS, topics=(Topic.BOSAI,)))
    case = await opened(keys)
    with pytest.raises(Refused):
        await work.run(rights.correct, OFFICER, keys, case, "area", 12)
    with pytest.raises(Refused):
        await work.run(rights.correct, OFFICER, keys, case, "purposes", 63)
    await consented(keys, KEN)
    second = await opened(keys, KEN)
    for name, value in (("area", 70), ("age_band", 1), ("language", "fr"), ("slot", 3)):
        with pytest.raises(BadChoices):
            await work.run(rights.correct, OFFICER, keys, second, name, value)


async def test_stopping_at_the_counter_erases_and_gives_a_proof(database, keys):
    await consented(keys, SAKURA)
    case = await opened(keys)
    proof = await work.run(rights.stop, OFFICER, keys, case, Purpose.AREA)
    assert proof.body["withdrawn"] == ["area"]
    proof = await work.run(rights.stop, OFFICER, keys, case, None)
    assert proof.body["everything"] is True
    assert await preferences.held(keys, SAKURA) is None


async def test_nobody_else_may_open_a_case(database, keys):
    await consented(keys, SAKURA)
    code = await code_of(keys)
    for role in Role:
        actor = replace(SECTION, role=role)
        if actor.may(Permission.HANDLE_RIGHTS):
            assert role is Role.PRIVACY_OFFICER
        else:
            with pytest.raises(Forbidden):
                await work.run(rights.open_case, actor, keys, code)


async def test_closing_takes_one_person_and_stops_reading_saving_and_criteria(database, keys):
    """RULES 42。"""
    await consented(keys, SAKURA)
    wanted = criteria.build([[fields.term("area", 12)]])
    assert await audience.count(wanted) == 1
    await work.run(incident.close, OFFICER, "鍵をなくした")
    assert await audience.count(wanted) == 0
    with pytest.raises(Unavailable):
        await consented(keys, KEN)
    assert await incident.people() == 1


async def test_opening_takes_another_person(database, keys):
    await cast.enrol(OFFICER, SECOND)
    await consented(keys, SAKURA)
    await work.run(incident.close, OFFICER, "鍵をなくした")
    with pytest.raises(Forbidden):
        await work.run(incident.reopen, OFFICER, "替えた")
    await work.run(incident.reopen, SECOND, "替えた")
    assert await audience.count(criteria.build([[fields.term("area", 12)]])) == 1
    await work.run(incident.close, SECOND, "もう一度")
    await work.run(incident.reopen, OFFICER, "替えた")
    assert not await incident.closed()


async def test_a_section_cannot_close(database):
    with pytest.raises(Forbidden):
        await work.run(incident.close, SECTION, "理由")
