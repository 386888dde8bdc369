"""移行: 職員と所管課。"""

from backend.database.migrating import migration

ID = "2026-11-24T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "職員、所管課、招待、サインイン"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table section (
    code text primary key check (code ~ '^[a-z0-9-]{1,40}$'),
    name text not null unique check (name <> '')
);

create table staff_member (
    id bigint generated always as identity primary key,
    login text not null unique check (login = lower(login) and login <> ''),
    name text not null check (name <> ''),
    role text not null check (role in ('section_staff', 'section_chief', 'pr', 'pr_chief', 'administrator',
                                       'privacy_officer', 'night_watch')),
    section_code text not null references section (code),
    password_hash text,
    active boolean not null default true,
    created_at timestamptz not null default ward_now()
);
create index staff_member_section on staff_member (section_code);

create table staff_invitation (
    id bigint generated always as identity primary key,
    staff_id bigint not null references staff_member (id) on delete cascade,
    token_sha256 bytea not null unique check (octet_length(token_sha256) = 32),
    expires_at timestamptz not null,
    redeemed_at timestamptz,
    created_at timestamptz not null default ward_now()
);
create index staff_invitation_staff on staff_invitation (staff_id);

create table staff_session (
    token_sha256 bytea primary key check (octet_length(token_sha256) = 32),
    staff_id bigint not null references staff_member (id) on delete cascade,
    created_at timestamptz not null default ward_now(),
    seen_at timestamptz not null default ward_now()
);
create index staff_session_staff on staff_session (staff_id);

-- 総当たりを遅くする数え。who は login または接続元の、鍵のないハッシュ。
create table sign_in_failure (
    id bigint generated always as identity primary key,
    who bytea not null,
    at timestamptz not null default ward_now()
);
create index sign_in_failure_who on sign_in_failure (who, at);
create index sign_in_failure_at on sign_in_failure (at);

-- サインインできた人と接続元の組の、鍵のないハッシュ。よその総当たりで締め出されないために覚える。
create table sign_in_place (
    who bytea primary key,
    at timestamptz not null default ward_now()
);
"""
