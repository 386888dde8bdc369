"""移行: 配信。"""

from backend.database.migrating import migration

ID = "2026-11-24T08:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "配信予約、本文、送信単位、送り手、開いたブレーキ"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table delivery (
    id bigint generated always as identity primary key,
    source text not null unique check (source ~ '^[a-z_]+:.{1,180}$'),
    title text not null,
    owner_section text not null,
    public_number text not null,
    kind text not null check (kind in ('a', 'i', 'u', 'e', 'o', 'ka', 'ki')),
    priority smallint not null check (priority in (0, 1)),
    silent boolean not null,
    -- 「全員」は選ばれたときだけの宛先で、条件が空になって全員になることはない。
    address text not null check (address in ('everyone', 'criteria', 'recipients')),
    criteria text,
    recipients_of bigint references delivery (id),
    send_at timestamptz not null,
    expires_at timestamptz not null,
    source_at timestamptz not null,
    own_hour boolean not null default false,
    digest bytea not null check (octet_length(digest) = 32),
    approval_id bigint not null references approval (id),
    approval_subject text not null,
    approval_digest bytea not null,
    authorised_by text not null,
    state text not null default 'scheduled' check (state in (
        'scheduled', 'frozen', 'sending', 'held', 'sent', 'partly_failed', 'unknown', 'stopped', 'expired')),
    reason text not null default '',
    released text not null default '',
    not_before timestamptz not null,
    scheduled_at timestamptz not null default ward_now(),
    frozen_at timestamptz,
    first_accepted_at timestamptz,
    finished_at timestamptz,
    -- 終わったときに送信単位から数えて書く。全員あては人数が分からないのでNULLのまま。
    frozen integer check (frozen >= 0),
    accepted integer, refused integer, excluded integer, unknown integer, unsent integer,
    check ((address = 'criteria') = (criteria is not null)),
    check ((address = 'recipients') = (recipients_of is not null)),
    check (send_at < expires_at),
    check ((state in ('sent', 'partly_failed', 'unknown', 'stopped', 'expired')) = (finished_at is not null)),
    check (frozen = accepted + refused + excluded + unknown + unsent)
);
create index delivery_open on delivery (priority, not_before) where finished_at is null;
create index delivery_section on delivery (owner_section, id);
create index delivery_feed on delivery (split_part(source, ':', 1), frozen_at);

create table delivery_body (
    delivery_id bigint not null references delivery (id),
    language text not null check (language ~ '^[a-z-]{2,10}$'),
    messages bytea not null,
    primary key (delivery_id, language)
);

-- 一回のLINEへの呼び出し。numbers は resident.number(LINEの識別子ではない)。
create table delivery_batch (
    delivery_id bigint not null references delivery (id),
    position integer not null,
    language text not null,
    size integer check (size between 1 and 500),
    numbers bigint[],
    retry_key uuid not null default gen_random_uuid(),
    state text not null default 'ready' check (state in ('ready', 'accepted', 'refused', 'unknown')),
    first_tried_at timestamptz,
    claimed_by bigint,
    tries integer not null default 0,
    accepted integer not null default 0,
    refused integer not null default 0,
    excluded integer not null default 0,
    line_request_id text not null default '',
    answer text not null default '',
    settled_at timestamptz,
    decided_by text not null default '',
    primary key (delivery_id, position),
    check (size is null or accepted + refused + excluded <= size),
    check (state <> 'accepted' or size is null or accepted + refused + excluded = size),
    check ((state = 'ready') = (settled_at is null))
);
create index delivery_batch_ready on delivery_batch (delivery_id, position) where state = 'ready';
create index delivery_batch_unknown on delivery_batch (delivery_id) where state = 'unknown';

-- いまの送り手。時刻は実時間: 業務の時計を進めても、送り手が黙ったことにはならない。
create table delivery_sender (
    only_row boolean primary key default true check (only_row),
    epoch bigint not null default 0,
    pid integer not null default 0,
    session text not null default '',
    beat_at timestamptz not null default clock_timestamp()
);
insert into delivery_sender default values;

-- 自動の配信の出どころごとのブレーキ。広報課が確かめて閉じるまで、その出どころからは何も出ない。
create table delivery_brake (
    id bigint generated always as identity primary key,
    feed text not null,
    reason text not null check (reason in ('stale', 'flood', 'restored')),
    opened_at timestamptz not null default ward_now(),
    closed_at timestamptz,
    closed_by text not null default ''
);
create unique index delivery_brake_open on delivery_brake (feed) where closed_at is null;

-- いま鳴っている知らせ。鳴り始めに一度だけメールを出すための覚え。
create table delivery_alarm (
    code text primary key,
    words text not null,
    since timestamptz not null default ward_now()
);
"""
