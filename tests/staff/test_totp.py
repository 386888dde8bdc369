"""確認コードの計算(RFC 6238の付録Bの値)。"""

from datetime import UTC, datetime

import pytest

from backend.staff import totp

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_codes_of_the_standard(seconds: int, code: str) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    assert totp.code(SECRET, totp.step_of(moment)) == code


@pytest.mark.parametrize(("late", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_thirty_seconds_off(late: int, accepted: bool) -> None:
    now = datetime.fromtimestamp(1_800_000_000, UTC)
    sent = totp.code(SECRET, totp.step_of(now) + late)
    assert (totp.matching_step(SECRET, sent, now, 0) is not None) is accepted


def test_a_used_step_is_not_used_again() -> None:
    now = datetime.fromtimestamp(1_800_000_000, UTC)
    step = totp.step_of(now)
    assert totp.matching_step(SECRET, totp.code(SECRET, step), now, step) is None


def test_the_address_is_what_applications_read() -> None:
    assert totp.address(SECRET, "tanaka", "文京区") == (
        "otpauth://totp/%E6%96%87%E4%BA%AC%E5%8C%BA:tanaka?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=%E6%96%87%E4%BA%AC%E5%8C%BA&digits=6&period=30"
    )


def test_the_key_is_read_out_in_fours() -> None:
    assert totp.key_text(SECRET) == "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"
