"""本文の日付と時刻の点検: 曜日の合わない日付、無い日付、過ぎた日付、無い時刻、逆さの範囲。"""

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise

from backend.store.clock import JST

Found = tuple[str, int, str, str]
"""(止めるか確かめるか, 行, 指摘, 直し方)。"""

_WEEKDAYS = "月火水木金土日"
_NARROW = {ord("０") + n: str(n) for n in range(10)} | str.maketrans("（）／．", "()/.")
_DATE = re.compile(
    r"(?:(?:令和(?P<reiwa>\d{1,2}|元)年|(?P<year>20\d\d)[年/.])\s*)?"
    r"(?<!\d)(?P<month>1[0-2]|0?[1-9])(?P<mark>[月/.])\s*(?P<day>\d{1,2})(?!\d)日?\s*"
    r"(?:\((?P<weekday>[月火水木金土日])(?:曜日?)?(?:[・･]?[祝休])*\))?"
)
_NO_SUCH_MONTH = re.compile(r"(?<![\d.])(?:0|1[3-9]|[2-9]\d)月(?!齢|間)")
_CLOCK = re.compile(r"(?:(午前|午後|夜|朝)\s*)?(?<!\d)(\d{1,2})(?:時(?!間|代|点|々)(?:(\d{1,2})分|半)?|:(\d{2})(?!\d))")
_BETWEEN = ("から", "～", "〜", "~", "-", "–", "ー")


def check(text: str, now: datetime) -> Iterator[Found]:
    """行ごとに日付と時刻を読む。年のない日付は、いまに近い年のものとして読む。"""
    today = now.astimezone(JST).date()
    for line, words in enumerate(text.translate(_NARROW).split("\n"), 1):
        found = [
            f for f in _DATE.finditer(words) if f["mark"] == "月" or f["weekday"] or f["year"]
        ]  # 「1/2」は分数かもしれない
        for one in found:
            yield from _judge(one, line, today)
        for month in _NO_SUCH_MONTH.finditer(words):
            yield "block", line, f"「{month.group()}」という月はありません。", "日付を確かめます。"
        yield from _order(found, words, line, today)
        yield from _clocks(words, line)


def _order(found: list[re.Match[str]], words: str, line: int, today: date) -> Iterator[Found]:
    """「12月5日から12月3日」のように、終わりが先に来る範囲。年をまたぐ範囲は逆さではない。"""
    for first, last in pairwise(found):
        if not _is_range(words[first.end() : last.start()]):
            continue
        begins, ends = _meant(first, today), _meant(last, today)
        if begins and ends and ends < begins and (_year(last) or (begins - ends).days < 180):
            yield (
                "block",
                line,
                f"「{first.group().strip()}」より「{last.group().strip()}」が先の日です。",
                "始まりと終わりを確かめます。",
            )


def _clocks(words: str, line: int) -> Iterator[Found]:
    before: tuple[int, int] | None = None
    said = ""
    for clock in _CLOCK.finditer(words):
        ranged = before is not None and _is_range(words[before[0] : clock.start()])
        half, hour = clock[1] or (said if ranged and said == "午後" else ""), int(clock[2])
        minute = int(clock[3] or clock[4] or (30 if clock.group().endswith("半") else 0))
        if hour > 24 or minute > 59 or (hour == 24 and minute):
            yield "block", line, f"「{clock.group().strip()}」という時刻はありません。", "時刻を確かめます。"
            before = None
            continue
        if half in ("午前", "午後") and hour > 12:
            yield (
                "block",
                line,
                f"「{clock.group().strip()}」は、{half}と24時間の言い方が混じっています。",
                f"「{half}{hour - 12}時」か「{hour}時」にします。",
            )
        moment = (hour + (12 if half == "午後" and hour < 12 else 0)) * 60 + minute
        if before and ranged and moment <= before[1]:
            yield "warn", line, "終わりの時刻が、始まりより前です。", "午前と午後、始まりと終わりを確かめます。"
        before, said = (clock.end(), moment), half


def _is_range(between: str) -> bool:
    # 正規表現の `\s*…\s*$` は、空白を並べた本文で長さの二乗の時間がかかり、ほかの人の画面まで止める。
    return between.rstrip().endswith(_BETWEEN)


def _judge(found: re.Match[str], line: int, today: date) -> Iterator[Found]:
    written, month, day = found.group().strip(), int(found["month"]), int(found["day"])
    year = _year(found)
    try:
        meant = date(year, month, day) if year else _nearest(month, day, today)
    except ValueError:
        yield "block", line, f"「{written}」という日はありません。", "日付を確かめます。"
        return
    if year and abs(year - today.year) > 3:
        yield "warn", line, f"「{written}」は{meant.year}年です。", "年の打ちまちがいでないかを確かめます。"
    weekday = found["weekday"]
    if weekday and _WEEKDAYS[meant.weekday()] != weekday:
        right = _WEEKDAYS[meant.weekday()]
        yield (
            "block",
            line,
            f"「{written}」は{right}曜日です({meant.year}年)。",
            "日付か曜日のどちらが正しいかを確かめます。",
        )
    if meant < today:
        yield "warn", line, f"「{written}」はもう過ぎています。", "過ぎた日のことを書いているのでなければ、直します。"


def _meant(found: re.Match[str], today: date) -> date | None:
    year, month, day = _year(found), int(found["month"]), int(found["day"])
    try:
        return date(year, month, day) if year else _nearest(month, day, today)
    except ValueError:
        return None


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
