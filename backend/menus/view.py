"""画面で読むための姿: 押せる絵、行き先の一覧、計画、経過、暦。"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend.audit import trail
from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.menus import apply, building, geometry, links, places, remarks, versions
from backend.menus.building import Image
from backend.menus.declaration import ACTION_KINDS, Action, Bounds, Cell, Declaration
from backend.menus.events import Schedule
from backend.menus.places import Places
from backend.menus.versions import Version
from backend.store.clock import JST

NOT_YET = "行き先はまだ決まっていません"


@dataclass(frozen=True)
class Area:
    """絵の上の押せる所。`tab` は切り替わる先のタブ、`cell` は升の番号(タブの帯は-1)。`blank` はまだ何も書いていない升。"""

    bounds: Bounds
    label: str
    href: str
    tab: str
    cell: int
    blank: bool = False


@dataclass(frozen=True)
class Picture:
    """一枚の絵。`source` は画像のアドレス(下見では data:)。"""

    alias: str
    title: str
    source: str
    width: int
    height: int
    areas: tuple[Area, ...]


@dataclass(frozen=True)
class Destination:
    """押せる所一つと、押した人が着く所。`fresh` は、いまのメニューにはない行き先か。"""

    label: str
    kind: str
    lands: str
    fresh: bool


@dataclass(frozen=True)
class Planned:
    """計画を立てられたか。立てられないときは `problem` に理由。"""

    proposal: apply.Proposal | None
    problem: str = ""


@dataclass(frozen=True)
class Event:
    at: datetime
    who: str
    what: str
    note: str


@dataclass(frozen=True)
class CalendarDay:
    day: date
    today: bool
    schedules: tuple[Schedule, ...]


def saved(version: Version, where: Places) -> list[Picture]:
    """版に保存された絵。"""
    sources = [
        f"/console/menus/{version.id}/image/{n}?e={version.edition}" for n in range(len(version.declaration.tabs))
    ]
    return _pictures(version.declaration, sources, where)


def drawn(declaration: Declaration, images: Sequence[Image], where: Places) -> list[Picture]:
    """描いたばかりの絵(まだ保存していない)。"""
    sources = [f"data:{i.content_type};base64,{base64.b64encode(i.body).decode()}" for i in images]
    return _pictures(declaration, sources, where)


async def planned(line: Gateway, where: Places, version: Version) -> Planned:
    """この版を置いたときの計画。LINEに届かない、まだ置けないときも、画面は開く。"""
    try:
        return Planned(await apply.propose(line, where, [version]))
    except LineError:
        return Planned(None, "LINEにつながらないので、いまは計画を立てられません。少し待って開き直してください。")
    except Refused as refused:
        return Planned(None, refused.message)


def destinations(
    declaration: Declaration, where: Places, before: Declaration | None
) -> list[tuple[str, list[Destination]]]:
    """タブごとに、押せる所と、押した人が着く所。認める人は、絵と一緒にこれを見る(RULES 28)。"""
    held = {_lands(cell.action, where, before) for tab in before.tabs for cell in tab.cells} if before else set()

    def of(cell: Cell) -> Destination:
        lands = _lands(cell.action, where, declaration)
        return Destination(cell.label, *lands, fresh=before is not None and not cell.action.tab and lands not in held)

    return [(tab.title, [of(cell) for cell in tab.cells]) for tab in declaration.tabs]


async def moved(version: Version) -> list[Event]:
    """承認の後に、この版の使うリンクへ起きた変更。次の版に替わるまでのもの。"""
    if version.approved_at is None:
        return []
    changes = await links.moved(version.declaration, version.approved_at, await versions.succeeded_at(version))
    return [
        Event(
            c.at, f"{c.staff_name}(承認 {c.approved_by})" if c.approved_by else c.staff_name, links.words(c), c.reason
        )
        for c in changes
    ]


async def history(version: Version) -> list[Event]:
    """いつ、だれが、何を、なぜ。使うリンクの行き先の変更も、使われているあいだは並べる。"""
    entries = [e for e in await trail.latest(subject=version.subject, limit=100) if e.action != "approval.approve"]
    told = [Event(e.at, e.who, e.label, str(e.detail.get("reason") or e.detail.get("note") or "")) for e in entries]
    return sorted([*told, *await moved(version)], key=lambda event: event.at)


def weeks(schedules: Sequence[Schedule], now: datetime, count: int = 5) -> list[list[CalendarDay]]:
    """今週の月曜から `count` 週。取りやめた予定は出さない。"""
    today = now.astimezone(JST).date()
    first = today - timedelta(days=today.weekday())
    live = [s for s in schedules if not s.cancelled_at]

    def on(day: date) -> tuple[Schedule, ...]:
        return tuple(s for s in live if s.starts_at.astimezone(JST).date() <= day <= s.ends_at.astimezone(JST).date())

    days = [CalendarDay(day, day == today, on(day)) for day in (first + timedelta(days=n) for n in range(7 * count))]
    return [days[n : n + 7] for n in range(0, len(days), 7)]


def _pictures(declaration: Declaration, sources: Sequence[str], where: Places) -> list[Picture]:
    found: list[Picture] = []
    for tab, source in zip(declaration.tabs, sources, strict=False):
        plan = geometry.layout(declaration, tab)
        areas = [
            Area(bounds, building.switch_label(other, tab), f"#{other.alias}", other.alias, -1)
            for bounds, other in zip(plan.strip, declaration.tabs, strict=False)
        ]
        for number, (cell, bounds) in enumerate(zip(tab.cells, plan.cells, strict=True)):
            blank = remarks.is_blank(cell)
            href = f"#{tab.alias}"
            label = f"ボタン{number + 1}(まだ書かれていません)" if blank else cell.label or "読み上げの言葉がありません"
            if not cell.action.tab and not blank:
                try:
                    href = places.address(cell.action, where)
                except places.Misplaced:
                    label = f"{label}({NOT_YET})"
            areas.append(Area(bounds, label, href, cell.action.tab, number, blank))
        found.append(
            Picture(tab.alias, tab.title, source, declaration.size.width, declaration.size.height, tuple(areas))
        )
    return found


def _lands(action: Action, where: Places, whole: Declaration | None) -> tuple[str, str]:
    """(押すと何が起きるか, 着く所)。"""
    if not action.kinds:
        return "", NOT_YET
    kind = action.kinds[0]
    value = str(getattr(action, kind))
    if kind == "tab":
        titles = {tab.alias: tab.title for tab in whole.tabs} if whole else {}
        return ACTION_KINDS[kind], titles.get(value, value)
    if kind == "link":
        label = where.links.get(value, (value, ""))[0]
        return f"リンク「{label}」", where.landings.get(value) or NOT_YET
    if kind == "tel":
        return ACTION_KINDS[kind], value
    try:
        return ACTION_KINDS[kind], places.address(action, where)
    except places.Misplaced:
        return ACTION_KINDS[kind], NOT_YET
