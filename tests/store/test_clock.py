"""業務の時計: データベースの `ward_now()` だけ。"""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from backend.database import grants
from backend.database.embedded import Server
from backend.store import clock

NEW_YEAR = datetime(2027, 1, 1, 9, 0, tzinfo=clock.JST)


async def test_the_clock_can_be_set_in_tests(database: Server) -> None:
    await clock.set_to(NEW_YEAR)
    assert timedelta(0) <= await clock.now() - NEW_YEAR < timedelta(seconds=5)


async def test_the_clock_can_be_advanced(database: Server) -> None:
    before = await clock.set_to(NEW_YEAR)
    assert await clock.advance(3600) - before >= timedelta(hours=1)


async def test_the_time_has_its_zone(database: Server) -> None:
    assert (await clock.now()).tzinfo is UTC


async def test_in_production_the_application_cannot_move_the_clock(schema: Server, owner: asyncpg.Connection) -> None:
    statements = grants.statements(["clock_offset"], "ward_app", movable_clock=False)
    transaction = owner.transaction()
    await transaction.start()
    for statement in statements:
        await owner.execute(statement)
    await owner.execute("set local role ward_app")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("update clock_offset set shift = '1 day'")
    await transaction.rollback()
