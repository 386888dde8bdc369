"""ブレーキ: いま送ってよいかを、事実の値だけから決める(DESIGN 8, RULES 13, 15, 50)。データベースにもLINEにも触れない。"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from backend.account.state import AccountMode, Stop
from backend.delivery.states import HAND_WRITTEN, Reason
from backend.store.clock import JST
from backend.ward.kinds import Kind

QUIET_FROM, QUIET_UNTIL = time(21), time(7)
FLOOD_AN_HOUR = 12
COUNTED_KINDS = (Kind.A, Kind.U, Kind.KI)
"""最小人数がかかる区分(RULES 15)。"""
STALE_WRITTEN = timedelta(days=92)
STALE_AUTOMATIC = timedelta(days=400)
"""もとの情報がこれより古い配信は、人が確かめるまで出ない。自動の配信のもとは、年に一度承認される計画である。"""
QUIET_GRACE = timedelta(hours=1)
"""夜9時の前に送り始めた配信は、送り終わるまで続けてよい。倒れて夜中に続きを始めることはない。"""
OVERRIDABLE = (Reason.STALE, Reason.FLOOD, Reason.RESTORED)
"""広報課が「送る」と決めれば、その配信だけは通るブレーキ。ほかは、そのもとが無くならなければ通らない。"""


@dataclass(frozen=True)
class Facts:
    """決めるのに要る事実。`brake` は出どころの開いたブレーキ、`recent` はこの1時間に出た自動の配信の回数(これを含む)。"""

    now: datetime
    kind: Kind
    source: str
    to_everyone: bool
    own_hour: bool
    expires_at: datetime
    source_at: datetime
    started_at: datetime | None = None
    released: Reason | None = None
    mode: AccountMode = AccountMode.NORMAL
    stopped: Stop = Stop.NONE
    personal_closed: bool = False
    brake: Reason | None = None
    recent: int = 1

    @property
    def urgent(self) -> bool:
        return self.kind is Kind.I

    @property
    def feed(self) -> str:
        """自動の配信の出どころ(`garbage`)。人が書いたものは空。"""
        return feed_of(self.source)


@dataclass(frozen=True)
class Go:
    """送ってよい。"""


@dataclass(frozen=True)
class Wait:
    """まだ送らない。`until` にもう一度決める。"""

    until: datetime


@dataclass(frozen=True)
class Held:
    """見合わせ。人が決めるまで出ない。"""

    reason: Reason


@dataclass(frozen=True)
class Expired:
    """期限を過ぎた。もう出ない。"""


Verdict = Go | Wait | Held | Expired


def decide(facts: Facts) -> Verdict:
    """送り始める前の判断。期限切れは、止まっていても期限切れになる。"""
    if facts.now >= facts.expires_at:
        return Expired()
    closed = _account(facts)
    if closed:
        return Held(closed)
    if facts.feed:
        suspicious = _automatic(facts)
    else:
        suspicious = Reason.STALE if facts.now - facts.source_at > STALE_WRITTEN else None
    if suspicious and facts.released is not suspicious:
        return Held(suspicious)
    return _quiet(facts)


def proceed(facts: Facts) -> Verdict:
    """送っている途中の判断。古さや回数は、始めるときに決まっている。"""
    if facts.now >= facts.expires_at:
        return Expired()
    closed = _account(facts)
    if closed:
        return Held(closed)
    if facts.started_at and facts.now - facts.started_at > QUIET_GRACE:
        return _quiet(facts)
    return Go()


def too_few(facts: Facts, people: int, minimum: int) -> bool:
    """人が書いたア・ウ・キの条件が、最小人数に足りない(POL 5(5))。"""
    return not facts.feed and not facts.to_everyone and facts.kind in COUNTED_KINDS and people < minimum


def feed_of(source: str) -> str:
    head = source.partition(":")[0]
    return "" if head == HAND_WRITTEN else head


def _account(facts: Facts) -> Reason | None:
    if facts.stopped is Stop.ALL or (facts.stopped is Stop.BULK and not facts.urgent):
        return Reason.STOPPED
    if facts.mode is AccountMode.DISASTER and not facts.urgent:
        return Reason.DISASTER
    if facts.personal_closed and not facts.to_everyone:
        return Reason.PERSONAL
    return None


def _automatic(facts: Facts) -> Reason | None:
    if facts.now - facts.source_at > STALE_AUTOMATIC:
        return Reason.STALE
    if facts.brake:
        return facts.brake
    return Reason.FLOOD if facts.recent > FLOOD_AN_HOUR else None


def _quiet(facts: Facts) -> Verdict:
    local = facts.now.astimezone(JST)
    if facts.urgent or facts.own_hour or QUIET_UNTIL <= local.time() < QUIET_FROM:
        return Go()
    morning = datetime.combine(local.date(), QUIET_UNTIL, JST)
    if local.time() >= QUIET_FROM:
        morning += timedelta(days=1)
    return Wait(morning) if morning < facts.expires_at else Held(Reason.QUIET)
