"""消去: 期限、予定月、控えからの戻し、友だちの一覧。"""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.consent.notices import Purpose
from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.residents import erasure, followers, journal, preferences, replay, rights
from backend.residents.choices import Choices
from backend.residents.remaining import NotErased
from backend.residents.replay import Replayed
from backend.residents.vocabulary import Topic
from backend.segments import audience, criteria, fields
from backend.store import clock, work
from tests import cast
from tests.consent.desk import OFFICER
from tests.residents.people import KEN, SAKURA, consented, today, user

AREA = Choices(purposes=Purpose.AREA, area=12)
DAY = 86400


async def count() -> int:
    return await audience.count(criteria.build([[fields.term("area", 12)]]))


async def test_a_consent_lapses_after_its_months_even_before_the_sweep(database, keys, owner):
    """P14。掃除の前でも、もう数えない。"""
    await consented(keys, SAKURA, AREA)
    assert await count() == 1
    await clock.advance(24 * 31 * DAY)
    assert await count() == 0
    assert await erasure.sweep(keys) == 1
    assert await owner.fetchval("select count(*) from resident") == 0
    assert await owner.fetchval("select action from consent_event order by id desc") == "lapsed"


async def test_when_many_end_at_once_one_sweep_ends_them_all(database, keys, owner):
    """告知文の猶予の終わり: 一回に見る人数を越えても、次の輪を待たない。"""
    people = [user(n) for n in range(erasure.CHUNK * 2 + 3)]
    await work.run(preferences.save_many, keys, [(one, AREA) for one in people])
    await clock.advance(24 * 31 * DAY)
    assert await erasure.sweep(keys) == len(people)
    assert await owner.fetchval("select count(*) from resident") == 0


async def test_a_consent_just_before_its_end_still_counts(database, keys, owner):
    await consented(keys, SAKURA, AREA)
    until = await owner.fetchval("select live_until from resident")
    await clock.set_to(until - timedelta(seconds=5))
    assert await count() == 1
    assert await erasure.sweep(keys) == 0


async def test_an_unanswered_due_month_ends_silently_after_two_months(database, keys, owner):
    """RULES 44。ほかの目的はそのまま。"""
    now = await today()
    both = Choices(purposes=Purpose.AREA | Purpose.PARENTING, area=12, due_months=(now.replace(day=1),))
    await consented(keys, SAKURA, both)
    await clock.set_to((await clock.now()) + timedelta(days=62 - now.day))
    assert await erasure.sweep(keys) == 0
    await clock.advance(32 * DAY)
    assert await erasure.sweep(keys) == 1
    found = await preferences.held(keys, SAKURA)
    assert found is not None
    assert set(found.grants) == {Purpose.AREA}
    assert await owner.fetchval("select due_month from resident") is None


async def test_the_journal_names_nobody_and_erases_again_after_a_restore(database, keys, owner):
    """RULES 40: 控えを取る → 消す → 控えを戻す → もう一度消える。ほかの人は消えない。"""
    await consented(keys, SAKURA, AREA)
    await consented(keys, KEN, AREA)
    backup = await owner.fetch("select * from resident")
    await work.run(preferences.withdraw, keys, SAKURA)
    assert SAKURA not in keys.journal.read_text()
    assert keys.index(SAKURA).hex not in keys.journal.read_text()
    await owner.execute("delete from resident")
    for row in backup:
        marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
        await owner.execute(f"insert into resident ({', '.join(row.keys())}) values ({marks})", *row.values())
    assert await replay.run(keys) == Replayed(erased=1)
    assert await preferences.held(keys, SAKURA) is None
    assert await preferences.held(keys, KEN) is not None
    assert await replay.run(keys) == Replayed()


