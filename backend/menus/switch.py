"""一つのスイッチ: アカウントの状態に、LINEのメニューを従わせる(DESIGN 9)。

状態を変えるのは `account.state`、ここはそれを見て、既定・別名・一人ずつの結び付きの向きを変える。LINEの返事がなくても
状態は変わっていて、配信はもう従っている。向きは、終わるまでワーカーがやり直す。
"""

import asyncio
import secrets
from dataclasses import dataclass

import msgspec

from backend.account import state
from backend.audit import trail
from backend.errors import LineError, Outcome, Refused
from backend.line.gateway import Gateway
from backend.menus import budget, composing
from backend.menus.composing import Composition
from backend.menus.roles import Role
from backend.permissions import Actor
from backend.store import work

_TRIES = 3
STALE_SECONDS = 10


@dataclass(frozen=True)
class Followed:
    """向きを変えた結果。`problem` は、まだ終わっていない理由。"""

    shown: str
    problem: str = ""


async def enter_disaster(actor: Actor, line: Gateway, reason: str = "") -> Followed:
    """災害時にする(広報課長か防災課長が一人で)。配信の見合わせが先、メニューはその直後。"""
    await work.run(state.enter_disaster, actor, reason=reason)
    return await _follow_kindly(line, actor.name)


async def propose_normal(actor: Actor) -> None:
    """通常に戻す一人目。まだ何も変わらない。"""
    await work.run(state.propose_normal, actor)


async def confirm_normal(actor: Actor, line: Gateway) -> Followed:
    """通常に戻す二人目。"""
    await work.run(state.confirm_normal, actor)
    return await _follow_kindly(line, actor.name)


async def wanted_role() -> str:
    """いま見せるべき役目。"""
    return composing.role_shown(await state.current()).value


async def follow(line: Gateway, by: str = "システム") -> Followed | None:
    """見せるべき組とLINEの向きが違えば合わせる。同じなら何もしないでNone。

    途中で状態が変われば、もう一度合わせる。まだ一度も反映していないときは何もしない。
    """
    done: Followed | None = None
    for _ in range(_TRIES):
        composition = await _composition()
        if composition is None or not await _needed(composition.key):
            break
        done = await _point(line, composition, by)
        if done.problem:
            break
    return done


async def set_alias(line: Gateway, alias: str, menu_id: str) -> None:
    """別名をそのメニューに向ける。無ければ作る。"""
    try:
        await line.update_rich_menu_alias(alias, menu_id)
    except LineError as error:
        if error.status not in (400, 404):
            raise
        if alias in await line.rich_menu_aliases():
            raise
        await line.create_rich_menu_alias(alias, menu_id)


async def remember(shown: str, default: str | None, aliases: dict[str, str]) -> None:
    """LINEと合わせ終えた姿を覚える。これと違えば、ほかのだれかが変えた。"""
    await work.sql(
        "update menu_known set shown = $1, default_id = $2, aliases = $3::jsonb, problem = '', settled_at = ward_now()",
        shown,
        default,
        msgspec.json.encode(aliases).decode(),
    )


async def continue_unlinking(line: Gateway) -> None:
    """一人ずつの結び付きを外すことの続き: 回数が戻ったら頼み、頼んだものは済んだかを尋ねる。"""
    rows = await work.sql(
        "select id, wanted, unlink_key, unlink_id, unlink_phase from menu_pointing where id = (select max(id) from "
        "menu_pointing) and pointed_at is not null and unlink_phase in ('due', 'ongoing', 'failed') and coalesce(asked_at, "
        "started_at) < ward_now() - make_interval(secs => case unlink_phase when 'due' then $1 else 60 end)",
        STALE_SECONDS,
    )
    if not rows:
        return
    row = rows[0]
    if row["unlink_phase"] == "ongoing":
        await _ask_progress(line, row["id"], row["unlink_id"])
    else:
        await _unlink(line, row["id"], row["unlink_key"], disaster=row["wanted"].startswith(Role.EMERGENCY.value))


async def _follow_kindly(line: Gateway, by: str) -> Followed:
    """状態はもう変わっている。LINEの失敗は、言葉にして返す。"""
    try:
        return await follow(line, by) or Followed("")
    except LineError as error:
        return Followed("", _trouble(error))
    except Refused as refused:
        return Followed("", refused.message)


async def _composition() -> Composition | None:
    try:
        composition = await composing.compose()
    except Refused:
        return None
    return composition if (await composing.known()).shown is not None else None


