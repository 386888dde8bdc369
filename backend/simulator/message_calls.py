"""メッセージの呼び出しの表: 送る、確かめる、残りと実績(LINE.md 1.2)。"""

import re
from datetime import timedelta
from typing import Any

import msgspec

from backend.simulator import messages
from backend.simulator.limits import MULTICAST, SIXTY_AN_HOUR
from backend.simulator.richmenus import JST
from backend.simulator.wire import Answer, Answered, Call, Endpoint, World, invalid

MOST_RECIPIENTS = 500
MOST_UNITS = 1000  # 一か月に使える集計の単位の名前
USER_ID = re.compile(r"U[0-9a-f]{32}")
_UNIT = re.compile(r"[a-zA-Z0-9_]{1,30}")
_REFUSED = {"message": "Access to this API is not available for your account"}

SCHEMA = """
create table if not exists delivered_day (kind text, day text, people integer not null, primary key (kind, day));
create table if not exists unit (month text, name text, primary key (month, name));
"""


def multicast(call: Call) -> Answer:
    """五百人まで。ブロックした人、知らない人には届かず、数えもしない。`to` の重なりは重なったまま届ける。"""
    body = call.json()
    to = body.get("to")
    if not isinstance(to, list) or not 1 <= len(to) <= MOST_RECIPIENTS:
        raise invalid([{"message": f"Size must be between 1 and {MOST_RECIPIENTS}", "property": "to"}])
    users: list[str] = to
    delivered = call.world.platform.reachable([user for user in users if isinstance(user, str)])
    if len(delivered) < len(users):
        _refuse_malformed(call.world, users)
    units = body.get("customAggregationUnits") or []
    _check(body, units)
    answer = _send(call.world, "multicast", users, delivered, body)
    if units:
        _remember_unit(call.world, units[0])
    return answer


def broadcast(call: Call) -> Answer:
    body = call.json()
    _check(body, [])
    if body.get("customAggregationUnits"):
        raise invalid([{"message": "must not be specified", "property": "customAggregationUnits"}])
    everyone = call.world.platform.friends()[0]
    return _send(call.world, "broadcast", everyone, everyone, body)


def refuse(call: Call) -> Answer:
    """narrowcast、push、reply: このアカウントでは使えない。呼ばれたことは台帳に残る。"""
    raise Answered(403, _REFUSED)


def validate(call: Call) -> Answer:
    found = messages.check(call.json().get("messages"))
    if found:
        raise invalid(found)
    return Answer()


def quota(call: Call) -> Answer:
    limit = call.world.account("quota")
    return Answer(body={"type": "none"} if limit is None else {"type": "limited", "value": limit})


def consumption(call: Call) -> Answer:
    return Answer(body={"totalUsage": used(call.world)})


def delivered_on(call: Call) -> Answer:
    """その日(日本時間)の数。翌日になるまでは出ない。"""
    day = call.query.get("date", "")
    if not re.fullmatch(r"\d{8}", day):
        raise invalid([{"message": "must be yyyyMMdd", "property": "date"}])
    today = call.world.platform.now().astimezone(JST)
    if day < (today - timedelta(days=90)).strftime("%Y%m%d"):
        return Answer(body={"status": "out_of_service"})
    if day >= today.strftime("%Y%m%d"):
        return Answer(body={"status": "unready"})
    row = call.world.platform.db.execute(
        "select people from delivered_day where kind = ? and day = ?", (call.path["kind"], day)
    ).fetchone()
    return Answer(body={"status": "ready", "success": row[0] if row else 0})


def aggregation_info(call: Call) -> Answer:
    return Answer(body={"numOfCustomAggregationUnits": len(_units(call.world))})


def aggregation_list(call: Call) -> Answer:
    return Answer(body={"customAggregationUnits": _units(call.world)})


def used(world: World) -> int:
    """今月(日本時間)に数えられた通数。管理画面から送った分も入る。"""
    month = world.platform.now().astimezone(JST).strftime("%Y%m")
    row = world.platform.db.execute(
        "select coalesce(sum(people), 0) from delivered_day where day like ?", (f"{month}%",)
    ).fetchone()
    return row[0] + world.account("used", 0)


