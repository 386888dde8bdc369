"""書く画面の欄。"""

from typing import Any

GOOD: dict[str, Any] = {
    "kind": "a",
    "title": "区民まつりのお知らせ",
    "body": "12月5日(土) 10時から15時まで、教育の森公園で区民まつりを開きます。\n雨のときは翌日に延ばします。",
    "contact": "区民課 03-5803-1111",
    "audience": "everyone",
    "timing": "at",
    "send_date": "2026-11-24",
    "send_time": "13:00",
    "late": "120",
    "source_note": "11月20日 部長決裁",
    "do": "submit",
}
ATTESTED = {"sourced": "1", "settled": "1", "today_because": "会場が今朝決まったため"}


def good(**changes: Any) -> dict[str, Any]:
    return {**GOOD, **changes}
