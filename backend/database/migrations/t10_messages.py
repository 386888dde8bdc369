"""移行: 配信依頼と確認番号。"""

from backend.database.migrating import migration

ID = "2026-11-24T10:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "配信依頼(原稿)と確認番号"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table delivery_request (
    id bigint generated always as identity primary key,
    state text not null default 'draft' check (state in ('draft', 'submitted', 'returned', 'approved', 'withdrawn')),
    version integer not null default 1 check (version > 0),
    author bigint not null references staff_member (id),
    last_editor bigint not null references staff_member (id),
    section_code text not null references section (code),
    kind text check (kind in ('a', 'i', 'u', 'e', 'o', 'ka', 'ki')),
    title text not null default '',
    body text not null default '',
    body_en text not null default '',
    contact text not null default '',
    audience text check (audience in ('everyone', 'criteria')),
    criteria jsonb,
    timing text check (timing in ('at', 'on_approval')),
    send_at timestamptz,
    expires_at timestamptz,
    silent boolean not null default false,
    source_note text not null default '',
    attested_by bigint references staff_member (id),
    -- 課長確認(RULES 20)。書き直すと消える。
    chief_seen_by bigint references staff_member (id),
    chief_seen_at timestamptz,
    same_day_reason text not null default '',
    public_number text unique check (public_number ~ '^B-[0-9]{4}-[0-9]{4,}$'),
    submitted_at timestamptz,
    returned_at timestamptz,
    return_reason text,
    return_note text not null default '',
    approved_at timestamptz,
    approval_id bigint,
    -- 続けるかのお知らせの、どの一通か(messages.reminder_plan)。取り下げるまで、一通に一つの下書き。
    reminder text,
    created_at timestamptz not null default ward_now(),
    updated_at timestamptz not null default ward_now(),
    -- 「全員」と「条件」は別の宛先で、条件が空になって全員になることはない。
    check (criteria is null or audience is not distinct from 'criteria'),
    check (send_at is null or timing is not distinct from 'at'),
    check (send_at is null or expires_at is null or send_at < expires_at),
    check (state not in ('submitted', 'approved') or (
        kind is not null and body <> '' and source_note <> '' and attested_by is not null and public_number is not null
        and audience is not null and (audience = 'everyone' or criteria is not null)
        and timing is not null and (timing = 'on_approval' or send_at is not null) and expires_at is not null)),
    check ((chief_seen_by is null) = (chief_seen_at is null)),
    check ((state = 'approved') <= (approval_id is not null))
);
-- 書いた人と最後に直した人の承認は、データベースも受け付けない(POL 5(4)イ)。
create function approval_by_another() returns trigger language plpgsql as $$
begin
    if exists (select from delivery_request
               where 'message:' || id = new.subject and new.staff_id in (author, last_editor)) then
        raise exception '職員 % は、自分が書いた % を承認できません', new.staff_id, new.subject
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end $$;
create trigger approval_by_another before insert on approval
    for each row when (new.subject like 'message:%') execute function approval_by_another();
create index delivery_request_due on delivery_request (expires_at) where state = 'submitted';
create index delivery_request_section on delivery_request (section_code, state, updated_at);
create index delivery_request_recent on delivery_request (updated_at);
create unique index delivery_request_reminder on delivery_request (reminder) where state <> 'withdrawn';

create table public_number (
    month text primary key check (month ~ '^[0-9]{4}$'),
    last integer not null check (last > 0)
);
"""