def addressed(call: Call) -> list[str]:
    """断った呼び出しの宛先。台帳に詰められる正しいidだけ。"""
    try:
        to = call.json().get("to")
    except Answered:
        return []
    return [
        user for user in (to if isinstance(to, list) else [to]) if isinstance(user, str) and USER_ID.fullmatch(user)
    ]


def _refuse_malformed(world: World, users: list[Any]) -> None:
    """idの形の誤りは全体を断る。形の正しい知らない人は、頼まれたときだけ断る(LINE.md 1.2の食い違い)。"""
    refuses_unknown = world.account("refuse_unknown", False)
    for index, user in enumerate(users):
        well_formed = isinstance(user, str) and USER_ID.fullmatch(user)
        if not well_formed or (refuses_unknown and world.platform.person(user) is None):
            message = f"The property, to[{index}], in the request body is invalid (line: -, column: -)"
            raise Answered(400, {"message": message})


def _check(body: dict[str, Any], units: Any) -> None:
    found = messages.check(body.get("messages"))
    if not isinstance(units, list) or len(units) > 1:
        found.append({"message": "Size must be between 0 and 1", "property": "customAggregationUnits"})
    elif units and not (isinstance(units[0], str) and _UNIT.fullmatch(units[0])):
        found.append({"message": "invalid unit name", "property": "customAggregationUnits[0]"})
    if found:
        raise invalid(found)


def _send(world: World, kind: str, requested: list[str], delivered: list[str], body: dict[str, Any]) -> Answer:
    limit = world.account("quota")
    if limit is not None and used(world) + world.account("reserved", 0) + len(delivered) > limit:
        raise Answered(429, {"message": "You have reached your monthly limit."})
    day = world.platform.now().astimezone(JST).strftime("%Y%m%d")
    world.platform.db.execute(
        "insert into delivered_day values (?, ?, ?) on conflict (kind, day) do update set people = people + excluded.people",
        (kind, day, len(delivered)),
    )
    text = msgspec.json.encode(body["messages"]).decode()
    silent = body.get("notificationDisabled") is True
    return Answer(requested=requested, delivered=delivered, messages=text, silent=silent)


def _remember_unit(world: World, name: str) -> None:
    """千一個目の名前は、黙って付かない。"""
    month = world.platform.now().astimezone(JST).strftime("%Y%m")
    if len(_units(world)) < MOST_UNITS:
        world.platform.db.execute("insert or ignore into unit values (?, ?)", (month, name))


def _units(world: World) -> list[str]:
    month = world.platform.now().astimezone(JST).strftime("%Y%m")
    rows = world.platform.db.execute("select name from unit where month = ? order by rowid", (month,))
    return [row[0] for row in rows]


_MESSAGE = "/v2/bot/message"
endpoints = [
    Endpoint("POST", f"{_MESSAGE}/multicast", multicast, MULTICAST, retry_key=True, addressed=addressed),
    Endpoint("POST", f"{_MESSAGE}/broadcast", broadcast, SIXTY_AN_HOUR, retry_key=True),
    Endpoint("POST", f"{_MESSAGE}/narrowcast", refuse, SIXTY_AN_HOUR, retry_key=True),
    Endpoint("POST", f"{_MESSAGE}/push", refuse, retry_key=True, addressed=addressed),
    Endpoint("POST", f"{_MESSAGE}/reply", refuse),
    *(
        Endpoint("POST", f"{_MESSAGE}/validate/{kind}", validate)
        for kind in ("reply", "push", "multicast", "narrowcast", "broadcast")
    ),
    Endpoint("GET", f"{_MESSAGE}/quota", quota),
    Endpoint("GET", f"{_MESSAGE}/quota/consumption", consumption),
    Endpoint("GET", f"{_MESSAGE}/delivery/{{kind:str}}", delivered_on, SIXTY_AN_HOUR),
    Endpoint("GET", f"{_MESSAGE}/aggregation/info", aggregation_info),
    Endpoint("GET", f"{_MESSAGE}/aggregation/list", aggregation_list),
]
