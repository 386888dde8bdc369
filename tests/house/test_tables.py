"""表: `tables.py` と移行の済んだデータベースは同じで、台帳は追記だけ。"""

import re
from typing import Any

import asyncpg

from backend.database import grants, piccolo_app
from tests.house import files

NOT_OURS = {"migration", "clock_offset"}


async def _columns(owner: asyncpg.Connection) -> dict[str, dict[str, bool]]:
    rows = await owner.fetch(
        "select table_name, column_name, is_nullable = 'YES' as nullable from information_schema.columns where table_schema = 'public'"
    )
    found: dict[str, dict[str, bool]] = {}
    for row in rows:
        found.setdefault(row["table_name"], {})[row["column_name"]] = row["nullable"]
    return found


def _declared() -> dict[str, dict[str, bool]]:
    return {
        table._meta.tablename: {
            column._meta.db_column_name: bool(column._meta.params.get("null")) for column in _own(table)
        }
        for table in piccolo_app.tables()
    }


def _own(table: Any) -> list[Any]:
    return list(table._meta.columns)


async def test_every_declared_table_is_in_the_database_with_the_same_columns(owner: asyncpg.Connection) -> None:
    stored = await _columns(owner)
    different = {
        table: {
            "宣言": sorted(columns.items() - stored.get(table, {}).items()),
            "実物": sorted(stored.get(table, {}).items() - columns.items()),
        }
        for table, columns in _declared().items()
        if columns != stored.get(table)
    }
    assert different == {}


async def test_every_table_in_the_database_is_declared(owner: asyncpg.Connection) -> None:
    assert sorted(set(await _columns(owner)) - set(_declared()) - NOT_OURS) == []


async def test_ledgers_can_be_added_to_but_never_changed_by_the_application(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select t, r, has_table_privilege('ward_app', t, r) as may "
        "from unnest($1::text[]) t, unnest(array['SELECT','INSERT','UPDATE','DELETE','TRUNCATE']) r",
        sorted(set(grants.APPEND_ONLY) & set(await _columns(owner))),
    )
    assert [(row["t"], row["r"]) for row in rows if row["may"] != (row["r"] in ("SELECT", "INSERT"))] == []


async def test_every_ledger_named_in_the_grants_is_there(owner: asyncpg.Connection) -> None:
    assert sorted(grants.APPEND_ONLY - set(await _columns(owner))) == []


async def test_no_column_of_a_ledger_can_be_updated(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select table_name, column_name from information_schema.column_privileges "
        "where grantee = 'ward_app' and privilege_type = 'UPDATE' and table_name = any($1::text[])",
        sorted(grants.APPEND_ONLY),
    )
    assert [tuple(row) for row in rows] == []


async def test_the_application_owns_nothing(owner: asyncpg.Connection) -> None:
    assert await owner.fetchval("select count(*) from pg_class where pg_get_userbyid(relowner) = 'ward_app'") == 0


async def test_no_time_column_is_without_its_zone(owner: asyncpg.Connection) -> None:
    rows = await owner.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public' "
        "and data_type = 'timestamp without time zone' and table_name <> 'migration'"
    )
    assert [tuple(row) for row in rows] == []


def test_every_migration_has_its_own_identity_in_the_order_of_its_file() -> None:
    folder = files.ROOT / "backend" / "database" / "migrations"
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("t*.py"))]
    identities = [match.group(1) for text in texts if (match := re.search(r'^ID = "([^"]+)"', text, re.MULTILINE))]
    assert len(identities) == len(texts)
    assert identities == sorted(set(identities))
