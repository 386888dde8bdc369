"""ブレーキの判断: 時刻と事実だけから。"""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.account.state import AccountMode, Stop
from backend.delivery import brakes
from backend.delivery.brakes import Expired, Facts, Go, Held, Wait, decide, proceed
from backend.delivery.states import Reason
from backend.store.clock import JST
from backend.ward.kinds import Kind

NOON = datetime(2026, 11, 24, 12, tzinfo=JST)


def facts(**changes):
    made = {
        "now": NOON,
        "kind": Kind.A,
        "source": "message:1",
        "to_everyone": False,
        "own_hour": False,
        "expires_at": changes.get("now", NOON) + timedelta(hours=3),
        "source_at": changes.get("now", NOON) - timedelta(hours=1),
    }
    return Facts(**{**made, **changes})


def at(hour, minute=0):
    return NOON.replace(hour=hour, minute=minute)


def test_an_ordinary_delivery_goes_in_the_daytime():
    assert decide(facts()) == Go()


@pytest.mark.parametrize(
    ("now", "goes"), [(at(6, 59), False), (at(7), True), (at(20, 59), True), (at(21), False), (at(0), False)]
)
def test_the_quiet_hours_are_from_nine_in_the_evening_to_seven(now, goes):
    assert (decide(facts(now=now)) == Go()) is goes


def test_a_late_notice_waits_for_the_morning_while_it_is_still_useful():
    morning = datetime(2026, 11, 25, 7, tzinfo=JST)
    late = facts(now=at(22), source="garbage:A07:2026-11-25", expires_at=morning + timedelta(hours=1))
    assert decide(late) == Wait(morning)


def test_a_late_notice_that_will_be_useless_by_the_morning_is_held():
    assert decide(facts(now=at(22), expires_at=at(23))) == Held(Reason.QUIET)


def test_an_urgent_delivery_goes_at_night():
    assert decide(facts(now=at(2), kind=Kind.I)) == Go()


def test_an_hour_that_the_resident_chose_beats_the_quiet_hours():
    assert decide(facts(now=at(6), own_hour=True)) == Go()


def test_an_expired_delivery_expires_even_while_everything_is_stopped():
    assert decide(facts(expires_at=NOON, stopped=Stop.ALL)) == Expired()


@pytest.mark.parametrize(
    ("stopped", "mode", "kind", "goes"),
    [
        (Stop.BULK, AccountMode.NORMAL, Kind.A, False),
        (Stop.BULK, AccountMode.NORMAL, Kind.I, True),
        (Stop.ALL, AccountMode.NORMAL, Kind.I, False),
        (Stop.NONE, AccountMode.DISASTER, Kind.E, False),
        (Stop.NONE, AccountMode.DISASTER, Kind.I, True),
        (Stop.ALL, AccountMode.DISASTER, Kind.I, False),
    ],
)
def test_the_account_decides_what_may_leave(stopped, mode, kind, goes):
    assert (decide(facts(stopped=stopped, mode=mode, kind=kind)) == Go()) is goes


def test_closed_personal_settings_stop_criteria_but_not_everyone():
    assert decide(facts(personal_closed=True)) == Held(Reason.PERSONAL)
    assert decide(facts(personal_closed=True, to_everyone=True)) == Go()


def test_information_older_than_a_quarter_is_stale_when_a_person_wrote_it():
    assert decide(facts(source_at=NOON - timedelta(days=93))) == Held(Reason.STALE)


def test_a_stale_delivery_goes_when_a_person_has_looked_at_it():
    assert decide(facts(source_at=NOON - timedelta(days=93), released=Reason.STALE)) == Go()


def test_the_thirteenth_automatic_delivery_in_an_hour_opens_the_brake():
    automatic = {"source": "garbage:A07:2026-11-25", "kind": Kind.E}
    assert decide(facts(**automatic, recent=12)) == Go()
    assert decide(facts(**automatic, recent=13)) == Held(Reason.FLOOD)


def test_an_open_brake_holds_its_feed_and_no_other():
    assert decide(facts(source="garbage:x", brake=Reason.STALE)) == Held(Reason.STALE)
    assert decide(facts(source="message:1", brake=Reason.STALE)) == Go()


def test_a_delivery_begun_before_nine_runs_to_its_end_but_is_not_resumed_at_night():
    assert proceed(facts(now=at(21, 10), started_at=at(20, 59))) == Go()
    assert isinstance(proceed(facts(now=at(23), started_at=at(20, 59), expires_at=NOON + timedelta(days=1))), Wait)


@pytest.mark.parametrize(
    ("kind", "source", "everyone", "counted"),
    [
        (Kind.A, "message:1", False, True),
        (Kind.KI, "message:1", False, True),
        (Kind.U, "message:1", False, True),
        (Kind.U, "parenting:4", False, False),
        (Kind.E, "garbage:1", False, False),
        (Kind.I, "message:1", False, False),
        (Kind.A, "message:1", True, False),
    ],
)
def test_the_minimum_audience_binds_only_criteria_that_a_person_wrote(kind, source, everyone, counted):
    assert brakes.too_few(facts(kind=kind, source=source, to_everyone=everyone), 19, 20) is counted


moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda moment: moment.replace(tzinfo=JST))


@settings(max_examples=300, deadline=None)
@given(
    now=moments,
    kind=st.sampled_from(Kind),
    source=st.sampled_from(["message:1", "garbage:a", "parenting:b"]),
    to_everyone=st.booleans(),
    own_hour=st.booleans(),
    minutes=st.integers(-60, 3000),
    age=st.integers(0, 900),
    released=st.sampled_from([None, *Reason]),
    mode=st.sampled_from(AccountMode),
    stopped=st.sampled_from(Stop),
    personal_closed=st.booleans(),
    brake=st.sampled_from([None, Reason.STALE, Reason.FLOOD]),
    recent=st.integers(1, 30),
)
def test_nothing_that_must_not_leave_ever_goes(now, minutes, age, **more):
    made = Facts(now=now, expires_at=now + timedelta(minutes=minutes), source_at=now - timedelta(days=age), **more)
    if decide(made) != Go():
        return
    assert now < made.expires_at
    assert made.stopped is not Stop.ALL
    assert made.urgent or (made.stopped is Stop.NONE and made.mode is AccountMode.NORMAL)
    assert made.urgent or made.own_hour or 7 <= now.hour < 21
    assert made.to_everyone or not made.personal_closed
    assert age <= 400 or made.released is Reason.STALE
