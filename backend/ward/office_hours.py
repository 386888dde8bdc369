"""勤務時間: 平日の8時30分から17時15分まで。祝日と年末年始(12/29–1/3)は閉庁(POL 5(4)ただし書)。"""

from datetime import date, datetime, time

import jpholiday

from backend.store.clock import JST

OPENS = time(8, 30)
CLOSES = time(17, 15)


def is_open(at: datetime) -> bool:
    """`at`(時間帯つき)が勤務時間 [8:30:00, 17:15:00) の中か。"""
    local = at.astimezone(JST)
    return is_working_day(local.date()) and OPENS <= local.time() < CLOSES


def is_working_day(day: date) -> bool:
    if day.weekday() >= 5 or (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3):
        return False
    return not jpholiday.is_holiday(day)
