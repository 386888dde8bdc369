"""反映の記録: 一回の反映と、その一歩ずつ。始めるときに全部の歩みを書くので、どこで死んでも続きが分かる。"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backend.audit import trail
from backend.menus.plan import Kind, MenuPlan, Step
from backend.permissions import Actor
from backend.store import work

SYSTEM = "システム"
LONGEST_REST = 60
"""断られ続けるとき、次に試すまでの最も長い秒。"""
_RUN = "select * from menu_run"


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
    abandoned_by: str | None


async def begin(plan: MenuPlan, shown: str, actor: Actor | None, version_ids: list[int], accept_drift: bool) -> Run:
    """すべての歩みを書いて始める。"""
    rows = await work.sql(
        "insert into menu_run (checksum, shown, versions, staff_id, staff_name, accepted_drift) "
        "values ($1, $2, $3, $4, $5, $6) returning *",
        plan.checksum,
        shown,
        version_ids,
        actor.staff_id if actor else None,
        actor.name if actor else SYSTEM,
        accept_drift,
    )
    for position, step in enumerate(plan.steps):
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
    await trail.record(actor, "menu.apply", subject, checksum=plan.checksum, steps=len(plan.steps))
    return _run(rows[0])


async def latest(limit: int = 10) -> list[Run]:
    rows = await work.sql(f"{_RUN} order by id desc limit $1", limit)
    return [_run(row) for row in rows]


async def steps(run_id: int) -> list[Progress]:
    rows = await work.sql(
        "select position, kind, words, done_at, result from menu_step where run_id = $1 order by position", run_id
    )
    return [Progress(r["position"], Kind(r["kind"]), r["words"], r["done_at"], r["result"]) for r in rows]


async def unfinished() -> Run | None:
    """途中の反映。一度に一つしかない。"""
    rows = await work.sql(f"{_RUN} where finished_at is null")
    return _run(rows[0]) if rows else None


async def rested(run_id: int) -> bool:
    """断られてから、次に試すまでの間が空いたか。断られるたびに、間は倍になる。"""
    rows = await work.sql(
        "select tried_at is null or tried_at <= ward_now() - make_interval(secs => least($2, power(2, tries))) as yes "
        "from menu_run where id = $1",
        run_id,
        LONGEST_REST,
    )
    return rows[0]["yes"]


async def stumble(run_id: int, problem: str) -> None:
    """止まった理由を残す。続きはワーカーか人が行う。"""
    await work.sql(
        "update menu_run set problem = $2, tries = tries + 1, tried_at = ward_now() where id = $1", run_id, problem
    )


async def done(run_id: int, position: int, result: str) -> None:
    await work.sql(
        "update menu_step set done_at = ward_now(), result = $3 where run_id = $1 and position = $2",
        run_id,
        position,
        result,
    )


async def pending(run_id: int) -> list[tuple[int, Step]]:
    """まだの歩みを、順に。"""
    rows = await work.sql(
        "select position, kind, target, other, words from menu_step where run_id = $1 and done_at is null order by position",
        run_id,
    )
    return [(row["position"], Step(Kind(row["kind"]), row["target"], row["other"], row["words"])) for row in rows]


async def finish(run_id: int) -> Run:
    rows = await work.sql(
        "update menu_run set finished_at = ward_now(), problem = '' where id = $1 returning *", run_id
    )
    return _run(rows[0])


async def abandon(actor: Actor, run_id: int) -> None:
    """途中でやめたことにして、閉じる。"""
    await work.sql(
        "update menu_run set finished_at = ward_now(), abandoned_by = $2 where id = $1 and finished_at is null",
        run_id,
        actor.name,
    )
    await trail.record(actor, "menu.abandon", "menu", run=run_id)


def _run(row: dict[str, Any]) -> Run:
    fields: dict[str, Any] = {name: row[name] for name in Run.__dataclass_fields__}
    fields["versions"] = tuple(row["versions"])
    return Run(**fields)
