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
    approval_id bigint not null,
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
    check (frozen = accepted + refused + excluded + unknown + unsent),
    check (not_before >= send_at),
    -- 承認はこの包みのものか、同じ出どころの計画のもの。人が書いた配信に、計画はない(I4)。
    foreign key (approval_id, approval_subject, approval_digest) references approval (id, subject, digest),
    check (case when approval_subject = source then approval_digest = digest
           else split_part(approval_subject, ':', 1) = split_part(source, ':', 1)
                and split_part(source, ':', 1) <> 'message' end)
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

-- 承認を受ける計画: 出してよい包みの指紋(32バイトずつ)の並びと、そのSHA-256。追記だけ。
create table delivery_plan (
    digest bytea primary key,
    packages bytea not null check (octet_length(packages) > 0 and octet_length(packages) % 32 = 0),
    at timestamptz not null default ward_now(),
    check (digest = sha256(packages))
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

-- ここから三つは、乗っ取られたアプリケーションの役割にもさせないこと(送信の内容を変える欄は、grants.py が書かせない)。
-- ふだんの書き込みは、欄の名と when の外を通り過ぎる。

-- 終わった配信は動かない。ほかには、断られた分の送り直しと、不明の決着だけ。確定した人数は変わらない。
create function delivery_kept() returns trigger language plpgsql as $$
begin
    if old.finished_at is not null and new.state <> old.state
       and not (old.state = 'partly_failed' and new.state = 'frozen')
       and not (old.state = 'unknown' and new.state in ('sent', 'partly_failed')) then
        raise exception '終わった配信 % を、% から % にはできません', old.id, old.state, new.state;
    end if;
    if old.frozen_at is not null and (new.frozen_at, new.frozen) is distinct from (old.frozen_at, old.frozen) then
        raise exception '配信 % は、もう確定しています', old.id;
    end if;
    return new;
end $$;
create trigger delivery_kept before update of state, frozen_at, frozen on delivery
    for each row execute function delivery_kept();

-- 確定の後に、送信単位は増えない。
create function delivery_batch_cut() returns trigger language plpgsql as $$
declare
    frozen timestamptz;
begin
    -- 確定の途中なら、その終わりを待ってから読む。
    select frozen_at into frozen from delivery where id = new.delivery_id for key share;
    if frozen is not null then
        raise exception '配信 % は、もう確定しています', new.delivery_id;
    end if;
    return new;
end $$;
create trigger delivery_batch_cut before insert on delivery_batch
    for each row execute function delivery_batch_cut();

-- 宛先は減るだけ。鍵が変わるのは、断られた一人を外すときと、断られた送信単位を送り直すとき。付いた決着は、人が不明を
-- 決めるほかは変わらない。受け付けられたものが、また送られることはない(I1)。
create function delivery_batch_kept() returns trigger language plpgsql as $$
declare
    same delivery_batch := new;
begin
    if new.numbers is null and old.numbers is not null then
        if not exists (select from delivery
                       where id = old.delivery_id and finished_at < ward_now() - interval '30 days') then
            raise exception '配信 % の宛先は、まだ消せません', old.delivery_id;
        end if;
    elsif new.numbers is distinct from old.numbers
          and exists (select unnest(new.numbers) except all select unnest(old.numbers)) then
        raise exception '配信 % の宛先は、増やせません', old.delivery_id;
    end if;
    if new.retry_key <> old.retry_key
       and ((old.state = 'ready' and new.state = 'ready' and new.refused = old.refused + 1
             and cardinality(new.numbers) = cardinality(old.numbers) - 1)
            or (old.state = 'refused' and new.state = 'ready')) is not true then
        raise exception '配信 % の再試行の鍵は、変えられません', old.delivery_id;
    end if;
    if old.state = 'ready' then
        return new;
    end if;
    same.numbers := old.numbers;
    if same is distinct from old
       and not (old.state = 'unknown' and new.state in ('accepted', 'refused') and new.decided_by <> '')
       and not (old.state = 'refused' and new.state = 'ready' and old.decided_by = '' and new.retry_key <> old.retry_key) then
        raise exception '配信 % の決着は、変えられません', old.delivery_id;
    end if;
    return new;
end $$;
create trigger delivery_batch_addressed before update of numbers, retry_key on delivery_batch
    for each row execute function delivery_batch_kept();
create trigger delivery_batch_settled before update on delivery_batch
    for each row when (old.state <> 'ready') execute function delivery_batch_kept();

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

-- いま鳴っている知らせ。鳴り始めに一度だけメールを出し、渡せなければ試し直すための覚え。
create table delivery_alarm (
    code text primary key,
    words text not null,
    since timestamptz not null default ward_now(),
    mail text not null default 'waiting' check (mail in ('waiting', 'sent', 'off', 'failed')),
    tried_at timestamptz
);
"""
