"""日付と時刻を読む。いまは2026年11月24日(火)。"""

import pytest

from backend.messages import dates
from tests.messages.drafts import NOW


def judged(text: str) -> list[tuple[str, str]]:
    return [(severity, message) for severity, _, message, _ in dates.check(text, NOW)]


@pytest.mark.parametrize(
    "text",
    [
        "11月24日(火)",
        "11月24日(火曜日)",
        "11月24日（火）",
        "１１月２４日（火・祝）",
        "2026年11月24日(火)",
        "令和8年11月24日(火)",
        "2026/12/01",
        "1月4日(月)",  # 来年
        "12月29日から1月3日まで",
        "10時から15時まで",
        "9:00~17:15",
        "午後3時から5時まで",
        "24時間受け付けます",
        "1/2の割合、3.5倍、第2四半期",
        "22時から翌5時まで",
        "平日の10時半",
        "10時代",
        "18か月の子",
    ],
)
def test_a_right_date_is_left_alone(text: str) -> None:
    assert judged(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "11月24日(水)",
        "11/24(水)",
        "令和8年11月24日(水)",
        "2月30日",
        "2027年2月29日",
        "11月31日",
        "13月1日",
        "0月1日",
        "25時",
        "10:75",
        "10時61分",
        "24時30分",
        "午後15時",
        "12月8日から12月3日まで",
        "2026年12月8日〜2026年12月3日",
    ],
)
def test_a_wrong_date_is_stopped(text: str) -> None:
    assert [severity for severity, _ in judged(text)].count("block") == 1, judged(text)


@pytest.mark.parametrize("text", ["11月23日(月)", "2025年12月1日", "15時から10時まで", "2036年11月24日(月)"])
def test_a_doubtful_date_is_pointed_out(text: str) -> None:
    assert {severity for severity, _ in judged(text)} == {"warn"}, judged(text)


def test_a_date_without_a_year_is_read_near_today() -> None:
    assert judged("10月1日(木)") == [("warn", "「10月1日(木)」はもう過ぎています。")]
    assert judged("9月1日(水)") == []  # 60日より前は来年のこと


def test_the_line_is_counted_from_one() -> None:
    assert [line for _, line, *_ in dates.check("一行目\n二行目は13月", NOW)] == [2]