async def _needed(key: str) -> bool:
    """向きが違うか、途中で止まった切り替えが残っているか。"""
    rows = await work.sql(
        "select (select shown from menu_known) is distinct from $1 or exists (select from menu_pointing "
        "where pointed_at is null and started_at < ward_now() - make_interval(secs => $2)) as needed",
        key,
        STALE_SECONDS,
    )
    return rows[0]["needed"]


async def _point(line: Gateway, composition: Composition, by: str) -> Followed:
    names = await _deployed_ids(composition)
    if composition.shown.id not in names:
        return Followed("", f"「{composition.shown.title}」がまだLINEにありません。反映してください。")
    default, aliases = composing.pointing(names, composition.shown.id)
    key = composition.key
    rows = await work.sql(
        "insert into menu_pointing (wanted, staff_name, unlink_key, unlink_phase) values ($1, $2, $3, 'due') returning id",
        key,
        by,
        f"point-{secrets.token_hex(8)}",
    )
    pointing = rows[0]["id"]
    # 既定が先: これだけで、タブを押していない人には新しいメニューが出る。
    await line.set_default_rich_menu(default)
    await asyncio.gather(*(set_alias(line, alias, menu_id) for alias, menu_id in aliases.items()))
    await work.run(_pointed, pointing, key, default, aliases)
    disaster = composition.shown.role is Role.EMERGENCY
    problem = await _unlink(line, pointing, None, disaster=disaster)
    return Followed(key, problem)


async def _pointed(pointing: int, key: str, default: str, aliases: dict[str, str]) -> None:
    before = await work.sql("select aliases from menu_known")
    held = {**msgspec.json.decode(before[0]["aliases"]), **aliases}
    await remember(key, default, held)
    # この切り替えより前に始まって止まったままのものも、これで合った。
    await work.sql("update menu_pointing set pointed_at = ward_now() where pointed_at is null and id <= $1", pointing)
    await trail.record(None, "menu.point", f"menu:{key.split(':')[1]}", shown=key)


async def _unlink(line: Gateway, pointing: int, key: str | None, *, disaster: bool) -> str:
    """タブを切り替えて一人ずつの結び付きが付いた人から、それを外す。回数がなければ、戻ったときに行う。"""
    if key is None:
        key = (await work.sql("select unlink_key from menu_pointing where id = $1", pointing))[0]["unlink_key"]
    try:
        await budget.spend("unlink", disaster=disaster)
        request_id = await line.batch_rich_menus([{"type": "unlinkAll"}], str(key))
    except budget.Spent as spent:
        await _phase(pointing, "due")
        return f"タブを切り替えた人のメニューは、あとで替わります。{spent.message}"
    except LineError as error:
        await _phase(pointing, "due")
        return _trouble(error)
    await work.sql(
        "update menu_pointing set unlink_id = $2, unlink_phase = 'ongoing', asked_at = ward_now() where id = $1",
        pointing,
        request_id,
    )
    return ""


async def _ask_progress(line: Gateway, pointing: int, request_id: str) -> None:
    phase = await line.rich_menu_batch_progress(request_id)
    await _phase(pointing, phase if phase in ("ongoing", "succeeded", "failed") else "ongoing")


async def _phase(pointing: int, phase: str) -> None:
    await work.sql(
        "update menu_pointing set unlink_phase = $2, asked_at = ward_now(), "
        "finished_at = case when $2 = 'succeeded' then ward_now() end where id = $1",
        pointing,
        phase,
    )


async def _deployed_ids(composition: Composition) -> dict[int, list[tuple[str, str]]]:
    """版 → (別名, id)。宣言のタブの順。いちばん新しく置いたものを使う。"""
    found: dict[int, list[tuple[str, str]]] = {}
    for version in composition.sets:
        rows = await work.sql(
            "select distinct on (alias) alias, rich_menu_id from menu_deployed where version_id = $1 "
            "order by alias, created_at desc",
            version.id,
        )
        ids = {row["alias"]: row["rich_menu_id"] for row in rows}
        tabs = [tab.alias for tab in version.declaration.tabs]
        if all(alias in ids for alias in tabs):
            found[version.id] = [(alias, ids[alias]) for alias in tabs]
    return found


def _trouble(error: LineError) -> str:
    if error.outcome is Outcome.REFUSED:
        return f"LINEに断られました({error.status})。自動でやり直します。"
    return "LINEの返事を確かめています。自動でやり直すので、もう一度押さないでください。"
