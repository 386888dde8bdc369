"""統計の試験の道具: いま使われている一枚のメニューと、決めた統計を答えるLINE。"""

from datetime import date, timedelta
from typing import Any

from backend.errors import LineError, Outcome
from backend.menus import geometry
from backend.menus.places import Places
from backend.menus.roles import Role
from backend.menus.versions import Version
from backend.store import work
from tests.menus import making

WHERE = Places(
    "http://127.0.0.1:8000",
    "1660000000-Bunkyo01",
    {code: (code, f"http://127.0.0.1:8000/go/{code}") for code in ("bosai_evac", "home")},
)
MENU = "richmenu-" + "1" * 32


async def shown(placed_at: date = date(2026, 10, 1)) -> Version:
    """四つの升: リンクが二つ、電話、区のサイト。"""
    source = making.text(
        making.tab(
            "kurashi",
            making.cell("避難所を見る", "{link: bosai_evac}", "[避難所]"),
            making.cell("ホームページを開く", "{link: home}", "[ホーム]"),
            making.cell("電話する", "{tel: 03-3812-7111}", "[電話]"),
            making.cell(),
            grid="2+2",
            title="くらし",
        )
    )
    version = await making.version(Role.RESIDENT, source, where=WHERE)
    await work.sql("insert into menu_current (role, version_id) values ('resident', $1)", version.id)
    await work.sql(
        "insert into menu_deployed (rich_menu_id, name, version_id, alias, created_at) values ($1, 'x', $2, 'kurashi', $3)",
        MENU,
        version.id,
        placed_at,
    )
    return version


async def tapped(code: str, place: str, days_ago: int, count: int) -> None:
    day = date(2026, 11, 24) - timedelta(days=days_ago)
    await work.sql("insert into link_tap (code, day, source, taps) values ($1, $2, $3, $4)", code, day, place, count)


def body(version: Version, *people: int | None, seen: int | None = 500) -> dict[str, Any]:
    """LINEの答え。`people` は升の順の人数で、Noneはnull。"""
    declaration = version.declaration
    cells = geometry.layout(declaration, declaration.tabs[0]).cells
    clicks = [
        {
            "bounds": {"x": where.x, "y": where.y, "width": where.width, "height": where.height},
            "metrics": {"count": one, "uniqueUsers": one},
        }
        for where, one in zip(cells, people, strict=False)
    ]
    return {"richMenuId": MENU, "impression": {"metrics": {"count": seen, "uniqueUsers": seen}}, "clicks": clicks}


class Line:
    """決めた統計を答える。`broken` の間は答えない。"""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer, self.broken = answer, False
        self.asked: list[tuple[str, date, date]] = []

    async def rich_menu_insight(self, menu_id: str, first: date, last: date) -> dict[str, Any]:
        self.asked.append((menu_id, first, last))
        if self.broken:
            raise LineError(Outcome.THROTTLED, "しばらく待ってください", status=429)
        return self.answer