async def test_someone_who_agreed_again_is_kept_by_the_replay(database, keys):
    await consented(keys, SAKURA, AREA)
    await work.run(preferences.withdraw, keys, SAKURA)
    await consented(keys, SAKURA, AREA)
    assert await replay.run(keys) == Replayed()
    assert await preferences.held(keys, SAKURA) is not None


async def test_the_journal_is_kept_no_longer_than_backups(database, keys):
    await consented(keys, SAKURA, AREA)
    await work.run(preferences.withdraw, keys, SAKURA)
    assert await journal.prune(keys) == 1
    await clock.advance(36 * DAY)
    assert await journal.prune(keys) == 0
    assert keys.journal.read_text() == ""


async def test_a_torn_line_in_the_journal_is_skipped(database, keys):
    await consented(keys, SAKURA, AREA)
    await work.run(preferences.withdraw, keys, SAKURA)
    with keys.journal.open("a") as file:
        file.write("2026-11-24T00:00:00+00:00 abc")
    assert len(journal.latest(keys)) == 1


async def test_the_mark_is_on_disk_before_the_commit(database, keys):
    await consented(keys, SAKURA, AREA)

    async def interrupted() -> None:
        await preferences.withdraw(keys, SAKURA)
        raise Refused("確定の前に倒れた")

    with pytest.raises(Refused):
        await work.run(interrupted)
    assert await preferences.held(keys, SAKURA) is not None
    assert len(journal.latest(keys)) == 1


@pytest.fixture
def line(line_settings):
    return Gateway.from_settings(line_settings)


async def test_absent_twice_from_line_is_erased_and_once_is_not(database, keys, simulator, line, owner):
    """RULES 37。"""
    people = [user(n) for n in range(1, 31)]
    simulator.add_friends(*people)
    await work.run(preferences.save_many, keys, [(one, AREA) for one in people])
    simulator.touch(people[0], "block")  # 知らせの先がないので、Webhookは届かない
    assert await followers.weekly(keys, line) == 0
    assert await followers.weekly(keys, line) is None
    assert await preferences.held(keys, people[0]) is not None
    await clock.advance(7 * DAY + 1)
    assert await followers.weekly(keys, line) == 1
    assert await preferences.held(keys, people[0]) is None
    assert await owner.fetchval("select count(*) from resident") == 29
    await line.close()


async def test_someone_who_comes_back_between_is_counted_anew(database, keys, simulator, line, owner):
    simulator.add_friends(SAKURA, KEN)
    await consented(keys, SAKURA, AREA)
    simulator.touch(SAKURA, "block")
    await followers.compare(keys, line)
    simulator.touch(SAKURA, "unblock")
    await followers.compare(keys, line)
    assert await owner.fetchval("select absences from resident") == 0
    await line.close()


@pytest.mark.parametrize(
    ("known", "present"),
    [(1, 0), (3, 0), (50, 0), (100, 0), (10, 6), (50, 34), (100, 69)],
    ids=lambda number: str(number),
)
async def test_a_suspicious_list_erases_nobody(database, keys, simulator, line, owner, known, present):
    """空の一覧は、何人でも疑う。割合が大きいときも、登録した人が少ないことは言い訳にならない。"""
    people = [user(n) for n in range(1, known + 1)]
    simulator.add_friends(*people[:present])
    await work.run(preferences.save_many, keys, [(one, AREA) for one in people])
    for _ in range(3):
        with pytest.raises(Refused, match="だれも消していません"):
            await followers.compare(keys, line)
    assert await owner.fetchval("select count(*) from resident") == known
    assert await owner.fetchval("select max(absences) from resident") == 0
    await line.close()


@pytest.mark.parametrize(("known", "present"), [(10, 7), (4, 1), (100, 70)])
async def test_a_plausible_list_is_believed(database, keys, simulator, line, owner, known, present):
    people = [user(n) for n in range(1, known + 1)]
    simulator.add_friends(*people[:present])
    await work.run(preferences.save_many, keys, [(one, AREA) for one in people])
    erased = [await followers.compare(keys, line) for _ in range(2)]
    assert erased == [0, known - present]
    assert await owner.fetchval("select count(*) from resident") == present
    await line.close()


