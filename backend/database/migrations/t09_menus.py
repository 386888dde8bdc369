"""移行: リッチメニュー。"""

from backend.database.migrating import migration

ID = "2026-11-24T09:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "リッチメニューの版、絵、反映、予定、切り替え"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table menu_version (
    id bigint generated always as identity primary key,
    role text not null check (role in ('resident', 'emergency', 'closing', 'event')),
    number integer not null check (number > 0),
    name text not null,
    declaration text not null,
    state text not null default 'draft' check (state in ('draft', 'submitted', 'returned', 'approved', 'withdrawn')),
    edition integer not null default 1 check (edition > 0),
    reason text not null default '',
    note text not null default '',
    based_on bigint references menu_version (id),
    -- 空の書き手は、運用者の命令(`ward richmenu load`)で入ったもの。
    author bigint references staff_member (id),
    author_name text not null,
    last_editor bigint references staff_member (id),
    submitted_at timestamptz,
    submitted_by bigint references staff_member (id),
    approval_id bigint,
    approved_by text,
    approved_at timestamptz,
    plan_checksum text,
    applied_at timestamptz,
    created_at timestamptz not null default ward_now(),
    updated_at timestamptz not null default ward_now(),
    unique (role, number),
    check (state not in ('submitted', 'approved') or reason <> ''),
    check ((state = 'approved') <= (approved_by is not null))
);
create index menu_version_recent on menu_version (updated_at);

-- 版の絵。書き直すまで描き直さない: 戻した版は、前と同じバイトになる。
create table menu_image (
    version_id bigint not null references menu_version (id) on delete cascade,
    position smallint not null,
    alias text not null,
    body bytea not null check (octet_length(body) <= 1000000),
    content_type text not null check (content_type in ('image/png', 'image/jpeg')),
    sha256 bytea not null check (octet_length(sha256) = 32),
    primary key (version_id, position)
);

create table menu_artwork (
    id bigint generated always as identity primary key,
    name text not null unique check (name ~ '^[a-z0-9][a-z0-9_-]{0,60}[.](png|jpg)$'),
    body bytea not null check (octet_length(body) <= 4000000),
    content_type text not null,
    sha256 bytea not null check (octet_length(sha256) = 32),
    width integer not null,
    height integer not null,
    owner text not null check (owner <> ''),
    permission text not null check (permission <> ''),
    credit text not null default '',
    staff_id bigint references staff_member (id),
    staff_name text not null,
    created_at timestamptz not null default ward_now()
);

-- いまの版。役目ごとに一つ。
create table menu_current (
    role text primary key check (role in ('resident', 'emergency', 'closing')),
    version_id bigint not null references menu_version (id)
);

-- この仕組みがLINEに作ったメニュー。
create table menu_deployed (
    rich_menu_id text primary key,
    name text not null,
    version_id bigint not null references menu_version (id),
    alias text not null,
    created_at timestamptz not null default ward_now()
);
create index menu_deployed_name on menu_deployed (name);

-- 最後に合わせたときのLINEの姿。違っていたら、ほかのだれかが変えた。
create table menu_known (
    one boolean primary key default true check (one),
    shown text,
    default_id text,
    aliases jsonb not null default '{}',
    problem text not null default '',
    settled_at timestamptz
);
insert into menu_known default values;

create table menu_run (
    id bigint generated always as identity primary key,
    checksum text not null,
    shown text not null,
    versions bigint[] not null,
    staff_id bigint,
    staff_name text not null,
    accepted_drift boolean not null default false,
    started_at timestamptz not null default ward_now(),
    finished_at timestamptz,
    problem text not null default ''
);
-- 終わっていない反映は、一度に一つ。
create unique index menu_run_open on menu_run ((finished_at is null)) where finished_at is null;

create table menu_step (
    run_id bigint not null references menu_run (id) on delete cascade,
    position smallint not null,
    kind text not null check (kind in ('create', 'upload', 'alias', 'default', 'unlink', 'drop_alias', 'delete')),
    target text not null,
    other text not null default '',
    words text not null,
    done_at timestamptz,
    result text not null default '',
    primary key (run_id, position)
);

-- 1時間ごとの上限のある呼び出しの数え(LINE.md 1)。呼ぶ前に書く。
create table menu_call (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('create', 'delete', 'drop_alias', 'unlink')),
    at timestamptz not null default ward_now()
);
create index menu_call_recent on menu_call (kind, at);

-- 見せるメニューの切り替え。終わっていないものは、ワーカーがやり直す。
create table menu_pointing (
    id bigint generated always as identity primary key,
    wanted text not null,
    staff_name text not null,
    started_at timestamptz not null default ward_now(),
    pointed_at timestamptz,
    finished_at timestamptz,
    unlink_key text,
    unlink_id text,
    unlink_phase text not null default '' check (unlink_phase in ('', 'due', 'ongoing', 'succeeded', 'failed')),
    asked_at timestamptz
);
create index menu_pointing_open on menu_pointing (id) where finished_at is null;

create table menu_schedule (
    id bigint generated always as identity primary key,
    version_id bigint not null references menu_version (id),
    starts_at timestamptz not null,
    ends_at timestamptz not null,
    staff_id bigint not null references staff_member (id),
    staff_name text not null,
    approval_id bigint,
    approved_by text,
    cancelled_at timestamptz,
    created_at timestamptz not null default ward_now(),
    check (starts_at < ends_at)
);
create index menu_schedule_ahead on menu_schedule (ends_at) where cancelled_at is null;

-- LINEの統計の写し。人数が20人より少ない期間は値がない。
create table menu_insight (
    rich_menu_id text not null,
    first date not null,
    last date not null,
    body jsonb not null,
    asked_at timestamptz not null default ward_now(),
    primary key (rich_menu_id, first, last)
);
"""
