"""メニューを替える前と後: 押せる所ごとに、前後14日の押された数。替えた日は前と後がまざるので、どちらにも数えない。"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backend.links import taps
from backend.menus import places, versions
from backend.menus.declaration import Cell
from backend.menus.versions import Version
from backend.store import work
from backend.store.clock import JST

WINDOW = 14


@dataclass(frozen=True)
class Spot:
    """押せる所一つ。`was` と `now` は前と後の言葉(なければ空)、`before` と `after` は押された数の言い方。"""

    tab: str
    number: int
    was: str
    now: str
    before: str
    after: str

    @property
    def same(self) -> bool:
        return self.was == self.now


@dataclass(frozen=True)
class Effect:
    """一度の入れ替え。`before_days` と `after_days` は、数えた日の数。"""

    title: str
    day: date
    reason: str
    before_days: int
    after_days: int
    spots: tuple[Spot, ...]


async def report() -> list[Effect]:
    """役目ごとに、いまの版に替えたとき。前の版がなければ、くらべられない。"""
    found: list[Effect] = []
    for version in (await versions.current()).values():
        before = await _before(version)
        if before and version.applied_at:
            found.append(await _effect(before, version, version.applied_at.astimezone(JST).date()))
    return found


def csv_file(effects: Sequence[Effect]) -> bytes:
    """一行が、押せる所一つ。"""
    heading = (
        "メニュー",
        "替えた日",
        "タブ",
        "番目",
        "前の言葉",
        "後の言葉",
        "前の日数",
        "前の数",
        "後の日数",
        "後の数",
    )
    return taps.sheet(
        heading,
        (
            [
                one.title,
                one.day.isoformat(),
                spot.tab,
                str(spot.number),
                spot.was,
                spot.now,
                str(one.before_days),
                spot.before,
                str(one.after_days),
                spot.after,
            ]
            for one in effects
            for spot in one.spots
        ),
    )


async def _before(version: Version) -> Version | None:
    rows = await work.sql(
        "select id from menu_version where role = $1 and applied_at < $2 order by applied_at desc limit 1",
        version.role.value,
        version.applied_at,
    )
    return await versions.find(rows[0]["id"]) if rows else None


async def _effect(before: Version, after: Version, day: date) -> Effect:
    yesterday = await taps.today() - timedelta(days=1)
    last = min(day + timedelta(days=WINDOW), yesterday)
    was, now = _cells(before), _cells(after)
    sources = [source for _, _, source in {**was, **now}]
    old = await taps.at_places(sources, day - timedelta(days=WINDOW), day - timedelta(days=1))
    new = await taps.at_places(sources, day + timedelta(days=1), last)
    days = max(0, (last - day).days)
    spots = [
        Spot(
            tab,
            number,
            was[key].label if key in was else "",
            now[key].label if key in now else "",
            _words(was.get(key), source, old, WINDOW),
            _words(now.get(key), source, new, days),
        )
        for key in dict.fromkeys([*now, *was])
        for tab, number, source in [key]
    ]
    return Effect(after.declaration.name, day, after.reason, WINDOW, days, tuple(spots))


def _cells(version: Version) -> dict[tuple[str, int, str], Cell]:
    """(タブの題, 番目, 置き場所) → 升。"""
    return {
        (tab.title, number, places.source(tab.alias, number)): cell
        for tab in version.declaration.tabs
        for number, cell in enumerate(tab.cells, 1)
    }


def _words(cell: Cell | None, source: str, counts: dict[tuple[str, str], int | None], days: int) -> str:
    if cell is None:
        return "ありません"
    if not cell.action.link:
        return "数えません"
    if not days:
        return "まだ数がありません"
    count = counts.get((cell.action.link, source))
    return f"{taps.HIDDEN_BELOW}回未満" if count is None else f"約{count:,}回"
