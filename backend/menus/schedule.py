"""時計の仕事: 反映の続き、アカウントの状態への追従、催しの開け閉め。`tick` をワーカーが1秒ごとに呼ぶ。"""

from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.menus import apply, budget, composing, links, switch
from backend.menus.places import Places
from backend.settings import Settings
from backend.store import work


async def tick(line: Gateway, settings: Settings) -> None:
    """ワーカーの仕事: 止まった反映の続き、アカウントの状態への追従、予定の開け閉め、結び付きを外すことの続き。

    LINEやデータベースの失敗は残して次に回す。人が変えたところ(drift)は、勝手に上書きしない。
    """
    where = await links.places(settings)
    try:
        await apply.resume(line, where)
        await switch.follow(line)
        await _events(line, where)
        await switch.continue_unlinking(line)
    except budget.Spent:
        return
    except (LineError, Refused) as error:
        await _trouble(error.message)


async def _events(line: Gateway, where: Places) -> None:
    """置いておくべき組が変わっていたら(催しが近い、終わった)、反映する。"""
    known = await composing.known()
    if known.shown is None or not await _due():
        return
    proposal = await apply.propose(line, where)
    if not proposal.plan.steps:
        await _mark_kept(proposal)
        return
    if proposal.plan.drift:
        await _trouble(f"予定の反映を待っています。{proposal.plan.drift[0]}")
        return
    await apply.run(line, where, proposal.plan.checksum, None)
    await _mark_kept(proposal)


async def _due() -> bool:
    """LINEに置いてある版の集まりと、置くべき版の集まりが違うか。"""
    composition = await composing.compose()
    wanted = {version.id for version in composition.sets}
    rows = await work.sql("select distinct version_id from menu_deployed")
    return wanted != {row["version_id"] for row in rows}


async def _mark_kept(proposal: apply.Proposal) -> None:
    """中身の同じ版が入れ替わっただけのとき、置いてある版の番号を合わせる。"""
    for menu in proposal.declared.menus:
        await work.sql("update menu_deployed set version_id = $2 where name = $1", menu.name, menu.version_id)


async def _trouble(words: str) -> None:
    await work.sql("update menu_known set problem = $1", words)
