"""番人: クッキーの札から操作者を見つける。役割も所管課も、毎回データベースから読む。"""

from typing import Any

from litestar.connection import ASGIConnection

from backend.account import state
from backend.permissions import Actor, Role
from backend.staff.signin import digest
from backend.store import work
from backend.web.sessions import console_cookie

IDLE_MINUTES = 45
ABSOLUTE_HOURS = 12

_FIND = """
select m.id, m.login, m.name, m.role, s.code, s.name as section_name,
       t.seen_at < ward_now() - interval '1 minute' as stale
from staff_session t
join staff_member m on m.id = t.staff_id and m.active
join section s on s.code = m.section_code
where t.token_sha256 = $1 and not t.waits
  and t.seen_at > ward_now() - make_interval(mins => $2)
  and t.created_at > ward_now() - make_interval(hours => $3)
"""


async def find_actor(connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    """サインインしている操作者。セッションが無い・古い・終わったときはNone。

    コンソールの頭に出すアカウントの状態も、ここで読んで `connection.state.account_state` に置く。
    """
    token = console_cookie(connection, secure=connection.app.state.get("secure_cookies", False))
    if not token:
        return None
    actor = await by_token(token)
    if actor:
        connection.state.account_state = await state.current()
    return actor


async def by_token(token: str) -> Actor | None:
    """札の持ち主。読むついでに、使われていることを一分に一度だけ書く。"""
    rows = await work.sql(_FIND, digest(token), IDLE_MINUTES, ABSOLUTE_HOURS)
    if not rows:
        return None
    row = rows[0]
    if row["stale"]:
        await work.sql("update staff_session set seen_at = ward_now() where token_sha256 = $1", digest(token))
    return Actor(row["id"], row["login"], row["name"], Role(row["role"]), row["code"], row["section_name"])
