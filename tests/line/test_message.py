"""要求の本文。"""

import json

import pytest

from backend.line import message

SAKURA, LYNN = "U" + "a" * 32, "U" + "b" * 32
MESSAGES = message.encode([message.text('ごみの日です。\n"紙" と 𠮷')])


@pytest.mark.parametrize(("words", "length"), [("", 0), ("区", 1), ("𠮷", 2), ("👨‍👩‍👧", 8), ("a\n", 2)])
def test_length_is_counted_as_line_counts(words: str, length: int) -> None:
    assert message.utf16_length(words) == length == len(words.encode("utf-16-le")) // 2


def test_a_multicast_holds_its_recipients_in_order() -> None:
    assert json.loads(message.multicast_body([LYNN, SAKURA], MESSAGES, silent=False))["to"] == [LYNN, SAKURA]


def test_the_approved_messages_are_in_the_body_byte_for_byte() -> None:
    assert MESSAGES in message.multicast_body([SAKURA], MESSAGES, silent=True)
    assert MESSAGES in message.broadcast_body(MESSAGES, silent=True)


def test_a_silent_message_says_so() -> None:
    assert json.loads(message.multicast_body([SAKURA], MESSAGES, silent=True))["notificationDisabled"] is True


def test_a_message_that_may_sound_says_nothing_of_silence() -> None:
    assert set(json.loads(message.broadcast_body(MESSAGES, silent=False))) == {"messages"}


@pytest.mark.parametrize("people", [0, 501])
def test_no_body_is_made_for_nobody_or_for_more_than_500(people: int) -> None:
    with pytest.raises(ValueError, match="宛先"):
        message.multicast_body([SAKURA] * people, MESSAGES, silent=False)


@pytest.mark.parametrize("count", [0, 6])
def test_a_request_has_one_to_five_messages(count: int) -> None:
    with pytest.raises(ValueError, match="メッセージ"):
        message.encode([message.text("あ")] * count)
