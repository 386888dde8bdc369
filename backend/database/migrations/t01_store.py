"""移行: 業務の時計。"""

from backend.database.migrating import migration

ID = "2026-11-24T01:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "業務の時計 ward_now() と、試験・お試しでだけ動かせるずれ"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table clock_offset (
    only_row boolean primary key default true check (only_row),
    shift interval not null default interval '0'
);
insert into clock_offset default values;

create function ward_now() returns timestamptz language sql stable parallel safe as $$
    select statement_timestamp() + coalesce((select shift from clock_offset), interval '0')
$$;
"""
