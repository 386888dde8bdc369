"""一つのスイッチ: アカウントの状態に、LINEのメニューを従わせる(DESIGN 9)。

状態を変えるのは `account.state`、ここはそれを見て、既定・別名・一人ずつの結び付きの向きを変える。LINEの返事がなくても
状態は変わっていて、配信はもう従っている。向きは、終わるまでワーカーがやり直す。
"""

import asyncio
import secrets
from dataclasses import dataclass

import msgspec

from backend.audit import trail
from backend.errors import LineError, Outcome, Refused
from backend.line.gateway import Gateway
from backend.menus import composing, shown, unlinking, walking
from backend.menus.composing import Composition
from backend.menus.places import Places
from backend.menus.plan import Kind, Step
from backend.menus.roles import Role
from backend.menus.versions import Version
from backend.store import work

_TRIES = 3
STALE_SECONDS = 10
LOOK_SECONDS = 1.0
"""切り替えの前に、ほかのだれかが変えていなかったかを見る秒。見られなくても切り替える。"""


@dataclass(frozen=True)
class Followed:
    """向きを変えた結果。`problem` は、まだ終わっていない理由。"""

    shown: str
    problem: str = ""


async def follow(line: Gateway, where: Places, by: str = "システム") -> Followed | None:
    """見せるべき組とLINEの向きが違えば合わせる。同じか、ほかの人が合わせている途中なら、何もしないでNone。

    途中で状態が変われば、もう一度合わせる。まだ一度も反映していないときは何もしない。LINEに断られたら `LineError`。
    """
    done: Followed | None = None
    for _ in range(_TRIES):
        if not await _needed():
            break
        try:
            async with shown.alone(wait=False):
                composition = await _needed()  # 錠を待つ間に、ほかの人が合わせたかもしれない
                if composition is None:
                    break
                done = await _point(line, where, composition, by)
        except shown.Busy:
            break
        if done.problem:
            break
    return done


async def _needed() -> Composition | None:
    """向きが違うか、途中で止まった切り替えが残っていれば、見せるべき組。"""
    try:
        composition = await composing.compose()
    except Refused:
        return None
    rows = await work.sql(
        "select shown is not null and (shown <> $1 or exists (select from menu_pointing where pointed_at is null "
        "and started_at < ward_now() - make_interval(secs => $2))) as needed from menu_known",
        composition.key,
        STALE_SECONDS,
    )
    return composition if rows[0]["needed"] else None


async def _point(line: Gateway, where: Places, composition: Composition, by: str) -> Followed:
    names = await shown.deployed_ids(composition)
    version, key = composition.shown, composition.key
    if version.id not in names:
        names[version.id] = await put(line, where, version)
    unlink_key = f"point-{secrets.token_hex(8)}"
    rows = await work.sql(
        "insert into menu_pointing (wanted, staff_name, unlink_key, unlink_phase) values ($1, $2, $3, 'due') returning id",
        key,
        by,
        unlink_key,
    )
    pointing = rows[0]["id"]
    await _note_strangers(line)
    default, aliases = composing.pointing(names, version.id)
    try:
        await _turn(line, default, aliases)
    except LineError as error:
        if error.status not in (400, 404):
            raise
        # 見せるメニューが、LINEから消されていた。置き直して、もう一度。
        names[version.id] = await put(line, where, version)
        default, aliases = composing.pointing(names, version.id)
        await _turn(line, default, aliases)
    await work.run(_pointed, pointing, key, default, aliases)
    return Followed(key, await unlinking.ask(line, pointing, unlink_key, disaster=version.role is Role.EMERGENCY))


async def _turn(line: Gateway, default: str, aliases: dict[str, str]) -> None:
    # 既定が先: これだけで、タブを押していない人には新しいメニューが出る。
    await line.set_default_rich_menu(default)
    await asyncio.gather(*(shown.set_alias(line, alias, menu_id) for alias, menu_id in aliases.items()))


async def put(line: Gateway, where: Places, version: Version) -> list[tuple[str, str]]:
    """承認された版の絵を、LINEに置き直す。災害時には、そのために取っておいた回数を使う。"""
    menus = await composing.menus(version, where)
    walk = walking.Walk(line, 0, "", {m.name: m for m in menus}, disaster=version.role is Role.EMERGENCY)
    made: list[tuple[str, str]] = []
    for menu in menus:
        menu_id = await walk.take(Step(Kind.CREATE, menu.name, "", ""))
        await walk.take(Step(Kind.UPLOAD, menu.name, "", ""))
        made.append((menu.alias, menu_id))
    await trail.record(None, "menu.put", version.subject, menus=len(made))
    return made


async def _note_strangers(line: Gateway) -> None:
    """ほかのだれかが変えていた既定と別名を、上書きする前に書き残す(issue 4-4)。"""
    known = await composing.known()
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            default, aliases = await asyncio.gather(line.default_rich_menu(), line.rich_menu_aliases())
    except (LineError, TimeoutError):
        return
    moved = {alias: aliases.get(alias, "") for alias, held in known.aliases.items() if aliases.get(alias) != held}
    if default != known.default or moved:
        await trail.record(None, "menu.drift", "menu", default=default, expected=known.default, aliases=moved)


async def _pointed(pointing: int, key: str, default: str, aliases: dict[str, str]) -> None:
    before = await work.sql("select aliases from menu_known")
    held = {**msgspec.json.decode(before[0]["aliases"]), **aliases}
    await shown.remember(key, default, held)
    # この切り替えより前に始まって止まったままのものも、これで合った。
    await work.sql("update menu_pointing set pointed_at = ward_now() where pointed_at is null and id <= $1", pointing)
    await trail.record(None, "menu.point", f"menu:{key.split(':')[1]}", shown=key)


def trouble(error: LineError) -> str:
    """LINEの失敗を、画面の言葉で。"""
    if error.outcome is Outcome.REFUSED:
        return f"LINEに断られました({error.status})。自動でやり直します。"
    return "LINEの返事を確かめています。自動でやり直すので、もう一度押さないでください。"
