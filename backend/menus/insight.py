"""LINEの統計(insight): メニューの押せる所ごとに、押した人の数を尋ねる。20人より少ないと値がない(LINE.md 1.1)。"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from backend.errors import LineError
from backend.line.gateway import Gateway
from backend.menus.declaration import Bounds
from backend.store import work

KEPT_HOURS = 6
LEAST_PEOPLE = 20
FEW = f"{LEAST_PEOPLE}人未満"


@dataclass(frozen=True)
class Insight:
    """LINEの答え。尋ねられなかったときは `body` がNone。"""

    body: dict[str, Any] | None
    asked_at: datetime | None = None
    problem: str = ""

    @property
    def seen(self) -> str:
        """メニューを開いた人。"""
        if self.body is None:
            return ""
        people = _people((self.body.get("impression") or {}).get("metrics"))
        return f"開いた人は{FEW}です。" if people is None else f"約{people:,}人が開きました。"

    def people(self, bounds: Bounds) -> int | None:
        """その場所を押した、およその人数。少ないときはNone。知らない形の項目は読み飛ばす。"""
        for area in (self.body or {}).get("clicks") or []:
            if area.get("bounds") == {"x": bounds.x, "y": bounds.y, "width": bounds.width, "height": bounds.height}:
                return _people(area.get("metrics"))
        return None


async def ask(line: Gateway, menu_id: str, first: date, last: date) -> Insight:
    """LINEに尋ねた写し。6時間は同じものを使う(1時間に60回までなので)。尋ねられないときは、前の写しを使う。

    `menu_id` が空なら、まだLINEにないメニュー。
    """
    if not menu_id:
        return Insight(None, None, "まだLINEにありません。")
    rows = await work.sql(
        "select body, asked_at, asked_at > ward_now() - make_interval(hours => $4) as fresh from menu_insight "
        "where rich_menu_id = $1 and first = $2 and last = $3",
        menu_id,
        first,
        last,
        KEPT_HOURS,
    )
    kept = Insight(msgspec.json.decode(rows[0]["body"]), rows[0]["asked_at"]) if rows else None
    if kept and rows[0]["fresh"]:
        return kept
    try:
        body = await line.rich_menu_insight(menu_id, first, last)
    except LineError:
        if kept:
            return Insight(kept.body, kept.asked_at, "LINEにいま尋ねられないので、前に尋ねた数です。")
        return Insight(None, None, "LINEの人数をいま読めません。しばらくしてから開き直してください。")
    return Insight(body, await _keep(menu_id, first, last, body))


async def _keep(menu_id: str, first: date, last: date, body: dict[str, Any]) -> datetime:
    rows = await work.sql(
        "insert into menu_insight (rich_menu_id, first, last, body) values ($1, $2, $3, $4::jsonb) "
        "on conflict (rich_menu_id, first, last) do update set body = excluded.body, asked_at = ward_now() returning asked_at",
        menu_id,
        first,
        last,
        msgspec.json.encode(body).decode(),
    )
    return rows[0]["asked_at"]


def _people(metrics: dict[str, Any] | None) -> int | None:
    """およその人数。LINEがnullを返したときも、少ないときもNone。"""
    people = (metrics or {}).get("uniqueUsers")
    return people // 10 * 10 if isinstance(people, int) and people >= LEAST_PEOPLE else None
