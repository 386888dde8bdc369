"""区についての事実: 町丁目、勤務時間、区分、使われなくなった言葉。"""

from datetime import datetime

import pytest

from backend.store.clock import JST
from backend.ward import areas, office_hours, retired_words
from backend.ward.kinds import Kind


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=JST)


def test_there_are_19_towns_and_68_areas() -> None:
    assert (len(areas.TOWNS), len(areas.AREAS)) == (19, 68)
    assert [area.code for area in areas.AREAS] == list(range(1, 69))


def test_every_area_belongs_to_one_town() -> None:
    assert sorted(area.code for town in areas.TOWNS for area in town.areas) == list(range(1, 69))


def test_towns_stand_in_kana_order() -> None:
    assert [town.kana for town in areas.TOWNS] == sorted(town.kana for town in areas.TOWNS)


def test_an_area_is_called_by_its_chome_within_its_town() -> None:
    assert areas.BY_CODE[41].chome_label == "三丁目"
    assert all(area.chome_label for area in areas.AREAS)


def test_outside_the_ward_has_a_name_and_no_area() -> None:
    assert areas.name_of(areas.OUTSIDE).startswith("文京区外")
    assert areas.OUTSIDE not in areas.BY_CODE


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-11-24T08:29:59.999999", False),
        ("2026-11-24T08:30:00", True),
        ("2026-11-24T17:14:59.999999", True),
        ("2026-11-24T17:15:00", False),
        ("2026-11-23T10:00", False),  # 勤労感謝の日
        ("2026-11-21T10:00", False),  # 土曜
        ("2026-12-28T10:00", True),
        ("2026-12-29T10:00", False),
        ("2027-01-03T10:00", False),
        ("2027-01-04T10:00", True),
        ("2027-03-22T10:00", False),  # 振替休日
        ("2026-05-06T10:00", False),  # 振替休日
        ("2026-09-22T10:00", False),  # 国民の休日
    ],
)
def test_office_hours_have_sharp_edges(moment: str, open_: bool) -> None:
    assert office_hours.is_open(at(moment)) is open_


def test_office_hours_are_judged_in_japan_whatever_the_zone() -> None:
    assert office_hours.is_open(datetime.fromisoformat("2026-11-23T23:30:00+00:00"))


def test_there_are_seven_kinds_from_a_to_ki() -> None:
    assert "".join(kind.mark for kind in Kind) == "アイウエオカキ"


def test_only_the_longest_retired_word_is_told() -> None:
    assert [word.text for word in retired_words.found("避難準備情報が出ました")] == ["避難準備情報"]


@pytest.mark.parametrize("text", ["避難指示が出ました", "避難の準備をしましょう", "大雨警報"])
def test_living_words_are_left_alone(text: str) -> None:
    assert retired_words.found(text) == []
