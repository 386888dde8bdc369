"""時計の仕事: アカウントの状態への追従、反映の続き、催しの開け閉め。ワーカーが `turn` と `tick` を呼ぶ。"""

from collections.abc import Awaitable, Sequence

from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.menus import apply, budget, composing, events, links, shown, switch, unlinking
from backend.menus.places import Places
from backend.settings import Settings
from backend.store import work


async def turn(line: Gateway, settings: Settings) -> None:
    """ワーカーの仕事(0.5秒ごと): アカウントの状態への追従。長い反映にも、その失敗にも、待たされない。"""
    where = await links.places(settings)
    await _tell("switch", [await _tried(_follow(line, where)), await _tried(unlinking.go_on(line))])


async def tick(line: Gateway, settings: Settings) -> None:
    """ワーカーの仕事: 止まった反映の続き、予定の開け閉め。

    LINEやデータベースの失敗は残して次に回す。人が変えたところ(drift)は、勝手に上書きしない。
    """
    where = await links.places(settings)
    await _tell("schedule", [await _tried(apply.resume(line, where, patient=True)), await _tried(_events(line, where))])


async def _follow(line: Gateway, where: Places) -> str:
    done = await switch.follow(line, where)
    return done.problem if done else ""


async def _events(line: Gateway, where: Places) -> str:
    """置いておくべき組が変わっていたら(催しが近い、終わった)、反映する。"""
    await work.run(events.let_go)
    known = await composing.known()
    if known.shown is None or not await _due():
        return ""
    proposal = await apply.propose(line, where)
    if not proposal.plan.steps:
        await _mark_kept(proposal)
        return ""
    if proposal.plan.drift:
        return f"予定の反映を待っています。{proposal.plan.drift[0]}"
    await apply.run(line, where, proposal.plan.checksum, None)
    await _mark_kept(proposal)
    return ""


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


async def _tried(verb: Awaitable[object]) -> str:
    """一つの失敗が、ほかを止めないように。人に告げることがあれば、その言葉。"""
    try:
        done = await verb
    except budget.Spent:
        return ""
    except shown.Busy:
        return ""
    except LineError as error:
        return switch.trouble(error)
    except Refused as refused:
        return refused.message
    return done if isinstance(done, str) else ""


async def _tell(part: str, words: Sequence[str]) -> None:
    """いま告げることだけを残す。済んだことは消える。"""
    column = {"switch": "problem", "schedule": "waiting"}[part]
    said = " ".join(filter(None, words))
    await work.sql(f"update menu_known set {column} = $1 where {column} <> $1", said)  # noqa: S608  二つの名だけ
