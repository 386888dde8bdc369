"""移行: 口座の状態。"""

from backend.database.migrating import migration

ID = "2026-11-24T03:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "口座の状態(通常・災害時・停止)、再開の提案、なりすましの注意"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
-- 状態は記録であり、最後の一行がいまの状態。行がなければ通常。
create table account_change (
    id bigint generated always as identity primary key,
    at timestamptz not null default ward_now(),
    mode text not null check (mode in ('normal', 'disaster')),
    stopped text not null check (stopped in ('none', 'bulk', 'all')),
    staff_id bigint not null,
    staff_name text not null,
    reason text not null default ''
);

-- 再開と「通常に戻す」は二人で行う。一人目がここに書き、二人目がその行を閉じる。
create table account_proposal (
    id bigint generated always as identity primary key,
    what text not null check (what in ('resume', 'normal')),
    staff_id bigint not null,
    staff_name text not null,
    by_chief boolean not null,
    at timestamptz not null default ward_now(),
    closed_at timestamptz
);
create unique index account_proposal_open on account_proposal (what) where closed_at is null;

create table impersonation_warning (
    id bigint generated always as identity primary key,
    at timestamptz not null default ward_now(),
    shown boolean not null,
    words text not null default '',
    staff_id bigint not null,
    staff_name text not null,
    check (shown <= (words <> ''))
);
"""
