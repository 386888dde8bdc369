"""移行: 同意台帳。最初の告知文は `backend/consent/texts/1` から入る。"""

from backend.consent import first
from backend.database.migrating import migration

ID = "2026-11-24T06:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "告知文の版、同意記録(追記だけ)"


async def forwards():
    return migration(ID, DESCRIPTION, SQL + first.sql())


SQL = """
create table notice (
    version integer primary key check (version > 0),
    published_on date not null,
    effective_on date not null,
    material smallint not null check (material between 0 and 63),
    retention_months smallint not null check (retention_months between 1 and 60),
    reason text not null check (reason <> ''),
    proposed_by bigint,
    proposed_at timestamptz not null default ward_now(),
    check (effective_on >= published_on)
);

create table notice_text (
    version integer not null references notice (version),
    language text not null check (language in ('ja', 'easy', 'en', 'zh', 'ko')),
    part text not null check (part in ('common', 'area', 'age', 'parenting', 'topics', 'garbage', 'language')),
    text text not null check (text <> ''),
    sha256 bytea not null check (octet_length(sha256) = 32),
    primary key (version, language, part)
);

-- 記録のない言語では、日本語の文を見せる(RULES 47)。第1版の訳だけは、区が確かめる前のもの。
create table notice_translation (
    version integer not null references notice (version),
    language text not null check (language in ('easy', 'en', 'zh', 'ko')),
    translator text not null check (translator <> ''),
    checker text not null check (version = 1 or (checker <> '' and checker <> translator)),
    checked_on date check (version = 1 or checked_on is not null),
    recorded_at timestamptz not null default ward_now(),
    primary key (version, language)
);

create table notice_decision (
    version integer primary key references notice (version),
    published boolean not null,
    approval_id bigint,
    decided_by bigint,
    decided_at timestamptz not null default ward_now()
);

-- 目的のビットは consent.notices.Purpose。一行に一つだけ(P3)。
create table consent_event (
    id bigint generated always as identity primary key,
    event_id uuid not null default gen_random_uuid(),
    schema_version smallint not null default 1,
    subject bytea not null check (octet_length(subject) = 32),
    purpose smallint not null check (purpose in (1, 2, 4, 8, 16, 32)),
    action text not null check (action in ('granted', 'withdrawn', 'lapsed')),
    notice_version integer not null references notice (version),
    language text not null check (language in ('ja', 'easy', 'en', 'zh', 'ko')),
    text_sha256 bytea not null check (octet_length(text_sha256) = 32),
    guardian boolean not null default false,
    channel text not null check (channel in ('liff', 'unfollow', 'followers', 'counter', 'sweep', 'restore', 'demo')),
    at timestamptz not null default ward_now()
);
create index consent_event_subject on consent_event (subject, purpose, id);
create index consent_event_at on consent_event (at, action, purpose);
create index consent_event_notice on consent_event (notice_version);

-- P13: 時刻は書く人が決められない。同じ人の同じ目的では、必ず前の記録より後になる。
create function consent_event_time() returns trigger language plpgsql volatile as $$
begin
    new.at := greatest(ward_now(), (select max(e.at) + interval '1 microsecond' from consent_event e
                                    where e.subject = new.subject and e.purpose = new.purpose));
    return new;
end $$;
create trigger consent_event_time before insert on consent_event for each row execute function consent_event_time();
"""
