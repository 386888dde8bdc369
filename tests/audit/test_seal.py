"""封: 台帳を変えた跡は、持ち主の役割で変えても見つかる(CHECKS S6)。"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from backend.audit import anchors, seal, trail, verify
from backend.audit.verify import Finding, Kind
from backend.database.embedded import Server
from backend.store import work

LEDGER = "audit_entry"
Tamper = Callable[[asyncpg.Connection], Awaitable[object]]


@pytest_asyncio.fixture(loop_scope="session")
async def superuser(database: Server) -> asyncpg.Connection:
    connection = await asyncpg.connect(database.owner_url)
    assert await connection.fetchval("select rolsuper from pg_roles where rolname = current_user")
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


async def _write(count: int, first: int = 1) -> None:
    for number in range(first, first + count):
        await trail.record(None, "test.act", f"thing:{number}", step=number)


async def _sealed(folder: Path) -> None:
    """12件の記録と、4つの封(1〜3、4〜6、7〜9、10〜12)と、その控え。"""
    for first in (1, 4, 7, 10):
        await _write(3, first)
        await seal.tick(folder)


async def _found(folder: Path) -> list[tuple[Kind, int, int]]:
    return [(f.kind, f.first, f.last) for f in await verify.verify(LEDGER, anchors.path(folder))]


async def test_an_untouched_ledger_verifies(folder: Path, database: object) -> None:
    await _sealed(folder)
    assert await verify.verify_all(folder) == []


async def test_an_empty_ledger_verifies(folder: Path, database: object) -> None:
    await seal.tick(folder)
    assert await verify.verify_all(folder) == []


CASES: dict[str, tuple[Tamper, list[tuple[Kind, int, int]]]] = {
    "an edited subject": (
        lambda c: c.execute("update audit_entry set subject = 'thing:x' where id = 5"),
        [(Kind.EDITED, 5, 5)],
    ),
    "an edited detail": (
        lambda c: c.execute("update audit_entry set detail = '{\"step\": 99}' where id = 1"),
        [(Kind.EDITED, 1, 1)],
    ),
    "an edited time": (
        lambda c: c.execute("update audit_entry set at = at - interval '1 microsecond' where id = 12"),
        [(Kind.EDITED, 12, 12)],
    ),
    "a name that became nobody": (
        lambda c: c.execute("update audit_entry set staff_id = 7 where id = 6"),
        [(Kind.EDITED, 6, 6)],
    ),
    "a deleted row": (lambda c: c.execute("delete from audit_entry where id = 8"), [(Kind.DELETED, 8, 8)]),
    "a truncated end": (lambda c: c.execute("delete from audit_entry where id > 9"), [(Kind.DELETED, 10, 12)]),
    "an emptied ledger": (lambda c: c.execute("truncate audit_entry"), [(Kind.DELETED, 1, 12)]),
    "an inserted row before the first": (
        lambda c: c.execute(
            "insert into audit_entry (id, staff_name, role, section_code, action, subject) "
            "overriding system value values (0, 'x', '', '', 'x.y', 'z')"
        ),
        [(Kind.INSERTED, 0, 0)],
    ),
    "two rows that changed places": (
        lambda c: c.execute(
            "update audit_entry a set (at, subject, detail) = "
            "(select at, subject, detail from audit_entry b where b.id = 14 - a.id) where a.id in (5, 9)"
        ),
        [(Kind.REORDERED, 5, 5), (Kind.REORDERED, 9, 9)],
    ),
    "a removed seal": (lambda c: c.execute("delete from seal where number = 2"), [(Kind.SEAL_MISSING, 2, 2)]),
    "a removed last seal": (lambda c: c.execute("delete from seal where number = 4"), [(Kind.TRUNCATED, 4, 4)]),
    "all seals removed": (lambda c: c.execute("truncate seal"), [(Kind.TRUNCATED, 1, 4)]),
    "an edited seal": (
        lambda c: c.execute("update seal set ids = '{1,2}', leaves = substr(leaves, 1, 64) where number = 1"),
        [(Kind.INSERTED, 3, 3), (Kind.SEAL_BROKEN, 1, 2)],
    ),
    "an edited head": (
        lambda c: c.execute("update seal set head = sha256('x') where number = 3"),
        [(Kind.SEAL_BROKEN, 3, 3), (Kind.SEAL_REWRITTEN, 3, 3)],
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_tampering_by_the_superuser_is_found_and_located(
    folder: Path, superuser: asyncpg.Connection, case: str
) -> None:
    await _sealed(folder)
    tamper, expected = CASES[case]
    await tamper(superuser)
    assert await _found(folder) == expected


async def test_an_inserted_row_in_a_gap_is_found(folder: Path, superuser: asyncpg.Connection) -> None:
    await _write(2)
    await superuser.execute("select nextval(pg_get_serial_sequence('audit_entry', 'id'))")  # 戻された取引の番号
    await _write(2)
    await seal.tick(folder)
    await superuser.execute(
        "insert into audit_entry (id, staff_name, role, section_code, action, subject) "
        "overriding system value values (3, 'x', '', '', 'x.y', 'z')"
    )
    assert await _found(folder) == [(Kind.INSERTED, 3, 3)]


async def test_a_whole_rewritten_chain_is_found_by_its_anchors(folder: Path, superuser: asyncpg.Connection) -> None:
    """行を変え、封をすべて計算し直しても、データベースの外の控えと合わない。"""
    await _sealed(folder)
    await superuser.execute("update audit_entry set subject = 'thing:x' where id = 5")
    await superuser.execute("truncate seal")
    while await seal.seal(LEDGER):
        pass
    assert [kind for kind, _, _ in await _found(folder)] == [Kind.SEAL_REWRITTEN, Kind.TRUNCATED]


async def test_a_chain_rewritten_with_the_same_cuts_is_found_from_that_seal_on(
    folder: Path, superuser: asyncpg.Connection
) -> None:
    await _sealed(folder)
    old = await seal.seals(LEDGER, 0)
    await superuser.execute("update audit_entry set subject = 'thing:x' where id = 8")
    previous = old[1][0].head
    for kept, _ in old[2:]:
        rows = await seal._rows(LEDGER, kept.after_id, kept.last_id)
        forged = seal.chain.make(LEDGER, kept.number, kept.after_id, kept.last_id, previous, kept.at, rows)
        await superuser.execute(
            "update seal set leaves = $1, previous = $2, head = $3 where number = $4 and ledger = $5",
            forged.leaves,
            forged.previous,
            forged.head,
            forged.number,
            LEDGER,
        )
        previous = forged.head
    assert await _found(folder) == [(Kind.SEAL_REWRITTEN, 3, 4)]


async def test_the_end_of_ledger_and_chain_cut_off_together_is_found(
    folder: Path, superuser: asyncpg.Connection
) -> None:
    await _sealed(folder)
    await superuser.execute("delete from audit_entry where id > 6; delete from seal where number > 2")
    assert await _found(folder) == [(Kind.TRUNCATED, 3, 4)]


async def test_lost_anchors_are_reported(folder: Path, database: object) -> None:
    await _sealed(folder)
    anchors.path(folder).unlink()
    assert await _found(folder) == [(Kind.NO_ANCHORS, 1, 4)]


async def test_a_late_commit_with_a_smaller_number_is_not_skipped(folder: Path, superuser: asyncpg.Connection) -> None:
    """番号を先に取った取引が、あとから確定する。その行も封じられる。"""
    late = superuser.transaction()
    await late.start()
    await superuser.execute(
        "insert into audit_entry (staff_name, role, section_code, action, subject) values ('x', '', '', 'x.y', 'late')"
    )
    await _write(2)
    waited = await seal.tick(folder)
    await late.commit()
    sealed = await seal.tick(folder)
    assert (waited, sealed, await _found(folder)) == (0, 3, [])


async def test_a_rolled_back_writer_leaves_a_gap_that_does_no_harm(folder: Path, superuser: asyncpg.Connection) -> None:
    lost = superuser.transaction()
    await lost.start()
    await superuser.execute(
        "insert into audit_entry (staff_name, role, section_code, action, subject) values ('x', '', '', 'x.y', 'lost')"
    )
    await _write(1)
    await lost.rollback()
    assert (await seal.tick(folder), await _found(folder)) == (1, [])


async def test_two_sealers_at_once_make_one_chain(folder: Path, database: object) -> None:
    await _write(40)
    await asyncio.gather(*(seal.seal(LEDGER) for _ in range(6)))
    assert [s.number for s, _ in await seal.seals(LEDGER, 0)] == [1]
    assert (await verify.verify(LEDGER)) == []


async def test_writers_and_the_sealer_work_at_the_same_time(folder: Path, database: object) -> None:
    async def write() -> None:
        for number in range(30):
            await work.run(trail.record, None, "test.act", f"thing:{number}")

    async def watch() -> int:
        return sum([await seal.tick(folder) for _ in range(10)])

    *_, sealed = await asyncio.gather(write(), write(), write(), watch())
    sealed += await seal.tick(folder)
    assert (sealed, await _found(folder)) == (90, [])


async def test_an_anchor_missed_by_a_crash_is_written_later(folder: Path, database: object) -> None:
    await _write(3)
    await seal.seal(LEDGER)  # 封の確定と控えの間で落ちた
    await seal.tick(folder)
    assert list(anchors.read(anchors.path(folder))[LEDGER]) == [1]


async def test_a_line_torn_by_a_crash_is_not_an_anchor(folder: Path, database: object) -> None:
    await _sealed(folder)
    file = anchors.path(folder)
    file.write_bytes(file.read_bytes()[:-20])
    assert max(anchors.read(file)[LEDGER]) == 3


async def test_a_new_line_after_a_torn_one_is_whole(folder: Path, database: object) -> None:
    await _sealed(folder)
    file = anchors.path(folder)
    torn = file.read_bytes()[:-20]
    file.write_bytes(torn)
    anchors.write(file, [s for s, _ in await seal.seals(LEDGER, 3)])
    assert max(anchors.read(file)[LEDGER]) == 4


async def test_after_a_restore_the_abandoned_anchors_no_longer_count(
    folder: Path, superuser: asyncpg.Connection
) -> None:
    await _sealed(folder)
    await superuser.execute("delete from audit_entry where id > 6; delete from seal where number > 2")
    last = (await seal.seals(LEDGER, 0))[-1][0]
    anchors.restored(anchors.path(folder), last.at, LEDGER, last.number)
    assert await _found(folder) == []


async def test_the_application_cannot_rewrite_a_seal(folder: Path, database: object) -> None:
    await _sealed(folder)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await work.sql("update seal set number = 9 where number = 1")


async def test_the_unsealed_end_is_counted(folder: Path, database: object) -> None:
    await _sealed(folder)
    await _write(2, 13)
    tail = next(tail for tail in await seal.tails() if tail.ledger == LEDGER)
    assert (tail.sealed_id, tail.unsealed) == (12, 2)


async def test_a_consent_event_is_sealed_and_an_edit_of_it_is_found(
    folder: Path, superuser: asyncpg.Connection
) -> None:
    version = await superuser.fetchval("select min(version) from notice")
    await superuser.execute(
        "insert into consent_event (subject, purpose, action, notice_version, language, text_sha256, channel) "
        "values (sha256('s'), 1, 'granted', $1, 'ja', sha256('t'), 'demo')",
        version,
    )
    await seal.tick(folder)
    assert await verify.verify_all(folder) == []
    await superuser.execute("update consent_event set purpose = 2")
    (finding,) = await verify.verify_all(folder)
    assert (finding.kind, finding.ledger, finding.words) == (
        Kind.EDITED,
        "consent_event",
        "同意記録: 書き換えられた記録 1",
    )


def test_a_finding_reads_as_a_sentence() -> None:
    assert Finding(Kind.DELETED, LEDGER, 3, 7).words == "操作記録: 消された記録 3〜7"
