"""移行: リンク台帳。最初の行は `backend/ward/links.csv` から入る。"""

from backend.database.migrating import migration
from backend.links import first

ID = "2026-11-24T11:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "リンク台帳、行き先の変更、点検、使われ方、押された数"


async def forwards():
    return migration(ID, DESCRIPTION, SQL + first.sql())


SQL = """
create table link (
    code text primary key check (code ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    label text not null check (label <> ''),
    purpose text not null default '',
    owner_section text not null check (owner_section <> ''),
    url text not null check (url ~ '^(https://|tel:)'),
    allowed_hosts text[] not null default '{}',
    external_browser boolean not null default false,
    retired boolean not null default false,
    replacement text references link (code),
    version integer not null default 1,
    created_at timestamptz not null default ward_now(),
    updated_at timestamptz not null default ward_now(),
    check (replacement is null or (retired and replacement <> code))
);
-- 所管課への外部キーは張らない: 最初の行は、課より先に入る。

-- 行き先・持ち主などの変更(追記だけ)。
create table link_change (
    id bigint generated always as identity primary key,
    code text not null references link (code),
    what text not null check (what in ('add', 'edit', 'repoint', 'retire', 'revive')),
    url_before text not null,
    url_after text not null,
    reason text not null,
    staff_id bigint,
    staff_name text not null,
    section_name text not null,
    approval_id bigint,
    approved_by text not null default '',
    at timestamptz not null default ward_now()
);
create index link_change_code on link_change (code, id);

-- 二人目を待っている、行き先の変更。一つのリンクに一つまで。
create table link_proposal (
    id bigint generated always as identity primary key,
    code text not null references link (code),
    version integer not null,
    url text not null,
    allowed_hosts text[] not null,
    external_browser boolean not null,
    reason text not null check (reason <> ''),
    staff_id bigint not null,
    staff_name text not null,
    section_name text not null,
    at timestamptz not null default ward_now(),
    closed_at timestamptz
);
create unique index link_proposal_open on link_proposal (code) where closed_at is null;

-- だれが使っているか: `message:42`、`menu:7`。
create table link_use (
    code text not null references link (code),
    used_by text not null check (used_by <> ''),
    at timestamptz not null default ward_now(),
    primary key (code, used_by)
);

create table link_check (
    code text primary key references link (code),
    next_at timestamptz not null default ward_now(),
    checked_at timestamptz,
    ok_at timestamptz,
    verdict text not null default 'unseen' check (verdict in ('unseen', 'ok', 'gone', 'unsure', 'unreachable')),
    status smallint not null default 0,
    reason text not null default '',
    failures integer not null default 0,
    dead_since timestamptz
);
create index link_check_next on link_check (next_at);

-- 日ごとの数だけ。押した人につながるものは何もない。slot は同じ行への書き込みを散らす。
create table link_tap (
    code text not null references link (code),
    day date not null,
    source text not null default '' check (source ~ '^[a-z0-9_-]{0,24}$'),
    slot smallint not null default 0,
    taps bigint not null check (taps > 0),
    primary key (code, day, source, slot)
);
"""
