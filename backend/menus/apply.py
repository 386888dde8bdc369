"""反映: 見た計画だけを、一歩ずつ。どこで殺されても、もう一度で同じところに着く。

一歩ごとに、先にLINEの姿を見て、済んでいれば飛ばす。メニューは中身の指紋を名前に持つので、作った直後に死んでも見つけ直せる。
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from backend.audit import trail
from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.links import register
from backend.menus import budget, composing, deployed, links, plan, switch, versions
from backend.menus.places import Places
from backend.menus.plan import Declared, Deployed, Kind, Menu, MenuPlan, Step
from backend.menus.versions import Version
from backend.permissions import Actor
from backend.store import work
from backend.store.pool import raw

SYSTEM = "システム"
_LOCK = "menu_apply"
_GONE = "止まっているあいだに予定が変わり、要らなくなりました。"
_ELSEWHERE = "口座の状態が変わったので、切り替えに任せました。"


@dataclass(frozen=True)
class Proposal:
    """計画と、それを立てたときの姿。"""

    plan: MenuPlan
    declared: Declared
    deployed: Deployed
    versions: tuple[Version, ...]


@dataclass(frozen=True)
class Progress:
    """反映の一歩のようす。"""

    position: int
    kind: Kind
    words: str
    done_at: datetime | None
    result: str


@dataclass(frozen=True)
class Run:
    id: int
    checksum: str
    shown: str
    versions: tuple[int, ...]
    staff_name: str
    started_at: datetime
    finished_at: datetime | None
    problem: str


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
    async with _alone():
        unfinished = await _unfinished()
        if unfinished is None:
            proposal = await propose(line, where, candidates)
            await _check(proposal, checksum, candidates, accept_drift)
            unfinished = await work.run(_begin, proposal, actor, [v.id for v in candidates], accept_drift)
        elif unfinished.checksum != checksum:
            raise Refused("ほかの反映の途中です。", next_step="終わるのを待つか、「続きを行う」を押してください。")
        return await _carry(line, where, unfinished)


async def resume(line: Gateway, where: Places) -> Run | None:
    """途中で止まった反映があれば、続きを行う。別のところで進んでいれば何もしない。"""
    if await _unfinished() is None:
        return None
    try:
        async with _alone():
            unfinished = await _unfinished()
            return await _carry(line, where, unfinished) if unfinished else None
    except Busy:
        return None


async def latest(limit: int = 10) -> list[Run]:
    rows = await work.sql(f"{_RUN} order by id desc limit $1", limit)
    return [_run(row) for row in rows]


async def steps(run_id: int) -> list[Progress]:
    rows = await work.sql(
        "select position, kind, words, done_at, result from menu_step where run_id = $1 order by position", run_id
    )
    return [Progress(r["position"], Kind(r["kind"]), r["words"], r["done_at"], r["result"]) for r in rows]


class Busy(Refused):
    """ほかのプロセスが反映している。"""


@asynccontextmanager
async def _alone() -> AsyncIterator[None]:
    """反映は一度に一つ。持ち主が死ねば、データベースが鍵を返す。"""
    async with raw() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock(hashtext($1))", _LOCK):
            raise Busy("いま、ほかの反映が進んでいます。", next_step="少し待ってから、画面を開き直してください。")
        try:
            yield
        finally:
            if not connection.is_closed():
                await connection.execute("select pg_advisory_unlock(hashtext($1))", _LOCK)


async def _check(proposal: Proposal, checksum: str, candidates: Sequence[Version], accept_drift: bool) -> None:
    if proposal.plan.checksum != checksum:
        raise Refused(
            "計画を見た後に、内容かLINEの姿が変わりました。何も変えていません。",
            next_step="いまの計画を見直してください。",
        )
    for version in candidates:
        await versions.require_approved(version, checksum)
    if proposal.plan.drift and not accept_drift:
        raise Refused(
            f"この仕組みの外で変えられたところがあります。{proposal.plan.drift[0]}",
            next_step="中身を確かめ、上書きしてよいときだけ「承知して反映する」を選んでください。",
        )
    await budget.require("create", proposal.plan.creations)


async def _begin(proposal: Proposal, actor: Actor | None, version_ids: list[int], accept_drift: bool) -> Run:
    rows = await work.sql(
        "insert into menu_run (checksum, shown, versions, staff_id, staff_name, accepted_drift) "
        "values ($1, $2, $3, $4, $5, $6) returning *",
        proposal.plan.checksum,
        proposal.declared.shown,
        version_ids,
        actor.staff_id if actor else None,
        actor.name if actor else SYSTEM,
        accept_drift,
    )
    for position, step in enumerate(proposal.plan.steps):
        await work.sql(
            "insert into menu_step (run_id, position, kind, target, other, words) values ($1, $2, $3, $4, $5, $6)",
            rows[0]["id"],
            position,
            step.kind.value,
            step.target,
            step.other,
            step.words,
        )
    subject = f"menu:{version_ids[0]}" if version_ids else "menu"
    await trail.record(actor, "menu.apply", subject, checksum=proposal.plan.checksum, steps=len(proposal.plan.steps))
    return _run(rows[0])


async def _carry(line: Gateway, where: Places, unfinished: Run) -> Run:
    """残りの歩みを順に行う。LINEに断られたら、理由を残して止まる(続きはワーカーか人が行う)。"""
    candidates = [await versions.find(version_id) for version_id in unfinished.versions]
    composition = await composing.compose(candidates)
    wanted = await composing.declared(composition, where)
    menus = {menu.name: menu for menu in wanted.menus}
    rows = await work.sql(
        "select position, kind, target, other, words from menu_step where run_id = $1 and done_at is null order by position",
        unfinished.id,
    )
    pending = [(row["position"], Step(Kind(row["kind"]), row["target"], row["other"], row["words"])) for row in rows]
    try:
        for _, step in pending:
            if step.kind is Kind.CREATE and step.target in menus:
                await line.validate_rich_menu(_body(menus[step.target]))
        walk = _Walk(line, unfinished, menus)
        for position, step in pending:
            result = await walk.take(step)
            await work.sql(
                "update menu_step set done_at = ward_now(), result = $3 where run_id = $1 and position = $2",
                unfinished.id,
                position,
                result,
            )
    except LineError as error:
        await _stumble(unfinished.id, f"LINEに断られました({error.status} {error.message})。")
        raise
    except budget.Spent as spent:
        await _stumble(unfinished.id, spent.message)
        raise
    return await _settle(line, unfinished, candidates)


async def _settle(line: Gateway, unfinished: Run, candidates: list[Version]) -> Run:
    """LINEの姿を読み直して覚え、反映を閉じる。そのあいだに口座の状態が変わっていれば、向きを合わせる。"""
    found = await deployed.read(line)
    closed = await work.run(_close, unfinished, candidates, found)
    await switch.follow(line)
    return closed


async def _close(unfinished: Run, candidates: list[Version], found: Deployed) -> Run:
    for version in candidates:
        # 出ているメニューの行き先は、二人でなければ変えられない(RULES 28)。
        await register.note_uses(version.subject, links.codes(version.declaration))
        if version.role.kept:
            await work.sql(
                "insert into menu_current (role, version_id) values ($1, $2) "
                "on conflict (role) do update set version_id = excluded.version_id",
                version.role.value,
                version.id,
            )
        await work.sql(
            "update menu_version set applied_at = coalesce(applied_at, ward_now()) where id = $1", version.id
        )
    await work.sql("delete from menu_deployed where not rich_menu_id = any($1::text[])", list(found.menus))
    await switch.remember(unfinished.shown, found.default, dict(found.aliases))
    rows = await work.sql(
        "update menu_run set finished_at = ward_now(), problem = '' where id = $1 returning *", unfinished.id
    )
    return _run(rows[0])


class _Walk:
    """一歩ずつの行い方。どれも、済んでいれば何もしない。"""

    def __init__(self, line: Gateway, unfinished: Run, menus: dict[str, Menu]) -> None:
        self._line, self._run, self._menus = line, unfinished, menus
        self._ids: dict[str, str] | None = None
        self._ways: dict[Kind, Callable[[Step], Awaitable[str]]] = {
            Kind.CREATE: self._create,
            Kind.UPLOAD: self._upload,
            Kind.ALIAS: self._alias,
            Kind.DEFAULT: self._default,
            Kind.UNLINK: self._unlink,
            Kind.DROP_ALIAS: self._drop_alias,
            Kind.DELETE: self._delete,
        }

    async def take(self, step: Step) -> str:
        return await self._ways[step.kind](step)

    async def _create(self, step: Step) -> str:
        if step.target not in self._menus:
            return _GONE
        menu_id = (await self._existing()).get(step.target)
        if menu_id is None:
            await budget.spend("create")
            menu_id = await self._line.create_rich_menu(_body(self._menus[step.target]))
            (await self._existing())[step.target] = menu_id
        await self._note(step.target, menu_id)
        return menu_id

    async def _upload(self, step: Step) -> str:
        menu = self._menus.get(step.target)
        menu_id = (await self._existing()).get(step.target)
        if menu is None or menu_id is None:
            return _GONE
        await self._note(step.target, menu_id)
        picture = next(p for p in await versions.images(menu.version_id) if p.sha256.hex() == menu.image_sha256)
        try:
            await self._line.upload_rich_menu_image(menu_id, picture.body, picture.content_type)
        except LineError as error:
            # 400は「もう付いている」かもしれない。文では決めず、付いているかを見る。
            if error.status != 400 or not await deployed.has_image(self._line, menu_id):
                raise
        return ""

    async def _alias(self, step: Step) -> str:
        if await self._elsewhere():
            return _ELSEWHERE
        menu_id = (await self._existing()).get(step.other)
        if menu_id:
            await switch.set_alias(self._line, step.target, menu_id)
        return menu_id or _GONE

    async def _default(self, step: Step) -> str:
        if await self._elsewhere():
            return _ELSEWHERE
        menu_id = (await self._existing()).get(step.target)
        if menu_id:
            await self._line.set_default_rich_menu(menu_id)
        return menu_id or _GONE

    async def _unlink(self, step: Step) -> str:
        if await self._elsewhere():
            return _ELSEWHERE
        await budget.spend("unlink")
        # 同じ鍵なら、前の続きだけが行われる(LINE.md 1.1)。
        return await self._line.batch_rich_menus([{"type": "unlinkAll"}], f"apply-{self._run.id}")

    async def _drop_alias(self, step: Step) -> str:
        if step.target in await self._line.rich_menu_aliases():
            await budget.spend("drop_alias")
            await self._line.delete_rich_menu_alias(step.target)
        return ""

    async def _delete(self, step: Step) -> str:
        if step.target in set((await self._existing()).values()):
            await budget.spend("delete")
            try:
                await self._line.delete_rich_menu(step.target)
            except LineError as error:
                if error.status != 404:
                    raise
        return ""

    async def _existing(self) -> dict[str, str]:
        """名前→id。続きから始めたときは、死ぬ前に作ったものがここに見つかる。"""
        if self._ids is None:
            self._ids = await self._line_ids()
        return self._ids

    async def _line_ids(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for menu in await deployed.listed(self._line):
            name = str(menu.get("name", ""))
            key = name if name not in found else f"{name}\n{menu['richMenuId']}"  # 同じ名前の二枚目も、消すときには見つける
            found[key] = menu["richMenuId"]
        return found

    async def _elsewhere(self) -> bool:
        """反映のあいだに災害時などになり、見せる役目が変わったか。"""
        planned = self._run.shown.split(":")[0]
        return await switch.wanted_role() != ("resident" if planned == "event" else planned)

    async def _note(self, name: str, menu_id: str) -> None:
        menu = self._menus[name]
        await work.sql(
            "insert into menu_deployed (rich_menu_id, name, version_id, alias) values ($1, $2, $3, $4) "
            "on conflict (rich_menu_id) do update set version_id = excluded.version_id",
            menu_id,
            name,
            menu.version_id,
            menu.alias,
        )


_RUN = "select id, checksum, shown, versions, staff_name, started_at, finished_at, problem from menu_run"


async def _unfinished() -> Run | None:
    rows = await work.sql(f"{_RUN} where finished_at is null")
    return _run(rows[0]) if rows else None


async def _stumble(run_id: int, problem: str) -> None:
    await work.sql("update menu_run set problem = $2 where id = $1", run_id, problem)


def _body(menu: Menu) -> dict[str, object]:
    return {"name": menu.name, **menu.body}


def _run(row: dict[str, object]) -> Run:
    fields = {name: row[name] for name in Run.__dataclass_fields__}
    return Run(**{**fields, "versions": tuple(row["versions"])})  # type: ignore[arg-type]  # 行の型はSQLが決める
