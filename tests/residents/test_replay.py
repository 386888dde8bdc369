"""控えを戻した後: すべてやめた人も、一つだけやめた人も、静かに止めた子も、戻らない(RULES 40, 44)。"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from backend.consent.notices import Purpose
from backend.residents import journal, preferences, replay, rights
from backend.residents.choices import Choices
from backend.residents.replay import Replayed
from backend.residents.vocabulary import Topic
from backend.store import clock, work
from tests.consent.desk import OFFICER
from tests.residents.people import KEN, SAKURA, consented, everything, today

TWO = Choices(purposes=Purpose.AREA | Purpose.TOPICS, area=12, topics=(Topic.BOSAI,))


@pytest_asyncio.fixture(loop_scope="session")
async def kept(owner: asyncpg.Connection):
    """本人の行と子の控えを取り、後で戻す。"""
    tables = ("resident", "resident_child")

    async def take() -> Callable[[], Awaitable[None]]:
        rows = {table: await owner.fetch(f"select * from {table}") for table in tables}

        async def put_back() -> None:
            await owner.execute("truncate resident cascade")
            for table in tables:
                for row in rows[table]:
                    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
                    await owner.execute(
                        f"insert into {table} ({', '.join(row.keys())}) values ({marks})", *row.values()
                    )

        return put_back

    return take


async def family(keys: Any, who: str = SAKURA) -> tuple[date, date, date]:
    """妊娠が一つと子が二人いる、地域にも同意した人。予定月と、生まれた月。"""
    now = (await today()).replace(day=1)
    due, young, old = _months(now, 3), _months(now, -10), _months(now, -40)
    choices = Choices(purposes=Purpose.AREA | Purpose.PARENTING, area=12, due_months=(due,), birth_months=(young, old))
    await consented(keys, who, choices)
    return due, young, old


def _months(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


async def test_one_purpose_withdrawn_after_the_backup_stays_withdrawn(database, keys, kept, owner):
    await consented(keys, SAKURA, TWO)
    await consented(keys, KEN, TWO)
    put_back = await kept()
    await work.run(preferences.withdraw, keys, SAKURA, Purpose.TOPICS)
    await put_back()
    assert await replay.run(keys) == Replayed(narrowed=1)
    mine, other = await preferences.held(keys, SAKURA), await preferences.held(keys, KEN)
    assert mine is not None
    assert (set(mine.grants), mine.choices.topics, mine.choices.area) == ({Purpose.AREA}, (), 12)
    assert other is not None
    assert set(other.grants) == {Purpose.AREA, Purpose.TOPICS}
    assert await replay.run(keys) == Replayed()


async def test_the_ledger_gets_the_event_of_the_replayed_withdrawal(database, keys, kept, owner):
    """控えを戻すと台帳も戻るので、終わりの件を、戻したときの件として書き足す。"""
    await consented(keys, SAKURA, TWO)
    put_back = await kept()
    at = await clock.now()
    await journal.append_parts(keys, SAKURA, at, [journal.purpose(Purpose.TOPICS)])
    await put_back()
    await replay.run(keys)
    events = await owner.fetch("select purpose, action, channel from consent_event where action <> 'granted'")
    assert [tuple(row) for row in events] == [(int(Purpose.TOPICS), "withdrawn", "restore")]


async def test_a_purpose_unticked_in_a_save_stays_withdrawn(database, keys, kept):
    await consented(keys, SAKURA, TWO)
    put_back = await kept()
    await consented(keys, SAKURA, replace(TWO, purposes=Purpose.TOPICS))
    await put_back()
    assert await replay.run(keys) == Replayed(narrowed=1)
    assert set((await preferences.held(keys, SAKURA)).grants) == {Purpose.TOPICS}


async def test_a_purpose_stopped_at_the_counter_stays_stopped(database, keys, kept):
    await consented(keys, SAKURA, TWO)
    put_back = await kept()
    code, _ = await work.run(rights.issue_code, keys, SAKURA)
    case = await work.run(rights.open_case, OFFICER, keys, code)
    await work.run(rights.stop, OFFICER, keys, case, Purpose.AREA)
    await put_back()
    assert await replay.run(keys) == Replayed(narrowed=1)
    assert set((await preferences.held(keys, SAKURA)).grants) == {Purpose.TOPICS}


async def test_a_child_stopped_after_the_backup_stays_stopped_and_siblings_stay(database, keys, kept):
    """RULES 44。止めた後に保存し直して位置が替わっても、同じ子を指す。"""
    due, young, old = await family(keys)
    put_back = await kept()
    assert await work.run(preferences.stop_child, keys, SAKURA, 1)
    await consented(
        keys,
        SAKURA,
        Choices(purposes=Purpose.AREA | Purpose.PARENTING, area=12, due_months=(due,), birth_months=(old,)),
    )
    await put_back()
    assert await replay.run(keys) == Replayed(narrowed=1)
    found = await preferences.held(keys, SAKURA)
    assert found is not None
    assert (found.choices.birth_months, found.choices.due_months) == ((old,), (due,))
    assert young not in found.choices.birth_months


async def test_a_pregnancy_stopped_after_the_backup_stays_stopped(database, keys, kept):
    _, young, old = await family(keys)
    put_back = await kept()
    assert await work.run(preferences.stop_child, keys, SAKURA, 0)
    await put_back()
    assert await replay.run(keys) == Replayed(narrowed=1)
    found = await preferences.held(keys, SAKURA)
    assert found is not None
    assert (found.choices.birth_months, found.choices.due_months) == ((young, old), ())


async def test_a_child_left_out_of_a_save_stays_out(database, keys, kept):
    due, young, old = await family(keys)
    put_back = await kept()
    await consented(
        keys,
        SAKURA,
        Choices(purposes=Purpose.AREA | Purpose.PARENTING, area=12, due_months=(due,), birth_months=(old,)),
    )
    await put_back()
    await replay.run(keys)
    assert (await preferences.held(keys, SAKURA)).choices.birth_months == (old,)
    assert young


async def test_a_birth_is_not_a_stop(database, keys, kept):
    """「生まれました」の後に控えを戻すと、生まれた月は失われるが、子育ての同意は残り、ページがもう一度尋ねる。"""
    now = (await today()).replace(day=1)
    await consented(keys, SAKURA, Choices(purposes=Purpose.PARENTING, due_months=(now,)))
    put_back = await kept()
    await consented(keys, SAKURA, Choices(purposes=Purpose.PARENTING, birth_months=(now,)))
    await put_back()
    assert await replay.run(keys) == Replayed()
    assert (await preferences.held(keys, SAKURA)).choices.due_months == (now,)


async def test_the_last_child_stopped_takes_the_purpose_with_it(database, keys, kept):
    now = (await today()).replace(day=1)
    both = Choices(purposes=Purpose.AREA | Purpose.PARENTING, area=12, birth_months=(_months(now, -10),))
    await consented(keys, SAKURA, both)
    put_back = await kept()
    await work.run(preferences.stop_child, keys, SAKURA, 1)
    await put_back()
    assert await replay.run(keys) == Replayed(narrowed=1)
    assert set((await preferences.held(keys, SAKURA)).grants) == {Purpose.AREA}


async def test_someone_who_agreed_to_it_again_before_the_backup_keeps_it(database, keys, kept):
    await consented(keys, SAKURA, TWO)
    await work.run(preferences.withdraw, keys, SAKURA, Purpose.TOPICS)
    await consented(keys, SAKURA, TWO)
    put_back = await kept()
    await put_back()
    assert await replay.run(keys) == Replayed()
    assert set((await preferences.held(keys, SAKURA)).grants) == {Purpose.AREA, Purpose.TOPICS}


async def test_a_replay_cut_short_goes_on(database, keys, kept):
    """一人ずつの取引なので、途中で殺されても、もう一度行えば続きから終わる。頁の境も越える。"""
    people = [f"U{n:032x}" for n in range(1, 8)]
    for who in people:
        await consented(keys, who, TWO)
    put_back = await kept()
    for who in people[:3]:
        await work.run(preferences.withdraw, keys, who)
    for who in people[3:6]:
        await work.run(preferences.withdraw, keys, who, Purpose.AREA)
    await put_back()
    await work.run(preferences.withdraw, keys, people[3], Purpose.AREA)
    assert await replay.run(keys, page=2) == Replayed(erased=3, narrowed=2)
    left = {who: found for who in people if (found := await preferences.held(keys, who))}
    assert list(left) == people[3:]
    assert [len(found.grants) for found in left.values()] == [1, 1, 1, 2]


async def test_nothing_in_the_journal_says_who_or_what(database, keys):
    """同じ形の印だけ。すべてやめた人と、一つやめた人の区別も付かない。"""
    due, young, old = await family(keys)
    await consented(keys, KEN, await everything())
    await work.run(preferences.withdraw, keys, SAKURA, Purpose.AREA)
    await work.run(preferences.stop_child, keys, SAKURA, 1)
    await work.run(preferences.withdraw, keys, KEN)
    text = keys.journal.read_text()
    assert len(text.splitlines()) == 3
    assert {len(line.partition(" ")[2]) for line in text.splitlines()} == {64}
    for word in (
        SAKURA,
        KEN,
        keys.index(SAKURA).hex,
        "area",
        "purpose",
        "birth",
        *(f"{m:%Y-%m}" for m in (young, old)),
    ):
        assert word not in text.replace(f"{await clock.now():%Y-%m}", ""), word
    assert due


async def test_a_mark_after_a_torn_line_is_read(database, keys):
    """書きかけで倒れた人の切れ端に、次の人の印がつながって読めなくなることはない。"""
    await consented(keys, SAKURA, TWO)
    await consented(keys, KEN, TWO)
    await work.run(preferences.withdraw, keys, SAKURA)
    with keys.journal.open("a") as file:
        file.write("2026-11-24T00:00:00+00:00 abc")
    await work.run(preferences.withdraw, keys, KEN)
    assert set(journal.latest(keys)) == {keys.erasure_mark(SAKURA), keys.erasure_mark(KEN)}


@pytest.mark.parametrize("rubbish", [b"\0" * 200, b"\xff\xfe", b"2026-13-99T00:00:00+00:00 " + b"a" * 64, b"a" * 90])
async def test_rubbish_in_the_journal_is_skipped_and_the_rest_is_read(database, keys, rubbish):
    await consented(keys, SAKURA, TWO)
    await work.run(preferences.withdraw, keys, SAKURA)
    with keys.journal.open("ab") as file:
        file.write(rubbish + b"\n")
    assert list(journal.latest(keys)) == [keys.erasure_mark(SAKURA)]
    assert await journal.prune(keys) == 1


async def test_lines_of_the_first_form_still_read(database, keys, kept):
    """すべて消した人だけを書いていた頃の行。同じ形なので、そのまま読める。"""
    await consented(keys, SAKURA, TWO)
    stamp = (await clock.now() + timedelta(seconds=1)).isoformat()
    keys.journal.write_text(f"{stamp} {keys.erasure_mark(SAKURA)}\n")
    assert await replay.run(keys) == Replayed(erased=1)
