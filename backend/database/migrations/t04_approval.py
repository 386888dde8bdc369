"""移行: 承認。"""

from backend.database.migrating import migration

ID = "2026-11-24T04:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "承認(追記だけ): だれが、何の、どの中身を認めたか"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table approval (
    id bigint generated always as identity primary key,
    subject text not null check (subject <> ''),
    digest bytea not null check (octet_length(digest) = 32),
    staff_id bigint not null,
    staff_name text not null,
    at timestamptz not null default ward_now(),
    -- 二重押し、二つの画面、送り直されたPOSTのどれでも、同じ中身の承認は一つ。
    unique (subject, digest),
    -- 承認で出るもの(配信)が、番号・相手・中身の三つをそろえて指すため。
    unique (id, subject, digest)
);
"""
