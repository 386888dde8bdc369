"""移行: メニューの見張りと、止まった反映の出口。"""

from backend.database.migrating import migration

ID = "2026-11-29T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "メニューの見張りと、止まった反映の出口"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
-- 予定の反映を待っている理由、ほかのだれかが変えたところ、それを見た時刻。
alter table menu_known
    add column waiting text not null default '',
    add column drift text not null default '',
    add column looked_at timestamptz;

-- 続きを試した回数と時刻(断られ続けるときは、間を空ける)。途中でやめた人。
alter table menu_run
    add column tries int not null default 0,
    add column tried_at timestamptz,
    add column abandoned_by text;
"""
