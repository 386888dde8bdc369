"""点検: 悪い原稿を止めるか確かめさせ、良い原稿には口を出さない(CHECKS G6)。"""

import time
from datetime import timedelta
from typing import Any

import pytest

from backend.line import limits, message
from backend.messages import checks
from backend.messages.findings import Finding, Severity
from backend.messages.manuscript import UNNUMBERED, Audience, Manuscript, Timing, text
from backend.segments import criteria
from backend.ward.kinds import Kind
from tests.messages.drafts import BAD, FINE, GOOD, NOW, ORDINARY

AREA = criteria.parse('{"all":[{"any":[{"field":"area","value":41}]}]}')


def draft(**changes: Any) -> Manuscript:
    made = {**ORDINARY, **changes}
    if made["audience"] is Audience.CRITERIA and "criteria" not in changes:
        made["criteria"] = AREA
    return Manuscript(**made)


def found(**changes: Any) -> list[Finding]:
    return checks.check(draft(**changes), NOW)


def words(findings: list[Finding]) -> str:
    return " ".join(finding.message for finding in findings)


@pytest.mark.parametrize("name", BAD)
def test_a_seeded_bad_draft_is_caught(name: str) -> None:
    assert found(**BAD[name]), name


@pytest.mark.parametrize("number", range(len(GOOD)))
def test_a_good_draft_is_left_alone(number: int) -> None:
    assert not found(**GOOD[number]), words(found(**GOOD[number]))


def test_the_whole_corpus_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    caught = sum(bool(found(**changes)) for changes in BAD.values())
    stopped = sum(bool(checks.blocking(found(**changes))) for changes in BAD.values())
    false_alarms = sum(len(found(**changes)) for changes in GOOD)
    with capsys.disabled():
        print(
            f"\nG6: caught {caught}/{len(BAD)} (blocked {stopped}), false alarms {false_alarms} on {len(GOOD)} good drafts"
        )
    assert len(BAD) == 40
    assert (caught, false_alarms) == (40, 0)


def test_an_empty_draft_names_everything_that_is_missing() -> None:
    fields = {finding.field for finding in checks.blocking(checks.check(Manuscript(), NOW))}
    assert fields >= {"kind", "title", "body", "audience", "timing", "source_note"}


def test_a_draft_has_no_default_audience_or_time() -> None:
    assert (Manuscript().audience, Manuscript().timing, Manuscript().send_at) == (None, None, None)


def test_what_blocks_comes_before_what_warns() -> None:
    findings = found(body="○○公園で、本日10時から開催。①", kind=None)
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities)
    assert {Severity.BLOCK, Severity.WARN} == set(severities)


def test_a_finding_names_its_line() -> None:
    (finding,) = [f for f in found(body=f"{FINE}\n集合は○○門です。") if f.severity is Severity.BLOCK]
    assert finding.line == 3


def test_every_finding_says_what_to_do() -> None:
    assert all(finding.remedy for changes in BAD.values() for finding in found(**changes))


def test_the_length_is_counted_as_line_counts_it() -> None:
    room = limits.TEXT - message.utf16_length(text(draft(body=""), None))
    emoji = "😀" * (room // 2)
    assert "こえています" not in words(found(body=emoji))
    assert "こえています" in words(found(body=emoji + "😀"))


def test_the_number_is_counted_with_the_length() -> None:
    assert len(UNNUMBERED) == len("B-2611-0042")


def test_the_english_text_has_its_own_length() -> None:
    assert any(f.field == "body_en" and f.severity is Severity.BLOCK for f in found(body_en="a" * 5001))


@pytest.mark.parametrize(
    ("hour", "minute", "allowed"), [(6, 59, False), (7, 0, True), (20, 59, True), (21, 0, False), (0, 0, False)]
)
def test_quiet_hours_begin_at_21_and_end_at_7(hour: int, minute: int, allowed: bool) -> None:
    moment = (NOW + timedelta(days=1)).replace(hour=hour, minute=minute)
    stopped = checks.blocking(found(send_at=moment, expires_at=moment + timedelta(hours=1)))
    assert bool(stopped) is not allowed


def test_an_emergency_may_leave_at_night() -> None:
    moment = NOW.replace(hour=23)
    assert not checks.blocking(found(kind=Kind.I, send_at=moment, expires_at=moment + timedelta(hours=1)))


def test_everyone_outside_office_hours_is_pointed_out() -> None:
    moment = NOW.replace(hour=18)
    assert "勤務時間の外" in words(found(send_at=moment, expires_at=moment + timedelta(hours=1)))


def test_a_time_without_a_deadline_is_stopped() -> None:
    assert checks.blocking(found(expires_at=None))
    assert checks.blocking(found(timing=Timing.ON_APPROVAL, send_at=None, expires_at=None))


def test_a_deadline_in_the_past_is_stopped() -> None:
    past = NOW - timedelta(minutes=1)
    assert checks.blocking(found(timing=Timing.ON_APPROVAL, send_at=None, expires_at=past))


@pytest.mark.parametrize("word", ["避難勧告", "避難準備・高齢者等避難開始", "洪水警報"])
def test_a_retired_warning_word_is_stopped(word: str) -> None:
    assert checks.blocking(found(body=f"{FINE}\n{word}が出ています。"))


@pytest.mark.parametrize("body", ["開催を中止します。", "雨のときは中止の場合があります。講座は実施します。"])
def test_calling_off_in_the_usual_words_is_not_an_opposite(body: str) -> None:
    assert "同じ行" not in words(found(title="中止", body=FINE + "\n" + body))


def test_two_opposites_in_a_line_are_pointed_out() -> None:
    assert "同じ行" in words(found(body=FINE + "\n入場は有料ですか無料ですかと聞かれます。可能でも不可でも。"))


@pytest.mark.parametrize(
    "contact", ["区民課 03-5803-1111", "区民課 ０３－５８０３－１１１１", "携帯 090-1234-5678", "0120-123-456", "119"]
)
def test_a_whole_telephone_number_is_left_alone(contact: str) -> None:
    assert "電話" not in words(found(contact=contact))


@pytest.mark.parametrize(
    "body",
    ["{" * 20_000, "<a" * 10_000, "1月1日" + " " * 20_000 + "1月2日", "10時" + " " * 20_000 + "x11時", "a" * 20_000],
    ids=["braces", "tags", "days", "hours", "letters"],
)
def test_no_text_makes_the_others_wait(body: str) -> None:
    """長さの二乗の時間がかかる点検は、一人の下書きで、住民のページまで止める。"""
    began = time.process_time()
    found(body=body)
    assert time.process_time() - began < 1.5
