"""反映: 見た計画だけを、一歩ずつ。どこで殺されても、もう一度で同じところに着く。

一歩ごとに、先にLINEの姿を見て、済んでいれば飛ばす。メニューは中身の指紋を名前に持つので、作った直後に死んでも見つけ直せる。
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.links import register
from backend.menus import approving, budget, composing, deployed, links, plan, runs, shown, switch, versions, walking
from backend.menus.places import Places
from backend.menus.plan import Declared, Deployed, Kind, MenuPlan
from backend.menus.runs import Run
from backend.menus.versions import Version
from backend.permissions import Actor, Permission
from backend.store import work


@dataclass(frozen=True)
class Proposal:
    """計画と、それを立てたときの姿。"""

    plan: MenuPlan
    declared: Declared
    deployed: Deployed
    versions: tuple[Version, ...]


async def propose(line: Gateway, where: Places, candidates: Sequence[Version] = ()) -> Proposal:
    """いまLINEへ行って読み、候補の版を置いたときの計画を立てる。何も変えない。"""
    composition = await composing.compose(candidates)
    wanted = await composing.declared(composition, where)
    found = await deployed.read(line)
    return Proposal(plan.plan(wanted, found, await composing.known()), wanted, found, composition.sets)


async def run(
    line: Gateway,
    where: Places,
    checksum: str,
    actor: Actor | None,
    candidates: Sequence[Version] = (),
    *,
    accept_drift: bool = False,
) -> Run:
    """印が `checksum` の計画だけを行う。途中で止まった同じ計画があれば、その続きから。

    計画がもう変わっている、承認がない、ほかの変更を承知していない、別の反映の途中なら `Refused`。
    """
    async with shown.alone(shown.APPLYING, wait=False):
        unfinished = await runs.unfinished()
        if unfinished is None:
            proposal = await propose(line, where, candidates)
            await _check(proposal, checksum, candidates, accept_drift)
            unfinished = await work.run(
                runs.begin,
                proposal.plan,
                proposal.declared.shown,
                actor,
                [version.id for version in candidates],
                accept_drift,
            )
        elif unfinished.checksum != checksum:
            raise Refused(
                "ほかの反映の途中です。",
                next_step="終わるのを待つか、その反映の画面で、続けるかやめるかを選んでください。",
            )
        return await _carry(line, where, unfinished)


async def resume(line: Gateway, where: Places, *, patient: bool = False) -> Run | None:
    """途中で止まった反映があれば、続きを行う。別のところで進んでいれば何もしない。

    `patient` なら、LINEに断られてすぐのときは待つ(ワーカー)。人が押したときは待たない。
    """
    held = await runs.unfinished()
    if held is None or (patient and not await runs.rested(held.id)):
        return None
    try:
        async with shown.alone(shown.APPLYING, wait=False):
            unfinished = await runs.unfinished()
            return await _carry(line, where, unfinished) if unfinished else None
    except shown.Busy:
        return None


async def abandon(actor: Actor, line: Gateway, where: Places, run_id: int) -> None:
    """途中で止まった反映をやめ、いまの版へ向け直す。作りかけたメニューは、次の回りで片付く。"""
    actor.require(Permission.MANAGE_MENUS)
    async with shown.alone(shown.APPLYING, wait=False):
        unfinished = await runs.unfinished()
        if unfinished is None or unfinished.id != run_id:
            raise Refused("その反映は、もう終わっています。", next_step="画面を開き直してください。")
        await work.run(_give_up, actor, unfinished.id)
    await switch.follow(line, where, actor.name)


async def _give_up(actor: Actor, run_id: int) -> None:
    await runs.abandon(actor, run_id)
    await work.sql("update menu_known set shown = '' where shown is not null")  # どの組とも違うので、向け直される


async def _check(proposal: Proposal, checksum: str, candidates: Sequence[Version], accept_drift: bool) -> None:
    if proposal.plan.checksum != checksum:
        for version in candidates:
            await approving.refuse_moved(version)
        raise Refused(
            "計画を見た後に、内容かLINEの姿が変わりました。何も変えていません。",
            next_step="いまの計画を見直してください。",
        )
    for version in candidates:
        await approving.require_approved(version, checksum)
        await approving.refuse_unusable(version)
    if proposal.plan.drift and not accept_drift:
        raise Refused(
            f"この仕組みの外で変えられたところがあります。{proposal.plan.drift[0]}",
            next_step="中身を確かめ、上書きしてよいときだけ「承知して反映する」を選んでください。",
        )
    await budget.require("create", proposal.plan.creations)


async def _carry(line: Gateway, where: Places, unfinished: Run) -> Run:
    """残りの歩みを順に行う。LINEに断られたら、理由を残して止まる(続きはワーカーか人が行う)。"""
    candidates = [await versions.find(version_id) for version_id in unfinished.versions]
    composition = await composing.compose(candidates)
    wanted = await composing.declared(composition, where)
    menus = {menu.name: menu for menu in wanted.menus}
    pending = await runs.pending(unfinished.id)
    try:
        for _, step in pending:
            if step.kind is Kind.CREATE and step.target in menus:
                await line.validate_rich_menu(walking.body(menus[step.target]))
        walk = walking.Walk(line, unfinished.id, unfinished.shown, menus)
        for position, step in pending:
            await runs.done(unfinished.id, position, await walk.take(step))
    except LineError as error:
        await runs.stumble(unfinished.id, switch.trouble(error))
        raise
    except budget.Spent as spent:
        await runs.stumble(unfinished.id, spent.message)
        raise
    return await _settle(line, where, unfinished, candidates)


async def _settle(line: Gateway, where: Places, unfinished: Run, candidates: list[Version]) -> Run:
    """LINEの姿を読み直して覚え、反映を閉じる。そのあいだにアカウントの状態が変わっていれば、向きを合わせる。"""
    async with shown.alone():
        found = await deployed.read(line)
        closed = await work.run(_close, unfinished, candidates, found)
    await switch.follow(line, where)
    return closed


async def _close(unfinished: Run, candidates: list[Version], found: Deployed) -> Run:
    held = await versions.current()
    for version in candidates:
        await work.sql(
            "update menu_version set applied_at = coalesce(applied_at, ward_now()) where id = $1", version.id
        )
        if version.role.kept:
            await _succeed(held.get(version.role), version)
    await work.sql("delete from menu_deployed where not rich_menu_id = any($1::text[])", list(found.menus))
    composition = await composing.compose()
    if await shown.settled(composition, found):
        await shown.remember(composition.key, found.default, dict(found.aliases))
    else:  # 途中でアカウントの状態が変わった。どの組とも違う覚えにして、向け直させる
        await work.sql("update menu_known set shown = ''")
    return await runs.finish(unfinished.id)


async def _succeed(before: Version | None, version: Version) -> None:
    """役目の、いまの版を替える。出ているメニューの行き先は、二人でなければ変えられない(RULES 28)。"""
    if before:
        await register.note_uses(before.subject, ())
    await register.note_uses(version.subject, links.codes(version.declaration))
    await work.sql(
        "insert into menu_current (role, version_id) values ($1, $2) "
        "on conflict (role) do update set version_id = excluded.version_id",
        version.role.value,
        version.id,
    )
