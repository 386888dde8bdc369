"""タブを切り替えて一人ずつの結び付きが付いた人から、それを外す。LINEは受け付けてから行うので、済んだかを後で尋ねる。"""

from backend.errors import LineError
from backend.line.gateway import Gateway
from backend.menus import budget
from backend.menus.roles import Role
from backend.store import work

DUE_SECONDS, ASK_SECONDS = 10, 60
"""頼み直すまでと、済んだかを尋ね直すまでの秒。"""


async def ask(line: Gateway, pointing: int, key: str, *, disaster: bool) -> str:
    """LINEに頼む。回数がなければ、戻ったときに行う。まだなら、その理由を返す。"""
    try:
        await budget.spend("unlink", disaster=disaster)
        request_id = await line.batch_rich_menus([{"type": "unlinkAll"}], key)
    except budget.Spent as spent:
        await _phase(pointing, "due")
        return f"タブを切り替えた人のメニューは、あとで替わります。{spent.message}"
    except LineError:
        await _phase(pointing, "due")
        return "タブを切り替えた人のメニューは、あとで替わります。自動でやり直します。"
    await work.sql(
        "update menu_pointing set unlink_id = $2, unlink_phase = 'ongoing', asked_at = ward_now() where id = $1",
        pointing,
        request_id,
    )
    return ""


async def go_on(line: Gateway) -> None:
    """続き: 回数が戻ったら頼み、頼んだものは済んだかを尋ねる。失敗したと言われたら、頼み直す。"""
    rows = await work.sql(
        "select id, wanted, unlink_key, unlink_id, unlink_phase from menu_pointing where id = (select max(id) from "
        "menu_pointing) and pointed_at is not null and unlink_phase in ('due', 'ongoing', 'failed') and coalesce(asked_at, "
        "started_at) < ward_now() - make_interval(secs => case unlink_phase when 'due' then $1::int else $2::int end)",
        DUE_SECONDS,
        ASK_SECONDS,
    )
    if not rows:
        return
    row = rows[0]
    if row["unlink_phase"] == "ongoing":
        phase = await line.rich_menu_batch_progress(row["unlink_id"])
        await _phase(row["id"], phase if phase in ("ongoing", "succeeded", "failed") else "ongoing")
    else:
        await ask(line, row["id"], row["unlink_key"], disaster=row["wanted"].startswith(Role.EMERGENCY.value))


async def _phase(pointing: int, phase: str) -> None:
    await work.sql(
        "update menu_pointing set unlink_phase = $2, asked_at = ward_now(), "
        "finished_at = case when $2 = 'succeeded' then ward_now() end where id = $1",
        pointing,
        phase,
    )
