"""Webhookの署名と出来事。"""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from backend.line import events

SECRET, NEXT = "s" * 32, "n" * 32
SAKURA = "U" + "a" * 32


def _signed(raw: bytes, secret: str = SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


def _body(**changes: Any) -> bytes:
    event = {
        "type": "unfollow",
        "mode": "active",
        "timestamp": 1_795_000_000_123,
        "webhookEventId": "01HX",
        "source": {"type": "user", "userId": SAKURA},
        "deliveryContext": {"isRedelivery": False},
        **changes,
    }
    return json.dumps({"destination": "U" + "0" * 32, "events": [event]}).encode()


def test_lines_own_signature_is_accepted() -> None:
    events.verify(b"{}", _signed(b"{}"), [SECRET])


def test_the_next_secret_is_accepted_while_it_is_being_changed() -> None:
    events.verify(b"{}", _signed(b"{}", NEXT), [SECRET, NEXT])


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "=",
        "あ",
        "abc",
        _signed(b"{} "),
        _signed(b"{}", NEXT),
        _signed(b"{}")[:-1],
        _signed(b"{}") + "\n",
        "A" * 9999,
    ],
)
def test_anything_else_is_refused(signature: str | None) -> None:
    with pytest.raises(events.BadSignature):
        events.verify(b"{}", signature, [SECRET])


def test_an_empty_secret_matches_nothing() -> None:
    with pytest.raises(events.BadSignature):
        events.verify(b"{}", _signed(b"{}", ""), ["", SECRET])


def test_an_event_says_who_what_and_when_it_happened() -> None:
    (event,) = events.parse(_body())
    assert (event.kind, event.user_id, event.event_id, event.active) == ("unfollow", SAKURA, "01HX", True)
    assert event.at.isoformat() == "2026-11-18T11:06:40.123000+00:00"


def test_a_connectivity_check_has_no_events() -> None:
    assert events.parse(b'{"destination":"U0","events":[]}') == []


def test_an_unknown_kind_is_kept() -> None:
    assert events.parse(_body(type="newIn2027"))[0].kind == "newIn2027"


def test_a_standby_event_is_not_for_us() -> None:
    assert events.parse(_body(mode="standby"))[0].active is False


@pytest.mark.parametrize(
    "source", [None, {}, {"userId": 5}, {"userId": "Uxyz"}, "U", {"type": "group", "groupId": "C1"}]
)
def test_an_event_without_a_person_has_none(source: Any) -> None:
    assert events.parse(_body(source=source))[0].user_id is None


@pytest.mark.parametrize("stamp", [None, "1", True, 10**30, -(10**30), {}])
def test_an_event_without_a_time_is_left_out(stamp: Any) -> None:
    assert events.parse(_body(timestamp=stamp)) == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b'{"events":{}}', b'{"events":null}', b"null"])
def test_a_body_that_is_no_webhook_is_unreadable(raw: bytes) -> None:
    with pytest.raises(events.Unreadable):
        events.parse(raw)


def test_a_person_is_not_in_the_printed_form() -> None:
    assert SAKURA not in repr(events.parse(_body()))
