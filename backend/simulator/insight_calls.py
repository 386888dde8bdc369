"""統計の呼び出しの表。押した人が20人に満たないときは、何人かも言わない(LINE.md 1.1、1.2)。"""

import re
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from backend.simulator.limits import SIXTY_AN_HOUR
from backend.simulator.richmenus import JST
from backend.simulator.wire import Answer, Call, Endpoint, invalid, not_found

LEAST_PEOPLE = 20
LONGEST_DAYS = 31
Taps = list[tuple[int, str, str]]
_OVERVIEW = ("uniqueImpression", "uniqueClick", "uniqueMediaPlayed", "uniqueMediaPlayed100Percent")


def menu_summary(call: Call) -> Answer:
    """期間を通した、場所ごとの押された数。"""
    menu, taps, period = _menu_taps(call)
    if taps is None:
        return Answer(body={"richMenuId": menu["richMenuId"]})
    clicks = [
        {"bounds": area["bounds"], "metrics": _metrics([tap for tap in taps if tap[0] == index])}
        for index, area in enumerate(menu["areas"])
    ]
    return Answer(body={**period, "impression": {"metrics": _metrics(taps)}, "clicks": clicks})


def menu_daily(call: Call) -> Answer:
    """日ごとの、場所ごとの押された数。"""
    menu, taps, period = _menu_taps(call)
    if taps is None:
        return Answer(body={"richMenuId": menu["richMenuId"]})
    clicks = [
        {"bounds": area["bounds"], "metrics": _by_day([tap for tap in taps if tap[0] == index])}
        for index, area in enumerate(menu["areas"])
    ]
    return Answer(body={**period, "impression": {"metrics": _by_day(taps)}, "clicks": clicks})


def aggregation(call: Call) -> Answer:
    """単位ごとの統計。模擬では読まれた数を数えないので、どの値も null(20人未満と同じ形)。"""
    if not re.fullmatch(r"[a-zA-Z0-9_]{1,30}", call.query.get("customAggregationUnit", "")):
        raise invalid([{"message": "invalid unit name", "property": "customAggregationUnit"}])
    _period(call)
    return Answer(body={"overview": dict.fromkeys(_OVERVIEW), "messages": [], "clicks": []})


def _menu_taps(call: Call) -> tuple[dict[str, Any], Taps | None, dict[str, Any]]:
    """(メニュー, 押した記録。20人に満たなければNone, 期間)。絵を見た数は押した数で代える。"""
    menu = call.world.menus.get(call.path["menu"])
    if menu is None:
        raise not_found()
    first, last = _period(call)
    taps = call.world.menus.taps(menu["richMenuId"], first, last)
    people = {user for _, user, _ in taps}
    period = {"richMenuId": menu["richMenuId"], "metricsFrom": first, "metricsTo": last}
    return menu, taps if len(people) >= LEAST_PEOPLE else None, period


def _period(call: Call) -> tuple[str, str]:
    """今日の分はまだ出ない。31日まで。"""
    first, last = (_day(call, name) for name in ("from", "to"))
    if last < first or last - first > timedelta(days=LONGEST_DAYS):
        raise invalid([{"message": "invalid period", "property": "to"}])
    yesterday = call.world.platform.now().astimezone(JST) - timedelta(days=1)
    return first.strftime("%Y%m%d"), min(last.strftime("%Y%m%d"), yesterday.strftime("%Y%m%d"))


def _day(call: Call, name: str) -> datetime:
    try:
        return datetime.strptime(call.query.get(name, ""), "%Y%m%d").replace(tzinfo=JST)
    except ValueError as error:
        raise invalid([{"message": "must be yyyyMMdd", "property": name}]) from error


def _metrics(taps: Taps) -> dict[str, int]:
    return {"count": len(taps), "uniqueUsers": len({user for _, user, _ in taps})}


def _by_day(taps: Taps) -> list[dict[str, Any]]:
    days: dict[str, Taps] = defaultdict(list)
    for tap in taps:
        days[tap[2]].append(tap)
    return [{"date": day, **_metrics(found)} for day, found in sorted(days.items())]


_INSIGHT = "/v2/bot/insight"
endpoints = [
    Endpoint("GET", f"{_INSIGHT}/richmenu/{{menu:str}}/summary", menu_summary, SIXTY_AN_HOUR),
    Endpoint("GET", f"{_INSIGHT}/richmenu/{{menu:str}}/daily", menu_daily, SIXTY_AN_HOUR),
    Endpoint("GET", f"{_INSIGHT}/message/event/aggregation", aggregation, SIXTY_AN_HOUR),
]
