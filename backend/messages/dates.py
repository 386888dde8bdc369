"""本文の日付の点検: 曜日の合わない日付、無い日付、過ぎた日付。"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from backend.store.clock import JST

Found = tuple[str, int, str, str]
"""(止めるか確かめるか, 行, 指摘, 直し方)。"""

_WEEKDAYS = "月火水木金土日"
_NARROW = {ord("０") + n: str(n) for n in range(10)} | str.maketrans("（）／．", "()/.")  # noqa: RUF001  全角を半角にする表
_DATE = re.compile(
    r"(?:(?:令和(?P<reiwa>\d{1,2}|元)年|(?P<year>20\d\d)[年/.])\s*)?"
    r"(?<!\d)(?P<month>1[0-2]|0?[1-9])(?P<mark>[月/.])\s*(?P<day>\d{1,2})(?!\d)日?\s*"
    r"(?:\((?P<weekday>[月火水木金土日])(?:曜日?)?(?:[・･]?[祝休])*\))?"
)


def check(text: str, now: datetime) -> Iterator[Found]:
    """行ごとに日付を読み、曜日と過去を確かめる。年のない日付は、いまに近い年のものとして読む。"""
    today = now.astimezone(JST).date()
    for line, words in enumerate(text.translate(_NARROW).split("\n"), 1):
        for found in _DATE.finditer(words):
            if found["mark"] != "月" and not (found["weekday"] or found["year"]):
                continue  # 「1/2」は分数かもしれない
            yield from _judge(found, line, today)


def _judge(found: re.Match[str], line: int, today: date) -> Iterator[Found]:
    written, month, day = found.group().strip(), int(found["month"]), int(found["day"])
    year = _year(found)
    try:
        meant = date(year, month, day) if year else _nearest(month, day, today)
    except ValueError:
        yield "block", line, f"「{written}」という日はありません。", "日付を確かめます。"
        return
    weekday = found["weekday"]
    if weekday and _WEEKDAYS[meant.weekday()] != weekday:
        right = _WEEKDAYS[meant.weekday()]
        yield "block", line, f"「{written}」は{right}曜日です({meant.year}年)。", "日付か曜日のどちらが正しいかを確かめます。"
    if meant < today:
        yield "warn", line, f"「{written}」はもう過ぎています。", "過ぎた日のことを書いているのでなければ、直します。"


def _year(found: re.Match[str]) -> int | None:
    if found["reiwa"]:
        return 2018 + (1 if found["reiwa"] == "元" else int(found["reiwa"]))
    return int(found["year"]) if found["year"] else None


def _nearest(month: int, day: int, today: date) -> date:
    """年のない日付: 60日前から先で、最初に来る日。2月29日はその年にあるときだけ。"""
    start = today - timedelta(days=60)
    for year in range(start.year, start.year + 3):
        try:
            meant = date(year, month, day)
        except ValueError:
            if (month, day) != (2, 29):
                raise
            continue
        if meant >= start:
            return meant
    return date(start.year, month, day)
