"""移行: 配信対象者についての問い。"""

from backend.database.migrating import migration

ID = "2026-11-24T13:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "だれが、いつ、どの条件の人数を尋ねたか"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
-- 一人が一日に尋ねた条件。数を引き算して少ない人を割り出すことを防ぐ(CHECKS C6)。
create table audience_question (
    id bigint generated always as identity primary key,
    staff_id bigint not null references staff_member (id),
    asked_on date not null,
    criteria text not null,
    people integer not null check (people >= 0),
    unique (staff_id, asked_on, criteria)
);
"""
