"""アカウントの状態: 通常・災害時・停止。止めるのは一人、戻すのは二人(RULES「Who may stop and start」)。"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.audit import trail
from backend.errors import Forbidden, Refused
from backend.permissions import Actor, Permission, Role
from backend.store import listen, work

CHANNEL = "account"
"""状態が変わると、この名で知らせる。送り手は次の呼び出しの前に読み直す。"""
DISASTER_SECTION = "bosai"


class AccountMode(StrEnum):
    NORMAL = "normal"
    DISASTER = "disaster"

    @property
    def label(self) -> str:
        return {"normal": "通常", "disaster": "災害時"}[self.value]


class Stop(StrEnum):
    """止めている広さ。BULK は緊急(イ)のほか、ALL は緊急を含めてすべて。"""

    NONE = "none"
    BULK = "bulk"
    ALL = "all"

    @property
    def label(self) -> str:
        return {"none": "止めていない", "bulk": "緊急以外を停止", "all": "すべて停止"}[self.value]


@dataclass(frozen=True)
class AccountState:
    """いまの状態。一度も変えていなければ `since` はNone。"""

    mode: AccountMode = AccountMode.NORMAL
    stopped: Stop = Stop.NONE
    since: datetime | None = None
    by: str = ""
    reason: str = ""

    @property
    def shape(self) -> str:
        """画面の頭に出す形: normal・disaster・stopped。"""
        return "stopped" if self.stopped is not Stop.NONE else self.mode.value

    @property
    def words(self) -> str:
        if self.stopped is Stop.NONE:
            return self.mode.label if self.mode is AccountMode.NORMAL else "災害時(緊急だけ送る)"
        return f"{self.mode.label}・{self.stopped.label}" if self.mode is AccountMode.DISASTER else self.stopped.label


@dataclass(frozen=True)
class Proposal:
    """二人目を待っている提案。"""

    what: str
    staff_id: int
    by: str
    by_chief: bool
    at: datetime


async def current() -> AccountState:
    rows = await work.sql("select * from account_change order by id desc limit 1")
    if not rows:
        return AccountState()
    row = rows[0]
    return AccountState(AccountMode(row["mode"]), Stop(row["stopped"]), row["at"], row["staff_name"], row["reason"])


async def proposals() -> dict[str, Proposal]:
    """開いている提案。`resume`(配信の再開)と `normal`(通常に戻す)。"""
    rows = await work.sql(
        "select what, staff_id, staff_name, by_chief, at from account_proposal where closed_at is null"
    )
    return {r["what"]: Proposal(r["what"], r["staff_id"], r["staff_name"], r["by_chief"], r["at"]) for r in rows}


async def stop(actor: Actor, *, everything: bool, reason: str = "") -> None:
    """一人で止める。`everything` は緊急(イ)も止めること。理由は後から書ける。狭くはならない。"""
    actor.require(Permission.STOP_EVERYTHING if everything else Permission.STOP_DELIVERY)
    now = await _locked()
    wanted = Stop.ALL if everything or now.stopped is Stop.ALL else Stop.BULK
    await _close_proposals("resume")
    if wanted is not now.stopped:
        await _change(actor, now.mode, wanted, reason)
    await trail.record(actor, "account.stop", "account", everything=everything, reason=reason)


async def propose_resume(actor: Actor) -> None:
    """再開の一人目。二人目が `confirm_resume` するまで、何も動かない。"""
    actor.require(Permission.RESUME)
    now = await _locked()
    if now.stopped is Stop.NONE:
        raise Refused("配信は止まっていません。")
    await _propose(actor, "resume")


async def confirm_resume(actor: Actor) -> None:
    """再開の二人目。緊急も止まっているときは、二人のうち一人は広報課長。"""
    actor.require(Permission.RESUME)
    now = await _locked()
    first = await _second_of(actor, "resume")
    if now.stopped is Stop.ALL and not (first.by_chief or actor.role is Role.PR_CHIEF):
        raise Forbidden("緊急も止まっているので、広報課長が要ります。", next_step="広報課長に再開を頼んでください。")
    await _change(actor, now.mode, Stop.NONE, "")
    await trail.record(actor, "account.resume", "account", proposed_by=first.by)


async def resume_urgent(actor: Actor) -> None:
    """緊急(イ)だけを、広報課長が一人で再開する。ほかは止まったまま。"""
    if actor.role is not Role.PR_CHIEF:
        raise Forbidden("緊急の配信を再開できるのは、広報課長だけです。", next_step="広報課長に頼んでください。")
    now = await _locked()
    if now.stopped is not Stop.ALL:
        raise Refused("緊急の配信は止まっていません。")
    await _change(actor, now.mode, Stop.BULK, "")
    await trail.record(actor, "account.resume_urgent", "account")


async def enter_disaster(actor: Actor, *, reason: str = "") -> None:
    """災害時にする。広報課長か防災課長が一人で。緊急(イ)だけが出て、ほかは見合わせになる(RULES 13)。"""
    if not may_enter_disaster(actor):
        raise Forbidden(
            "災害時にできるのは、広報課長と防災課長だけです。", next_step="広報課長か防災課長に頼んでください。"
        )
    now = await _locked()
    if now.mode is AccountMode.DISASTER:
        raise Refused("もう災害時になっています。")
    await _close_proposals("normal")
    await _change(actor, AccountMode.DISASTER, now.stopped, reason)
    await trail.record(actor, "account.disaster", "account", reason=reason)


async def propose_normal(actor: Actor) -> None:
    """通常に戻す一人目。"""
    _require_disaster_hand(actor)
    if (await _locked()).mode is AccountMode.NORMAL:
        raise Refused("いまは通常です。")
    await _propose(actor, "normal")


async def confirm_normal(actor: Actor) -> None:
    """通常に戻す二人目。見合わせた配信は、広報課が一つずつ決める。"""
    _require_disaster_hand(actor)
    now = await _locked()
    first = await _second_of(actor, "normal")
    await _change(actor, AccountMode.NORMAL, now.stopped, "")
    await trail.record(actor, "account.normal", "account", proposed_by=first.by)


def may_enter_disaster(actor: Actor) -> bool:
    return actor.role is Role.PR_CHIEF or (actor.role is Role.SECTION_CHIEF and actor.section_code == DISASTER_SECTION)


def _require_disaster_hand(actor: Actor) -> None:
    if not (actor.may(Permission.RESUME) or may_enter_disaster(actor)):
        raise Forbidden("通常に戻せるのは、広報課と防災課長です。", next_step="広報課に頼んでください。")


async def _locked() -> AccountState:
    # 止める・再開するが同時に来ても、一つずつ順に見る。
    await work.sql("select pg_advisory_xact_lock(hashtext('account'))")
    return await current()


async def _change(actor: Actor, mode: AccountMode, stopped: Stop, reason: str) -> None:
    await work.sql(
        "insert into account_change (mode, stopped, staff_id, staff_name, reason) values ($1, $2, $3, $4, $5)",
        mode.value,
        stopped.value,
        actor.staff_id,
        actor.name,
        reason,
    )
    await listen.notify(CHANNEL, mode.value)


async def _propose(actor: Actor, what: str) -> None:
    rows = await work.sql(
        "insert into account_proposal (what, staff_id, staff_name, by_chief) values ($1, $2, $3, $4) "
        "on conflict (what) where closed_at is null do nothing returning id",
        what,
        actor.staff_id,
        actor.name,
        actor.role is Role.PR_CHIEF,
    )
    if not rows:
        raise Refused("もう一人目の提案があります。", next_step="ほかの人が「二人目として認める」を押してください。")
    await trail.record(actor, f"account.propose_{what}", "account")


async def _second_of(actor: Actor, what: str) -> Proposal:
    first = (await proposals()).get(what)
    if first is None:
        raise Refused("一人目の提案がありません。", next_step="先に一人目が提案してください。")
    if first.staff_id == actor.staff_id:
        raise Forbidden("同じ人が二人分を押すことはできません。", next_step="もう一人に頼んでください。")
    await _close_proposals(what)
    return first


async def _close_proposals(what: str) -> list[dict[str, Any]]:
    return await work.sql(
        "update account_proposal set closed_at = ward_now() where what = $1 and closed_at is null returning id", what
    )
