"""移行: 操作記録。"""

from backend.database.migrating import migration

ID = "2026-11-24T02:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "操作記録(追記だけ)"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table audit_entry (
    id bigint generated always as identity primary key,
    at timestamptz not null default ward_now(),
    staff_id bigint,
    staff_name text not null,
    role text not null,
    section_code text not null,
    action text not null check (action <> ''),
    subject text not null,
    detail jsonb not null default '{}'
);
-- 職員への外部キーは張らない: 職員が消えても記録は残る。
create index audit_entry_subject on audit_entry (subject, id);
create index audit_entry_action on audit_entry (action, id);
"""