async def test_line_refusing_the_list_changes_nothing(database, keys, simulator, line, owner):
    await consented(keys, SAKURA, AREA)
    simulator.fault("/v2/bot/followers/ids", "403", times=None)
    with pytest.raises(LineError):
        await followers.compare(keys, line)
    assert await owner.fetchval("select absences from resident") == 0
    await line.close()


async def test_partial_lapse_keeps_what_is_still_agreed(database, keys, owner):
    """目的ごとの終わりが違っても、残るものは残る。"""
    await consented(keys, SAKURA, replace(AREA, purposes=Purpose.AREA | Purpose.TOPICS, topics=(Topic.BOSAI,)))
    await owner.execute("alter table consent_event disable trigger user")
    await owner.execute("update consent_event set at = at - interval '10 years' where purpose = 8")
    await owner.execute("alter table consent_event enable trigger user")
    await owner.execute("update resident set live_until = ward_now()")
    await erasure.sweep(keys)
    found = await preferences.held(keys, SAKURA)
    assert found is not None
    assert set(found.grants) == {Purpose.AREA}
    assert found.choices.topics == ()


async def test_the_proof_says_what_was_counted_after_erasing(database, keys, owner):
    """証明の数は、消した後に数えたもの。一部をやめた人には、残るものを言う。"""
    choices = Choices(purposes=Purpose.AREA | Purpose.TOPICS, area=12, topics=(Topic.BOSAI,))
    await consented(keys, SAKURA, choices)
    part = await work.run(preferences.withdraw, keys, SAKURA, Purpose.AREA)
    assert part is not None
    assert (part.body["kept"], part.body["rows_left"], part.body["answers_left"]) == (["topics"], 1, 0)
    assert part.body["rows_left"] == await owner.fetchval("select count(*) from resident")
    assert "残っているもの: 関心のあるお知らせ" in part.text
    whole = await work.run(preferences.withdraw, keys, SAKURA)
    assert whole is not None
    assert (whole.body["kept"], whole.body["rows_left"], whole.body["answers_left"]) == ([], 0, 0)
    assert "残っているもの: ありません" in whole.text


async def test_open_codes_cases_and_children_are_counted_too(database, keys):
    await cast.enrol(OFFICER)
    await consented(keys, SAKURA)
    code, _ = await work.run(rights.issue_code, keys, SAKURA)
    await work.run(rights.open_case, OFFICER, keys, code)
    await work.run(rights.issue_code, keys, SAKURA)
    proof = await work.run(preferences.withdraw, keys, SAKURA, Purpose.AREA)
    assert proof is not None
    assert proof.body["rows_left"] == 4  # 本人の行、子、コード、窓口の一件


@pytest.mark.parametrize("purposes", [None, Purpose.AREA])
async def test_what_was_not_erased_is_never_proved_erased(database, keys, owner, purposes):
    """消したつもりで消えていなければ、証明は出ず、同意も元のまま。"""
    await consented(keys, SAKURA, Choices(purposes=Purpose.AREA | Purpose.TOPICS, area=12))
    await owner.execute(
        "create function keeps() returns trigger language plpgsql as $$ begin "
        "if tg_op = 'DELETE' then return null; end if; new.area = old.area; new.purposes = old.purposes; return new; end $$; "
        "create trigger keeps before update or delete on resident for each row execute function keeps()"
    )
    try:
        with pytest.raises(NotErased):
            await work.run(preferences.withdraw, keys, SAKURA, purposes)
    finally:
        await owner.execute("drop function keeps cascade")
    found = await preferences.held(keys, SAKURA)
    assert found is not None
    assert set(found.grants) == {Purpose.AREA, Purpose.TOPICS}
    assert journal.latest(keys) == {}
