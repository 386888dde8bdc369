"""メニューの見張り: LINEの姿が覚えと同じか、災害時の用意があるかを見て、人に知らせる(issue 4-4)。

住民に見えている向きは、人が確かめるまで勝手に直さない。見えていない組(災害時・停止)がLINEから消されていたときは、
その時に間に合うように、承認された版を置き直して書き残す。
"""

from dataclasses import dataclass
from datetime import datetime

from backend.account import state
from backend.delivery import alarms
from backend.delivery.alarms import Alarm
from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.menus import composing, deployed, links, plan, runs, shown, switch, versions
from backend.menus.places import Places
from backend.menus.plan import Deployed
from backend.menus.roles import Role
from backend.settings import Settings
from backend.store import clock, work

BEHIND_SECONDS = 30
"""アカウントの状態に、LINEのメニューがこれより長く従っていなければ知らせる。"""
_PATH = "/console/menus"


@dataclass(frozen=True)
class Following:
    """アカウントの状態に、LINEのメニューが従っているか。`title` は見せるべき役目、`since` は従った時刻。

    `placed` でなければ、まだ一度も反映していない。
    """

    placed: bool
    done: bool
    title: str
    since: datetime | None
    problem: str
    no_emergency: bool


async def following() -> Following:
    known = (await work.sql("select shown, problem, settled_at from menu_known"))[0]
    held = await versions.current()
    try:
        composition = await composing.compose()
        key, title = composition.key, composition.shown.role.label
    except Refused:
        key = title = ""
    placed = known["shown"] is not None
    return Following(
        placed,
        placed and known["shown"] == key,
        title,
        known["settled_at"],
        known["problem"],
        Role.EMERGENCY not in held,
    )


async def look(line: Gateway, settings: Settings) -> None:
    """ワーカーの仕事: LINEの姿を見に行き、覚えと違うところを書き留める。反映の途中と、切り替えの途中には見ない。"""
    if (await composing.known()).shown is None or await runs.unfinished():
        return
    try:
        async with shown.alone(wait=False):
            found = await deployed.pointed(line)
            await _put_back(line, await links.places(settings), found)
            drift = plan.drifted(found, await composing.known())
    except (LineError, shown.Busy):
        return
    await work.sql("update menu_known set drift = $1, looked_at = ward_now()", " ".join(drift))


async def ringing() -> list[Alarm]:
    """いま鳴っているメニューの知らせ。"""
    now, found = await following(), list[Alarm]()
    if not now.placed:
        return []
    at = now.since or await clock.now()
    if now.no_emergency:
        words = "災害時のメニューがありません。災害時にしても、ふだんのメニューのままです。"
        found.append(Alarm("menu_no_emergency", words, at, _PATH, kind_words="災害時のメニューがない"))
    changed = max(at, (await state.current()).since or at)
    if not now.done and (await clock.now() - changed).total_seconds() > BEHIND_SECONDS:
        words = f"LINEのメニューが、アカウントの状態に従っていません。{now.problem}"
        found.append(Alarm("menu_behind", words, changed, _PATH, kind_words="LINEのメニューが状態に従っていない"))
    row = (await work.sql("select drift, looked_at from menu_known"))[0]
    if row["drift"]:
        words = f"LINEのメニューが、この仕組みの外で変えられています。{row['drift']}"
        found.append(Alarm("menu_drift", words, row["looked_at"], _PATH, kind_words="メニューが外で変えられている"))
    return list(await alarms.told(found))


async def _put_back(line: Gateway, where: Places, found: Deployed) -> None:
    composition = await composing.compose()
    names = await shown.deployed_ids(composition)
    for version in composition.sets:
        ids = {menu_id for _, menu_id in names.get(version.id, [])}
        hidden = version.id != composition.shown.id and version.role in (Role.EMERGENCY, Role.CLOSING)
        if hidden and ids and not ids <= set(found.menus):
            await switch.put(line, where, version)
