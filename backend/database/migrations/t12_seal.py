"""移行: 台帳の封。"""

from backend.database.migrating import migration

ID = "2026-11-24T12:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "台帳の封(追記だけ): 操作記録と同意記録の鎖"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table seal (
    ledger text not null check (ledger in ('audit_entry', 'consent_event')),
    number bigint not null check (number > 0),
    after_id bigint not null check (after_id >= 0),
    last_id bigint not null check (last_id > after_id),
    ids bigint[] not null check (cardinality(ids) > 0),
    leaves bytea not null check (octet_length(leaves) = 32 * cardinality(ids)),
    previous bytea not null check (octet_length(previous) = 32),
    head bytea not null check (octet_length(head) = 32),
    at timestamptz not null default ward_now(),
    primary key (ledger, number),
    unique (ledger, after_id)
);
"""
