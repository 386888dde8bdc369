"""移行: 据え付け(本番と訓練の壁)。"""

from backend.database.migrating import migration

ID = "2026-11-24T14:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "初めての起動が書き、以後の起動が照らし合わせる、アカウントと環境"


async def forwards():
    return migration(ID, DESCRIPTION, SQL)


SQL = """
create table installation (
    only_row boolean primary key default true check (only_row),
    mode text not null check (mode in ('live', 'training', 'demo')),
    channel_id text not null,
    bot_user_id text not null check (bot_user_id <> ''),
    pinned_at timestamptz not null default ward_now()
);
"""
