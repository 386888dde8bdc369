"""移行: 住民の受信設定。"""

from backend.database.migrating import migration

ID = "2026-11-24T07:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "住民の受信設定、子の月、使われたトークン・終わったセッション・Webhookの印、本人コード、個人設定の開閉"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
-- 目的のビット: 1 地域、2 年代、4 妊娠・子育て、8 関心、16 ごみ、32 言語(consent.notices.Purpose)。
create table resident (
    -- 条件に出る列が前: 一人分を読み解く時間が、百万人を数える時間になる。
    live_until timestamptz not null,
    topics bigint not null default 0 check (topics >= 0),
    purposes smallint not null check (purposes between 1 and 63),
    area smallint check (area between 1 and 69),
    age_band smallint check (age_band in (15, 16, 18, 30, 40, 50, 60, 70, 80)),
    due_month date check (extract(day from due_month) = 1),
    -- 子の月(`resident_child`)の写し。数え上げが、子の表を引かずに済む。引き金が書く。
    birth_1 date, birth_2 date, birth_3 date, birth_4 date, birth_5 date,
    language text check (language in ('ja', 'easy', 'en', 'zh', 'ko')),
    id uuid primary key,
    number bigint not null,
    index_version smallint not null,
    notice_version integer not null references notice (version),
    streams smallint not null default 0 check (streams between 0 and 15),
    slot smallint check (slot in (7, 19)),
    collection_area smallint check (collection_area between 1 and 68),
    absences smallint not null default 0,
    consented_at timestamptz not null default ward_now(),
    updated_at timestamptz not null default ward_now(),
    cipher bytea not null check (octet_length(cipher) between 40 and 80),
    subject_key bytea not null check (octet_length(subject_key) = 32),
    -- I6: 同意のない目的の属性は、書くこともできない。
    constraint area_needs_consent check (area is null or purposes & 1 <> 0),
    constraint age_band_needs_consent check (age_band is null or purposes & 2 <> 0),
    constraint due_month_needs_consent check (due_month is null or purposes & 4 <> 0),
    constraint births_need_consent check (birth_1 is null or purposes & 4 <> 0),
    constraint topics_need_consent check (topics = 0 or purposes & 8 <> 0),
    constraint garbage_needs_consent check (
        (collection_area is null and streams = 0 and slot is null) or purposes & 16 <> 0),
    constraint language_needs_consent check (language is null or purposes & 32 <> 0)
) with (fillfactor = 90);
-- 条件に出るすべての列を持つ索引: どの条件も、表を読まずに数えられる。
create index resident_area on resident (area) include (
    purposes, live_until, topics, age_band, language, due_month, birth_1, birth_2, birth_3, birth_4, birth_5, number);
create index resident_age on resident (age_band) include (purposes, live_until);
create index resident_number on resident (number);
create index resident_notice on resident (notice_version);
create index resident_live_until on resident (live_until);
create index resident_due_month on resident (due_month) where due_month is not null;
create index resident_collection on resident (collection_area, slot) include (purposes, live_until, streams, number)
    where collection_area is not null;

create table resident_child (
    resident_id uuid not null references resident (id) on delete cascade on update cascade,
    position smallint not null check (position between 1 and 5),
    birth_month date not null check (extract(day from birth_month) = 1),
    due_month date check (extract(day from due_month) = 1),
    primary key (resident_id, position)
);

create function resident_births() returns trigger language plpgsql as $$
begin
    update resident r
    set birth_1 = x.b[1], birth_2 = x.b[2], birth_3 = x.b[3], birth_4 = x.b[4], birth_5 = x.b[5]
    from (select c.resident_id, (select array_agg(k.birth_month order by k.position) from resident_child k
                                 where k.resident_id = c.resident_id) as b
          from (select distinct resident_id from changed) c) x
    where r.id = x.resident_id
      and (r.birth_1, r.birth_2, r.birth_3, r.birth_4, r.birth_5) is distinct from (x.b[1], x.b[2], x.b[3], x.b[4], x.b[5]);
    return null;
end $$;
create trigger resident_births_added after insert on resident_child
    referencing new table as changed for each statement execute function resident_births();
create trigger resident_births_changed after update on resident_child
    referencing new table as changed for each statement execute function resident_births();
create trigger resident_births_removed after delete on resident_child
    referencing old table as changed for each statement execute function resident_births();

create table id_token_seen (
    digest bytea primary key check (octet_length(digest) = 32),
    expires_at timestamptz not null
);
create index id_token_seen_expires on id_token_seen (expires_at);

create table liff_ended (
    digest bytea primary key check (octet_length(digest) = 32),
    expires_at timestamptz not null
);
create index liff_ended_expires on liff_ended (expires_at);

create table webhook_seen (
    event_id text primary key check (event_id <> '' and length(event_id) <= 64),
    seen_at timestamptz not null default ward_now()
);
create index webhook_seen_at on webhook_seen (seen_at);

create table counter_code (
    digest bytea primary key check (octet_length(digest) = 32),
    resident_id uuid not null references resident (id) on delete cascade on update cascade,
    expires_at timestamptz not null
);
create index counter_code_resident on counter_code (resident_id);

create table counter_case (
    id uuid primary key,
    resident_id uuid not null references resident (id) on delete cascade on update cascade,
    staff_id bigint not null,
    expires_at timestamptz not null
);
create index counter_case_resident on counter_case (resident_id);

create table personal_switch (
    id bigint generated always as identity primary key,
    at timestamptz not null default ward_now(),
    closed boolean not null,
    by_staff bigint not null,
    reason text not null check (reason <> '')
);

-- 個人設定が開いているか。条件のSQLに入り、閉じている間はどの条件にもだれも当てはまらない。
create function personal_open() returns boolean language sql stable parallel safe as $$
    select not coalesce((select closed from personal_switch order by id desc limit 1), false)
$$;

-- 書き込みの数え。bucket はセッションの乱数のハッシュで、人とは結び付かない。
create unlogged table liff_rate (
    bucket bytea primary key check (octet_length(bucket) = 32),
    since timestamptz not null default ward_now(),
    hits integer not null default 1
);
create index liff_rate_since on liff_rate (since);

create table follower_sweep (
    id bigint generated always as identity primary key,
    at timestamptz not null default ward_now(),
    friends bigint not null,
    residents bigint not null,
    absent bigint not null,
    erased bigint not null
);
"""
