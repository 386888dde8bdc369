"""押された数: 日ごと、置き場所ごとに数えるだけ。だれが押したかは、どこにも残らない。少ない数は見せない。"""

import csv
import io
import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backend.store import work
from backend.store.clock import JST, now

HIDDEN_BELOW = 20
"""これより少ない数は「20未満」とする。"""
SOURCES_A_DAY = 50
"""一つのリンクの一日に、見分ける置き場所の数。あふれた分は置き場所なしで数える(名前を並べて表をふくらませない)。"""
_SOURCE = re.compile(r"[a-z0-9_-]{1,24}")
_MENU = re.compile(r"menu-(.+)-([0-9]+)")
_NUMBERED = re.compile(r"tab-([0-9]+)")  # 編集の画面で作ったタブの別名
_SLOTS = 8


@dataclass(frozen=True)
class Day:
    """一日の数。少ないとき `taps` はNone。"""

    day: date
    taps: int | None
    changed: bool = False

    @property
    def words(self) -> str:
        return f"{HIDDEN_BELOW}未満" if self.taps is None else f"{self.taps:,}"

    @property
    def figure(self) -> str:
        """表計算ソフトに渡す値。"""
        return self.words.replace(",", "")


async def count(code: str, source: str) -> None:
    """一つ数える。`source` は置き場所(`menu-kurashi-2` など)。形の違うものは、置き場所なし。"""
    known = source if _SOURCE.fullmatch(source) else ""
    await work.sql(
        "insert into link_tap (code, day, source, slot, taps) "
        "select $1, (ward_now() at time zone 'Asia/Tokyo')::date, case when $2 = '' or exists ("
        "  select from link_tap where code = $1 and day = (ward_now() at time zone 'Asia/Tokyo')::date and source = $2"
        ") or (select count(distinct source) from link_tap where code = $1 "
        "      and day = (ward_now() at time zone 'Asia/Tokyo')::date) < $4 then $2 else '' end, $3, 1 "
        "on conflict (code, day, source, slot) do update set taps = link_tap.taps + 1",
        code,
        known,
        secrets.randbelow(_SLOTS),
        SOURCES_A_DAY,
    )


async def today() -> date:
    """数を分ける、日本の日付。"""
    return (await now()).astimezone(JST).date()


async def daily(code: str, days: int = 28) -> list[Day]:
    """きょうまでの `days` 日。行き先を変えた日に印を付ける。"""
    last = await today()
    return await between(code, last - timedelta(days=days - 1), last)


async def between(code: str, first: date, last: date) -> list[Day]:
    """`first` から `last` までの毎日。行き先を変えた日に印を付ける。"""
    rows = await work.sql(
        "select day, sum(taps)::bigint as taps from link_tap where code = $1 and day between $2 and $3 group by day",
        code,
        first,
        last,
    )
    changes = await work.sql(
        "select distinct (at at time zone 'Asia/Tokyo')::date as day from link_change where code = $1 and url_before <> url_after "
        "and url_before <> ''",
        code,
    )
    taps = {row["day"]: row["taps"] for row in rows}
    changed = {row["day"] for row in changes}
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [Day(day, shown(taps.get(day, 0)), day in changed) for day in every]


async def places(code: str, days: int = 28) -> list[tuple[str, int | None]]:
    """置き場所ごとの、期間のおよその数。多い順。"""
    first = await today() - timedelta(days=days - 1)
    rows = await work.sql(
        "select source, sum(taps)::bigint as taps from link_tap where code = $1 and day >= $2 group by source order by taps desc",
        code,
        first,
    )
    return [(row["source"], rough(row["taps"])) for row in rows]


def place_words(source: str) -> str:
    """置き場所の、画面での言い方。"""
    found = _MENU.fullmatch(source)
    if found and (tab := _NUMBERED.fullmatch(found[1])):
        return f"メニューの{tab[1]}枚目のタブの{found[2]}番目"
    if found:
        return f"メニュー「{found[1]}」の{found[2]}番目"
    return source or "お知らせやほかのページ"


async def at_places(sources: Sequence[str], first: date, last: date) -> dict[tuple[str, str], int | None]:
    """(リンクの名前, 置き場所) → `first` から `last` までのおよその数。一度も押されていない組は入らない。"""
    rows = await work.sql(
        "select code, source, sum(taps)::bigint as taps from link_tap "
        "where source = any($1::text[]) and day between $2 and $3 group by code, source",
        list(sources),
        first,
        last,
    )
    return {(row["code"], row["source"]): rough(row["taps"]) for row in rows}


def shown(taps: int) -> int | None:
    return taps if taps >= HIDDEN_BELOW else None


def rough(taps: int) -> int | None:
    """およその数。日ごとの数との引き算で、隠した日や置き場所の数を知られないよう、端を切る。"""
    return taps // HIDDEN_BELOW * HIDDEN_BELOW or None


def csv_file(code: str, label: str, days: list[Day]) -> bytes:
    """表計算ソフトで開くCSV(BOM付きUTF-8)。式として働く値を作らない。"""
    heading = ("名前", "題", "日", "押された数", "行き先を変えた日")
    return sheet(
        heading, ([code, label, day.day.isoformat(), day.figure, "変更" if day.changed else ""] for day in days)
    )


def sheet(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(heading)
    writer.writerows([harmless(value) for value in row] for row in rows)
    return b"\xef\xbb\xbf" + lines.getvalue().encode()


def harmless(value: str) -> str:
    """`=`、`+` などで始まる値は、全角でも、式にならないように引用符を付ける(CHECKS S4)。"""
    starts = value[:1] in ("\t", "\r", "\n") or unicodedata.normalize("NFKC", value).lstrip()[:1] in tuple("=+-@|")
    return f"'{value}" if value and starts else value
