"""統計: LINEの数と、こちらの数を並べる。LINEの数は翌日に出て、20人より少ない期間は値がない(LINE.md 1.1)。"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend.line.gateway import Gateway
from backend.links import register, taps
from backend.menus import geometry, insight, places, versions
from backend.menus.declaration import Declaration, Tab
from backend.menus.insight import Insight
from backend.menus.versions import Version
from backend.store import work
from backend.store.clock import JST

DAYS = 28
UNKNOWN, UNCOUNTED = "分かりません", "数えません"
_SHORTEST = 1.5


@dataclass(frozen=True)
class Row:
    """押せる所一つ。`people` と `taps` は、少ないときNone。"""

    label: str
    people: int | None
    taps: int | None
    asked: bool
    counted: bool

    @property
    def line(self) -> str:
        if not self.asked:
            return UNKNOWN
        return insight.FEW if self.people is None else f"約{self.people:,}人"

    @property
    def ours(self) -> str:
        if not self.counted:
            return UNCOUNTED
        return f"{taps.HIDDEN_BELOW}回未満" if self.taps is None else f"約{self.taps:,}回"


@dataclass(frozen=True)
class Bar:
    """横の棒一本。`width` は100のうちの長さ。少ない数は、長さを読み取らせない。"""

    label: str
    words: str
    width: float
    few: bool


@dataclass(frozen=True)
class Sheet:
    """一枚のメニュー。`since` は、その絵がLINEに置かれた時刻。"""

    title: str
    seen: str
    rows: tuple[Row, ...]
    since: datetime | None
    asked_at: datetime | None
    problem: str

    @property
    def people(self) -> list[Bar]:
        return _bars([(row.label, row.line, row.people) for row in self.rows if row.asked])

    @property
    def taps(self) -> list[Bar]:
        return _bars([(row.label, row.ours, row.taps) for row in self.rows if row.counted])


@dataclass(frozen=True)
class Report:
    first: date
    last: date
    sheets: tuple[Sheet, ...]


async def report(line: Gateway) -> Report:
    """いま使われているメニューの、きのうまでの4週間。"""
    today = await taps.today()
    first, last = today - timedelta(days=DAYS), today - timedelta(days=1)
    sheets: list[Sheet] = []
    counted = frozenset(link.code for link in await register.listing() if not link.url.startswith("tel:"))
    for version in (await versions.current()).values():
        sheets += await _sheets(line, version, first, last, counted)
    return Report(first, last, tuple(sheets))


def in_words(bars: Sequence[Bar]) -> str:
    """図を見ない人に読まれる、一文。"""
    most = max(bars, key=lambda bar: bar.width)
    return "どの所も少ない数です" if most.few else f"いちばん多いのは「{most.label}」の{most.words}"


async def _sheets(line: Gateway, version: Version, first: date, last: date, counted: frozenset[str]) -> list[Sheet]:
    rows = await work.sql(
        "select distinct on (alias) alias, rich_menu_id, created_at from menu_deployed where version_id = $1 "
        "order by alias, created_at desc",
        version.id,
    )
    placed = {row["alias"]: row for row in rows}
    sheets: list[Sheet] = []
    for tab in version.declaration.tabs:
        row = placed.get(tab.alias)
        found = await insight.ask(line, row["rich_menu_id"] if row else "", first, last)
        counts = await taps.at_places([places.source(tab.alias, n + 1) for n in range(len(tab.cells))], first, last)
        since = row["created_at"] if row and row["created_at"].astimezone(JST).date() > first else None
        sheets.append(
            Sheet(
                f"{version.declaration.name} {tab.title}",
                found.seen,
                tuple(_rows(version.declaration, tab, found, counts, counted)),
                since,
                found.asked_at,
                found.problem,
            )
        )
    return sheets


def _rows(
    declaration: Declaration,
    tab: Tab,
    found: Insight,
    counts: dict[tuple[str, str], int | None],
    counted: frozenset[str],
) -> list[Row]:
    layout = geometry.layout(declaration, tab)
    return [
        Row(
            cell.label,
            found.people(bounds),
            counts.get((cell.action.link, places.source(tab.alias, number))),
            found.body is not None,
            cell.action.link in counted,
        )
        for number, (cell, bounds) in enumerate(zip(tab.cells, layout.cells, strict=True), 1)
    ]


def _bars(rows: Sequence[tuple[str, str, int | None]]) -> list[Bar]:
    """いちばん多いものを100とした、上から並びのままの棒。"""
    most = max((value or 0 for *_, value in rows), default=0)
    return [
        Bar(label, words, round(100 * value / most, 1) if value else _SHORTEST, value is None)
        for label, words, value in rows
    ]
