"""統計: LINEの数と、こちらの数を並べる。LINEの数は翌日に出て、20人より少ない期間は値がない(LINE.md 1.1)。"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec

from backend.errors import LineError
from backend.line.gateway import Gateway
from backend.links import taps
from backend.menus import geometry, versions
from backend.menus.declaration import Bounds, Cell, Declaration, Tab
from backend.store import clock, work
from backend.store.clock import JST

DAYS = 28
KEPT_HOURS = 6
FEW = "20人未満"


@dataclass(frozen=True)
class Row:
    """押せる所一つ。`line` と `ours` は、少ないときと数えられないときに言葉になる。"""

    label: str
    line: str
    ours: str


@dataclass(frozen=True)
class Sheet:
    """一枚のメニュー。"""

    title: str
    seen: str
    rows: tuple[Row, ...]
    asked_at: datetime | None
    problem: str


@dataclass(frozen=True)
class Report:
    first: date
    last: date
    sheets: tuple[Sheet, ...]


async def report(line: Gateway) -> Report:
    """いま使われているメニューの、きのうまでの4週間。"""
    today = (await clock.now()).astimezone(JST).date()
    first, last = today - timedelta(days=DAYS), today - timedelta(days=1)
    sheets: list[Sheet] = []
    for version in (await versions.current()).values():
        declaration = version.declaration
        rows = await work.sql(
            "select distinct on (alias) alias, rich_menu_id from menu_deployed where version_id = $1 order by alias, created_at desc",
            version.id,
        )
        ids = {row["alias"]: row["rich_menu_id"] for row in rows}
        sheets += [await _sheet(line, declaration, tab, ids.get(tab.alias), first, last) for tab in declaration.tabs]
    return Report(first, last, tuple(sheets))


async def _sheet(
    line: Gateway, declaration: Declaration, tab: Tab, menu_id: str | None, first: date, last: date
) -> Sheet:
    body, asked_at, problem = (
        await _insight(line, menu_id, first, last) if menu_id else ({}, None, "まだLINEにありません。")
    )
    clicks = _clicks(body)
    layout = geometry.layout(declaration, tab)
    rows = [
        Row(cell.label, _line_words(bounds, clicks, body), await _ours(tab, number, cell))
        for number, (cell, bounds) in enumerate(zip(tab.cells, layout.cells, strict=True), 1)
    ]
    people = ((body.get("impression") or {}).get("metrics") or {}).get("uniqueUsers")
    words = f"約{people // 10 * 10:,}人が開きました" if isinstance(people, int) and people >= 20 else FEW
    return Sheet(f"{declaration.name} {tab.title}", words, tuple(rows), asked_at, problem)


async def _insight(line: Gateway, menu_id: str, first: date, last: date) -> tuple[dict[str, Any], datetime | None, str]:
    """LINEに尋ねた写し。6時間は同じものを使う(1時間に60回までなので)。"""
    rows = await work.sql(
        "select body, asked_at from menu_insight where rich_menu_id = $1 and first = $2 and last = $3 "
        "and asked_at > ward_now() - make_interval(hours => $4)",
        menu_id,
        first,
        last,
        KEPT_HOURS,
    )
    if rows:
        return msgspec.json.decode(rows[0]["body"]), rows[0]["asked_at"], ""
    try:
        body = await line.rich_menu_insight(menu_id, first, last)
    except LineError as error:
        return {}, None, f"LINEの統計を読めませんでした({error.status})。"
    kept = await work.sql(
        "insert into menu_insight (rich_menu_id, first, last, body) values ($1, $2, $3, $4::jsonb) "
        "on conflict (rich_menu_id, first, last) do update set body = excluded.body, asked_at = ward_now() returning asked_at",
        menu_id,
        first,
        last,
        msgspec.json.encode(body).decode(),
    )
    return body, kept[0]["asked_at"], ""


def _clicks(body: dict[str, Any]) -> dict[tuple[int, int, int, int], int | None]:
    """押せる所ごとの人数。知らない形の項目は読み飛ばす。"""
    found: dict[tuple[int, int, int, int], int | None] = {}
    for area in body.get("clicks") or []:
        bounds = area.get("bounds") or {}
        where = tuple(int(bounds.get(name, -1)) for name in ("x", "y", "width", "height"))
        people = (area.get("metrics") or {}).get("uniqueUsers")
        found[where] = people if isinstance(people, int) else None  # type: ignore[index]  # 長さはいつも四つ
    return found


def _line_words(bounds: Bounds, clicks: dict[tuple[int, int, int, int], int | None], body: dict[str, Any]) -> str:
    people = clicks.get((bounds.x, bounds.y, bounds.width, bounds.height))
    if people is None or people < 20:
        return FEW
    return f"約{people // 10 * 10:,}人"


async def _ours(tab: Tab, number: int, cell: Cell) -> str:
    """リンク台帳を通る升だけを、こちらで数えられる。"""
    if not cell.action.link:
        return "数えません"
    found = dict(await taps.places(cell.action.link, DAYS)).get(f"menu-{tab.alias[:15]}-{number}")
    return f"{taps.HIDDEN_BELOW}回未満" if found is None else f"{found:,}回"
