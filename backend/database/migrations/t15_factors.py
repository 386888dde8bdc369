"""移行: サインインの二つ目の確かめ。"""

from backend.database.migrating import migration

ID = "2026-11-24T15:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "認証アプリと控えのコード"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
-- 二つ目を待っているセッション。コードが合うまで、どの扉も開かない。
alter table staff_session add column waits boolean not null default false;

create table staff_factor (
    staff_id bigint primary key references staff_member (id) on delete cascade,
    sealed bytea not null,
    last_step bigint not null default 0,
    confirmed_at timestamptz
);

create table staff_recovery_code (
    staff_id bigint not null references staff_member (id) on delete cascade,
    code_sha256 bytea not null check (octet_length(code_sha256) = 32),
    used_at timestamptz,
    primary key (staff_id, code_sha256)
);
"""
