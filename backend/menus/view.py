"""画面で読むための姿: 押せる絵、計画の並べ方、暦。"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend.audit import trail
from backend.errors import LineError, Refused
from backend.line.gateway import Gateway
from backend.menus import apply, building, geometry, places
from backend.menus.building import Image
from backend.menus.declaration import Bounds, Declaration, Finding
from backend.menus.places import Places
from backend.menus.schedule import Schedule
from backend.menus.versions import Version
from backend.store.clock import JST

NOT_YET = "行き先はまだ決まっていません"


@dataclass(frozen=True)
class Area:
    """絵の上の押せる所。`tab` は切り替わる先のタブ、`cell` は升の番号(タブの帯は-1)。"""

    bounds: Bounds
    label: str
    href: str
    tab: str
    cell: int


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
class Planned:
    """計画を立てられたか。立てられないときは `problem` に理由。"""

    proposal: apply.Proposal | None
    problem: str = ""


@dataclass(frozen=True)
class Said:
    """同じことを言う指摘をまとめたもの。"""

    finding: Finding
    lines: tuple[int, ...]


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


def together(findings: Sequence[Finding]) -> list[Said]:
    """同じ指摘は一度だけ言い、行を並べる。並びは始めに出たところ。"""
    found: dict[tuple[str, str, str], list[int]] = {}
    firsts: dict[tuple[str, str, str], Finding] = {}
    for finding in findings:
        key = (finding.severity.value, finding.message, finding.remedy)
        firsts.setdefault(key, finding)
        found.setdefault(key, []).append(finding.line)
    return [Said(firsts[key], tuple(line for line in lines if line)) for key, lines in found.items()]


async def planned(line: Gateway, where: Places, version: Version) -> Planned:
    """この版を置いたときの計画。LINEに届かない、まだ置けないときも、画面は開く。"""
    try:
        return Planned(await apply.propose(line, where, [version]))
    except LineError:
        return Planned(None, "LINEにつながらないので、いまは計画を立てられません。少し待って開き直してください。")
    except Refused as refused:
        return Planned(None, refused.message)


async def history(version: Version) -> list[Event]:
    """いつ、だれが、何を、なぜ。"""
    entries = await trail.latest(subject=version.subject, limit=100)
    return [
        Event(e.at, e.who, e.label, str(e.detail.get("reason") or e.detail.get("note") or ""))
        for e in reversed(entries)
    ]


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
            href, label = f"#{tab.alias}", cell.label or "読み上げの言葉がありません"
            if not cell.action.tab:
                try:
                    href = places.address(cell.action, where)
                except places.Misplaced:
                    label = f"{label}({NOT_YET})"
            areas.append(Area(bounds, label, href, cell.action.tab, number))
        found.append(
            Picture(tab.alias, tab.title, source, declaration.size.width, declaration.size.height, tuple(areas))
        )
    return found
