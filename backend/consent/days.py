"""レシートと写しの日時: 2026年11月24日(火) 18:00。画面の書式(`web.render`)は、送り手も読むこの部屋には重すぎる。"""

from datetime import datetime

from backend.store.clock import JST

_WEEKDAYS = "月火水木金土日"


def moment(at: datetime) -> str:
    """2026年11月24日(火) 18:00 (日本時間)。"""
    return f"{day(at)} {at.astimezone(JST):%H:%M}"


def day(at: datetime) -> str:
    """2026年11月24日(火) (日本時間)。"""
    local = at.astimezone(JST)
    return f"{local.year}年{local.month}月{local.day}日({_WEEKDAYS[local.weekday()]})"
