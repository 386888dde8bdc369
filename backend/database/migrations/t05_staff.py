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

-- 二人で決める職員の変更: 招待、役割と課、やめる。一人が提案し、もう一人の管理者が承認して、starts_on から効く(RULES 32)。
create table staff_change (
    id bigint generated always as identity primary key,
    what text not null check (what in ('invite', 'assign', 'deactivate')),
    staff_id bigint references staff_member (id),
    login text not null,
    name text not null,
    role text not null,
    section_code text not null,
    section_name text not null,
    starts_on date not null,
    proposed_by bigint not null references staff_member (id),
    proposed_name text not null,
    proposed_at timestamptz not null default ward_now(),
    approval_id bigint references approval (id),
    confirmed_name text not null default '',
    applied_at timestamptz,
    closed_at timestamptz,
    trouble text not null default '',
    check (applied_at is null or approval_id is not null)
);
create unique index staff_change_open on staff_change (login) where applied_at is null and closed_at is null;

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

-- 承認できるのは、いま使える、承認する役割の職員だけ。名と時刻は、書いた側の言うことでなく、ここで決める。
create function approval_by_staff() returns trigger language plpgsql as $$
declare
    member staff_member;
begin
    select * into member from staff_member
    where id = new.staff_id and active and password_hash is not null
      and role = any (case split_part(new.subject, ':', 1)
          when 'notice' then array['pr_chief', 'privacy_officer']
          when 'personal-switch' then array['administrator', 'privacy_officer']
          when 'staff-change' then array['administrator']
          else array['pr', 'pr_chief'] end)
    for share;
    if not found then
        raise exception '職員 % は、% を承認できません', new.staff_id, new.subject using errcode = 'insufficient_privilege';
    end if;
    new.staff_name := member.name;
    new.at := ward_now();
    return new;
end $$;
create trigger approval_by_staff before insert on approval for each row execute function approval_by_staff();
"""
