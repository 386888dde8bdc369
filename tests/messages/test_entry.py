"""フォームと原稿の行き来: 何も変わらず、読めない値は「まだ選んでいない」になる。"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.messages import entry
from backend.messages.entry import LATENESS, Entry
from backend.messages.manuscript import Audience, Manuscript, Timing
from backend.segments import criteria
from backend.store.clock import JST
from backend.ward.kinds import Kind

AT = datetime(2026, 11, 25, 18, 0, tzinfo=JST)
AREA = criteria.parse('{"all":[{"any":[{"field":"area","value":41}]},{"any":[{"field":"age_band","value":30}]}]}')
FULL: dict[str, Any] = {
    "kind": Kind.A,
    "title": "件名",
    "body": "一行目\n\n三行目",
    "body_en": "English",
    "contact": "区民課 03-5803-1111",
    "audience": Audience.CRITERIA,
    "criteria": AREA,
    "timing": Timing.AT,
    "send_at": AT,
    "expires_at": AT + timedelta(hours=2),
    "silent": True,
    "source_note": "決裁",
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"audience": Audience.EVERYONE, "criteria": None},
        {"audience": None, "criteria": None},
        {"timing": Timing.ON_APPROVAL, "send_at": None, "expires_at": AT},
        {"timing": None, "send_at": None, "expires_at": None},
        {"kind": None, "title": "", "body": "", "silent": False},
        {"criteria": criteria.parse('{"all":[{"any":[{"field":"area","value":1,"not":true}]}]}')},
        {
            "criteria": criteria.parse(
                '{"all":[{"any":[{"field":"area","value":1},{"field":"topic","value":"bosai"}]}]}'
            )
        },
    ],
    ids=str,
)
def test_a_manuscript_survives_the_form(changes: dict[str, Any]) -> None:
    made = Manuscript(**{**FULL, **changes})
    assert entry.manuscript(entry.entry(made)) == made


def test_an_empty_form_chooses_nothing() -> None:
    assert entry.manuscript(Entry()) == Manuscript()


@pytest.mark.parametrize("field", ["kind", "audience", "timing"])
@pytest.mark.parametrize("value", ["", "x", "EVERYONE", "everyone ", "0", "null", "全員"])
def test_an_unknown_choice_is_no_choice(field: str, value: str) -> None:
    assert getattr(entry.manuscript(Entry(**{field: value})), field) is None


@pytest.mark.parametrize(
    ("day", "clock"),
    [("", "18:00"), ("2026-11-25", ""), ("2026-02-30", "18:00"), ("2026-11-25", "25:00"), ("明日", "夜")],
)
def test_half_a_moment_is_no_moment(day: str, clock: str) -> None:
    made = entry.manuscript(Entry(timing="at", send_date=day, send_time=clock, late="60"))
    assert (made.send_at, made.expires_at) == (None, None)


def test_a_moment_is_read_as_japan_time() -> None:
    made = entry.manuscript(Entry(timing="at", send_date="2026-11-25", send_time="18:00", late="60"))
    assert made.send_at == AT
    assert made.expires_at == AT + timedelta(hours=1)


@pytest.mark.parametrize("late", ["", "0", "-60", "61", "99999", "abc", "６０"])
def test_only_the_offered_latenesses_exist(late: str) -> None:
    made = entry.manuscript(Entry(timing="at", send_date="2026-11-25", send_time="18:00", late=late))
    assert (made.expires_at is None) is (late not in map(str, LATENESS))


def test_criteria_left_over_do_not_count_for_everyone() -> None:
    assert entry.manuscript(Entry(audience="everyone", area=["41"])).criteria is None


def test_criteria_without_the_choice_do_not_count() -> None:
    assert entry.manuscript(Entry(area=["41"])).audience is None


def test_a_title_is_one_line() -> None:
    assert entry.manuscript(Entry(title="一\n二")).title == "一 二"


def test_the_character_the_database_cannot_hold_is_dropped() -> None:
    assert entry.manuscript(Entry(body="a\x00b")).body == "ab"


@given(
    st.fixed_dictionaries(
        {
            name: st.text(max_size=30)
            for name in (
                "kind",
                "title",
                "body",
                "audience",
                "timing",
                "send_date",
                "send_time",
                "late",
                "until_date",
                "until_time",
            )
        }
    )
)
@settings(max_examples=60, deadline=None)
def test_no_typed_text_chooses_everyone_or_fails(fields: dict[str, str]) -> None:
    made = entry.manuscript(Entry(**fields))
    assert made.audience is None or fields["audience"] == made.audience.value
