"""定時の仕事: 輪に並ぶどれもが、本物のデータベースと模擬LINEの上で、正しい引数で動く。"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from backend import worker
from backend.consent.notices import Purpose
from backend.permissions import Actor, Role
from backend.residents import journal
from backend.residents.choices import Choices
from backend.settings import Settings
from backend.store import clock, work
from backend.worker import Shift
from tests import cast

NAMES = [job.name for job in worker.JOBS]


@pytest_asyncio.fixture(loop_scope="session")
async def shift(database, line_settings: Settings, gateway, keys) -> Shift:
    await cast.tuesday()
    return Shift(line_settings, gateway, keys)


async def do(name: str, shift: Shift) -> object:
    return await next(job for job in worker.JOBS if job.name == name).verb(shift)


async def here(keys, *users: str) -> None:
    await cast.consented(keys, {user: Choices(purposes=Purpose.AREA, area=cast.HONGO_3) for user in users})


@pytest.mark.parametrize("name", NAMES)
async def test_the_job_runs_on_an_empty_ward(shift: Shift, name: str) -> None:
    await do(name, shift)


@pytest.mark.parametrize("name", NAMES)
async def test_the_job_runs_again_at_once(shift: Shift, name: str) -> None:
    """二つのプロセスで行われても、続けて行われても害がない。"""
    await do(name, shift)
    await do(name, shift)


async def test_lapsed_consent_is_gone_after_the_sweep(shift: Shift, keys, owner) -> None:
    await here(keys, cast.SAKURA)
    await clock.advance(timedelta(days=900).total_seconds())
    await do("期限の来た同意", shift)
    assert await owner.fetchval("select count(*) from resident") == 0
    assert await owner.fetchval("select count(*) from consent_event where action = 'lapsed'") == 1


async def test_a_friend_who_is_twice_missing_from_lines_list_is_erased(shift: Shift, keys, simulator, owner) -> None:
    simulator.add_friends(cast.LIN)
    simulator.account(verified=True)
    await here(keys, cast.SAKURA, cast.LIN)
    for _ in range(2):
        await clock.advance(timedelta(days=8).total_seconds())
        await do("友だちとの照らし合わせ", shift)
    assert [row["id"] for row in await owner.fetch("select id from resident")] == [keys.index(cast.LIN)]


async def test_marks_older_than_any_backup_leave_the_journal(shift: Shift, keys) -> None:
    now = await clock.now()
    await journal.append(keys, cast.SAKURA, now - timedelta(days=journal.DAYS + 1))
    recent = await journal.append(keys, cast.KEN, now - timedelta(days=1))
    await do("消去の記録の片付け", shift)
    assert list(journal.latest(keys)) == [recent]


async def test_rows_of_the_ledgers_are_sealed_and_anchored(shift: Shift, keys, owner) -> None:
    await here(keys, cast.SAKURA)
    await do("封", shift)
    assert await owner.fetchval("select count(*) from seal where ledger = 'consent_event'") == 1
    assert "consent_event 1 " in (Path(shift.settings.data_dir) / "anchors.log").read_text()


async def test_references_to_people_are_forgotten_after_their_time(shift: Shift, owner) -> None:
    old = datetime(2026, 1, 1, tzinfo=UTC)
    await cast.enrol(Actor(1, "sato", "佐藤", Role.PR, "koho", "広報課"))
    await work.sql(
        "insert into approval (subject, digest, staff_id, staff_name) values ('message:1', $1, 1, '佐藤')", b"0" * 32
    )
    await work.sql(_FINISHED, b"0" * 32, old, old + timedelta(hours=1))
    await work.sql(
        "insert into delivery_batch (delivery_id, position, language, size, numbers, state, accepted, settled_at) "
        "values (1, 1, 'ja', 1, '{7}', 'accepted', 1, $1)",
        old,
    )
    await do("参照を消す", shift)
    assert await owner.fetchval("select numbers from delivery_batch") is None


async def test_an_alarm_rings_when_nobody_sends(shift: Shift, owner) -> None:
    await work.sql("update delivery_sender set beat_at = clock_timestamp() - interval '1 hour'")
    await do("知らせ", shift)
    assert await owner.fetchval("select count(*) from delivery_alarm") >= 1


_FINISHED = """
insert into delivery (source, title, owner_section, public_number, kind, priority, silent, address, criteria, send_at, expires_at,
  source_at, digest, approval_id, approval_subject, approval_digest, authorised_by, state, not_before, finished_at,
  frozen, accepted, refused, excluded, unknown, unsent)
values ('message:1', '題', 'kosodate', 'B-1', 'a', 1, false, 'criteria', '{}', $2, $3, $2, $1, 1, 'message:1', $1, '佐藤', 'sent',
  $2, $3, 1, 1, 0, 0, 0, 0)
"""
