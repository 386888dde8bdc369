"""変更の前と後: 直した日の前後14日に、一日に何回押されたか。少ない数は、ここでも見せない。"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backend.links import taps
from backend.links.register import Link
from backend.links.repoint import Change
from backend.links.taps import HIDDEN_BELOW, Day
from backend.store.clock import JST

WINDOW = 14
NEWEST = 20
"""一つのリンクで見せる、変更のあった日の数。"""
_TURNS = ("edit", "repoint")


@dataclass(frozen=True)
class Comparison:
    """一日の変更と、その前後。変えた日そのものは、前と後がまざるので、どちらにも数えない。"""

    day: date
    changes: tuple[Change, ...]
    before: tuple[Day, ...]
    that_day: Day
    after: tuple[Day, ...]

    @property
    def days(self) -> list[Day]:
        return [*self.before, self.that_day, *self.after]

    @property
    def words(self) -> str:
        """図を見ない人に読まれる、一文。"""
        return f"前の{len(self.before)}日は{a_day(self.before)}、後の{len(self.after)}日は{a_day(self.after)}"

    def when(self, day: Day) -> str:
        """「前14日」「その日」「後1日」。"""
        apart = (day.day - self.day).days
        return "その日" if apart == 0 else f"{'前' if apart < 0 else '後'}{abs(apart)}日"


async def of(link: Link, history: Sequence[Change]) -> list[Comparison]:
    """直した日ごとの前と後を、新しい順に。登録する前の日と、まだ終わらない日は数えない。"""
    by_day: dict[date, list[Change]] = {}
    for change in history:
        if change.what in _TURNS:
            by_day.setdefault(change.at.astimezone(JST).date(), []).append(change)
    if not by_day:
        return []
    newest = sorted(by_day, reverse=True)[:NEWEST]
    opened, yesterday = link.created_at.astimezone(JST).date(), await taps.today() - timedelta(days=1)
    first = min(max(newest[-1] - timedelta(days=WINDOW), opened), newest[-1])
    counted = {day.day: day for day in await taps.between(link.code, first, max(yesterday, newest[0]))}
    return [_around(day, tuple(by_day[day]), counted, yesterday) for day in newest]


def a_day(days: Sequence[Day]) -> str:
    """一日にならした回数。見せてよい数だけから出す: 隠した数を、引き算で知られない。"""
    if not days:
        return "まだ数がありません"
    hidden = sum(day.taps is None for day in days)
    if hidden == len(days):
        return f"毎日{HIDDEN_BELOW}回未満"
    total = sum(day.taps or 0 for day in days)
    low, high = round(total / len(days)), round((total + hidden * (HIDDEN_BELOW - 1)) / len(days))
    return f"1日に約{low:,}回" if low == high else f"1日に約{low:,}〜{high:,}回"


def csv_file(link: Link, comparisons: Sequence[Comparison]) -> bytes:
    """一行が、一つの変更の前後の一日。"""
    heading = ("名前", "題", "変えた日", "したこと", "前の行き先", "後の行き先", "いつ", "日", "押された数")
    return taps.sheet(
        heading,
        (
            [
                link.code,
                link.label,
                one.day.isoformat(),
                *_told(one.changes),
                one.when(day),
                day.day.isoformat(),
                day.figure,
            ]
            for one in comparisons
            for day in one.days
        ),
    )


def _around(day: date, changes: tuple[Change, ...], counted: dict[date, Day], yesterday: date) -> Comparison:
    def pick(first: int, last: int) -> tuple[Day, ...]:
        near = (day + timedelta(days=n) for n in range(first, last + 1))
        return tuple(counted[one] for one in near if one in counted and one <= yesterday)

    return Comparison(day, changes, pick(-WINDOW, -1), counted[day], pick(1, WINDOW))


def _told(changes: Sequence[Change]) -> tuple[str, str, str]:
    """その日にしたこと、初めの行き先、終わりの行き先。`changes` は新しい順。"""
    return (
        "、".join(dict.fromkeys(change.label for change in reversed(changes))),
        changes[-1].url_before,
        changes[0].url_after,
    )
