"""移行: 漏えいの記録と、二人目からの子の月の壁。"""

from backend.database.migrating import migration

ID = "2026-11-29T06:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "漏えいの記録、二人目からの子の月も同意がなければ置けない"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
-- 一行が一度の書き込みで、`number` ごとの最後の行がいまの記録。書き直しても、前に何と書いたかが残る。
create table incident_report (
    id bigint generated always as identity primary key,
    number bigint not null check (number > 0),
    at timestamptz not null default ward_now(),
    by_staff bigint not null,
    found_at timestamptz not null,
    -- 人数も、不正の目的のおそれも、はじめは分からない(null)。
    people integer check (people >= 0),
    malicious boolean,
    -- 目的のビットと、64 = LINEの利用者ID。
    items smallint not null default 0 check (items between 0 and 127),
    summary text not null check (summary <> ''),
    first_on date,
    full_on date,
    unneeded text not null default '',
    ended boolean not null default false,
    check (not ended or unneeded <> '' or (first_on is not null and full_on is not null))
);
create index incident_report_number on incident_report (number, id desc);

-- I6: 一人目の月だけを見ていた。
alter table resident
    drop constraint births_need_consent,
    add constraint births_need_consent check (
        coalesce(birth_1, birth_2, birth_3, birth_4, birth_5) is null or purposes & 4 <> 0);
"""
