"""押された数の棒グラフの寸法。色も形もスタイルシートが決め、数は下の表にある。"""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.links.taps import Day

WIDTH, HEIGHT, GAP = 560, 120, 4


@dataclass(frozen=True)
class Bar:
    """一日の棒。少ない数の日は、低い印だけ(数を読み取らせない)。"""

    x: float
    y: float
    width: float
    height: float
    hidden: bool
    changed: bool
    words: str


def busiest(days: Sequence[Day]) -> int:
    """いちばん高い棒の数。見せてよい日がなければ0。"""
    return max((day.taps or 0 for day in days), default=0)


def bars(days: Sequence[Day]) -> list[Bar]:
    """左から古い順。いちばん多い日が、いちばん高い。"""
    if not days:
        return []
    step = WIDTH / len(days)
    most = busiest(days)
    found: list[Bar] = []
    for position, day in enumerate(days):
        height = HEIGHT * (day.taps or 0) / most if most and day.taps else 2.0
        words = f"{day.day.month}月{day.day.day}日 {day.words}"
        width = max(step - GAP, 2.0)
        found.append(
            Bar(
                round(position * step, 1),
                round(HEIGHT - height, 1),
                round(width, 1),
                round(height, 1),
                day.taps is None,
                day.changed,
                words,
            )
        )
    return found
