"""続けるかのお知らせの暦: 公開された告知文と今日から、いつ・だれに送る一通があるかを求める。データベースに触れない。"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from backend.consent.publishing import Version
from backend.residents import renewal
from backend.segments import criteria, fields
from backend.segments.criteria import Criteria
from backend.store.clock import JST
from backend.ward import office_hours

DAYS = (60, 30, 7)
HOUR = time(10, 0)
MONTHS_AHEAD = 4


@dataclass(frozen=True)
class Planned:
    """いつ・だれに送るか。`key` は「not_renewed:3:60」、`ends_on` はこの日の0時に終わる(月なら、その月の1日)。"""

    key: str
    days: int
    field: str
    value: int | str
    ends_on: date
    send_at: datetime
    superseded_by: int | None = None
    """同じ目的を後から変えた版。あれば、尋ねる文を見直す。"""

    @property
    def criteria(self) -> Criteria:
        return criteria.build([[fields.term(self.field, self.value)]])


def plan(versions: Sequence[Version], now: datetime) -> Iterator[Planned]:
    """公開された版と暦から求まる、すべての一通。"""
    today = now.astimezone(JST).date()
    asking = [one for one in versions if one.published and one.material and one.version > 1]
    for version in asking:
        ends_on = renewal.ends_on(version)
        later = [one.version for one in asking if one.version > version.version and one.material & version.material]
        if ends_on > today:
            yield from _series("not_renewed", version.version, ends_on, max(later, default=None))
    month = today.replace(day=1)
    for _ in range(MONTHS_AHEAD):
        month = (month + timedelta(days=31)).replace(day=1)
        yield from _series("ends_in", f"{month:%Y-%m}", month, None)


def _series(field: str, value: int | str, ends_on: date, superseded_by: int | None) -> Iterator[Planned]:
    for days in DAYS:
        day = ends_on - timedelta(days=days)
        while not office_hours.is_working_day(day):
            day -= timedelta(days=1)
        send_at = datetime.combine(day, HOUR, JST)
        yield Planned(f"{field}:{value}:{days}", days, field, value, ends_on, send_at, superseded_by)
