"""LINEへの道: 返事をどう読むか。"""

import asyncio
import logging
from uuid import UUID, uuid4

import pytest
from aiohttp import web

from backend.errors import LineError, Outcome
from backend.line import message
from backend.line.gateway import Gateway
from backend.store import work
from tests.line.stub import Got, Stub, answer, raw

MULTICAST = "/v2/bot/message/multicast"
SAKURA = "U" + "a" * 32
KEY = UUID("123e4567-e89b-12d3-a456-426614174000")
BODY = message.multicast_body([SAKURA], message.encode([message.text("こんにちは")]), silent=False)


async def _refused(line: Gateway, key: UUID = KEY) -> LineError:
    with pytest.raises(LineError) as caught:
        await line.multicast(BODY, key)
    return caught.value


async def test_the_approved_bytes_reach_line_unchanged(line: Gateway, stub: Stub) -> None:
    await line.multicast(BODY, KEY)
    assert stub.got[-1].body == BODY


async def test_a_multicast_carries_its_retry_key(line: Gateway, stub: Stub) -> None:
    await line.multicast(BODY, KEY)
    assert stub.got[-1].headers["x-line-retry-key"] == str(KEY)


async def test_200_is_accepted_with_lines_request_id(line: Gateway) -> None:
    accepted = await line.multicast(BODY, KEY)
    assert (accepted.request_id, accepted.already) == ("r-1", False)


async def test_409_with_the_accepted_id_is_success_of_an_earlier_try(line: Gateway, stub: Stub) -> None:
    stub.answers[MULTICAST] = lambda _: answer(409, {"message": "already"}, x_line_accepted_request_id="r-0")
    accepted = await line.multicast(BODY, KEY)
    assert (accepted.request_id, accepted.already) == ("r-0", True)


async def test_409_without_the_accepted_id_proves_nothing(line: Gateway, stub: Stub) -> None:
    stub.answers[MULTICAST] = lambda _: answer(409, {"message": "conflict"})
    assert (await _refused(line)).outcome is Outcome.UNKNOWN


async def test_409_outside_sending_is_a_failure(line: Gateway, stub: Stub) -> None:
    stub.answers["/v2/bot/richmenu"] = lambda _: answer(409, {}, x_line_accepted_request_id="r-0")
    with pytest.raises(LineError):
        await line.create_rich_menu({})


@pytest.mark.parametrize(
    ("status", "words", "outcome"),
    [
        (400, "Failed to send messages", Outcome.REFUSED),
        (403, "Access to this API is not available for your account", Outcome.REFUSED),
        (413, "too large", Outcome.REFUSED),
        (408, "timeout", Outcome.UNKNOWN),
        (429, "The API rate limit has been exceeded. Try again later.", Outcome.THROTTLED),
        (429, "You have reached your monthly limit.", Outcome.QUOTA),
        (500, "Internal server error", Outcome.UNKNOWN),
        (502, "", Outcome.UNKNOWN),
    ],
)
async def test_the_status_decides_what_is_known(
    line: Gateway, stub: Stub, status: int, words: str, outcome: Outcome
) -> None:
    stub.answers[MULTICAST] = lambda _: answer(status, {"message": words})
    error = await _refused(line)
    assert (error.outcome, error.status, error.request_id) == (outcome, status, "r-1")


async def test_a_refused_recipient_is_named_by_position(line: Gateway, stub: Stub) -> None:
    words = "The property, to[17], in the request body is invalid (line: -, column: -)"
    stub.answers[MULTICAST] = lambda _: answer(400, {"message": words})
    assert (await _refused(line)).position == 17


async def test_a_refused_recipient_is_named_by_position_in_details_too(line: Gateway, stub: Stub) -> None:
    body = {"message": "The request body has 1 error(s)", "details": [{"message": "invalid", "property": "to[3]"}]}
    stub.answers[MULTICAST] = lambda _: answer(400, body)
    error = await _refused(line)
    assert (error.position, error.details) == (3, (("to[3]", "invalid"),))


@pytest.mark.parametrize("body", [b'{"a":', b"\xff\xfe", b"[]", b"<html>"])
async def test_a_200_that_cannot_be_read_is_unknown(line: Gateway, stub: Stub, body: bytes) -> None:
    stub.answers[MULTICAST] = lambda _: raw(200, body)
    assert (await _refused(line)).outcome is Outcome.UNKNOWN


async def test_a_redirect_is_not_followed(line: Gateway, stub: Stub) -> None:
    stub.answers[MULTICAST] = lambda _: answer(302, {}, location="/elsewhere")
    assert (await _refused(line)).outcome is Outcome.UNKNOWN
    assert "/elsewhere" not in stub.paths()


async def test_no_answer_in_time_is_unknown(line: Gateway, stub: Stub) -> None:
    await line.multicast(BODY, uuid4())  # トークンを取っておく
    stub.delay = 1.0
    error = await _refused(line)
    assert (error.outcome, error.status) == (Outcome.UNKNOWN, 0)


async def test_a_cut_connection_is_unknown(line: Gateway, stub: Stub) -> None:
    def cut(_: Got) -> web.StreamResponse:
        raise asyncio.CancelledError

    stub.answers[MULTICAST] = cut
    assert (await _refused(line)).outcome is Outcome.UNKNOWN


async def test_a_line_that_is_not_there_has_not_refused(line: Gateway) -> None:
    nowhere = Gateway("http://127.0.0.1:9", "1", "s", fixed_token="t")
    with pytest.raises(LineError) as caught:
        await nowhere.multicast(BODY, KEY)
    await nowhere.close()
    assert caught.value.outcome is Outcome.UNKNOWN


# ── トークン ──


async def test_twenty_calls_at_once_take_one_token(line: Gateway, stub: Stub) -> None:
    await asyncio.gather(*(line.multicast(BODY, uuid4()) for _ in range(20)))
    assert stub.tokens == 1


async def test_a_401_renews_the_token_once_and_repeats_the_same_key(line: Gateway, stub: Stub) -> None:
    stub.answers[MULTICAST] = lambda got: answer(200 if got.headers["authorization"] == "Bearer token-2" else 401)
    await line.multicast(BODY, KEY)
    sent = [got.headers["x-line-retry-key"] for got in stub.got if got.path == MULTICAST]
    assert (stub.tokens, sent) == (2, [str(KEY)] * 2)


async def test_a_second_401_is_a_refusal(line: Gateway, stub: Stub) -> None:
    stub.answers[MULTICAST] = lambda _: answer(401, {"message": "no"})
    error = await _refused(line)
    assert (error.outcome, error.status, stub.tokens) == (Outcome.REFUSED, 401, 2)


async def test_many_401s_at_once_renew_once(line: Gateway, stub: Stub) -> None:
    stub.answers[MULTICAST] = lambda got: answer(200 if got.headers["authorization"] == "Bearer token-2" else 401)
    await asyncio.gather(*(line.multicast(BODY, uuid4()) for _ in range(10)))
    assert stub.tokens == 2


async def test_a_token_near_its_end_is_renewed_before_the_call(line: Gateway, stub: Stub) -> None:
    stub.lifetime = 0
    await line.multicast(BODY, uuid4())
    await line.multicast(BODY, uuid4())
    assert stub.tokens == 2


async def test_a_missing_token_means_nothing_was_sent(line: Gateway, stub: Stub) -> None:
    stub.answers["/oauth2/v3/token"] = lambda _: answer(500)
    error = await _refused(line)
    assert error.outcome is Outcome.THROTTLED
    assert MULTICAST not in stub.paths()


async def test_a_fixed_token_is_used_and_never_renewed(stub: Stub) -> None:
    gateway = Gateway(stub.url, "1", "s", fixed_token="long-lived")
    stub.answers[MULTICAST] = lambda _: answer(401)
    with pytest.raises(LineError):
        await gateway.multicast(BODY, KEY)
    await gateway.close()
    assert [got.headers["authorization"] for got in stub.got] == ["Bearer long-lived"]


# ── ほかの呼び出し ──


async def test_only_sending_carries_a_retry_key(line: Gateway, stub: Stub) -> None:
    await line.multicast(BODY, KEY)
    await line.validate(message.encode([message.text("あ")]))
    await line.set_default_rich_menu("richmenu-1")
    assert [got.path for got in stub.got if "x-line-retry-key" in got.headers] == [MULTICAST]


async def test_an_image_goes_up_with_its_own_content_type(line: Gateway, stub: Stub) -> None:
    await line.upload_rich_menu_image("richmenu-1", b"\x89PNG", "image/png")
    assert (stub.got[-1].headers["content-type"], stub.got[-1].body) == ("image/png", b"\x89PNG")


async def test_no_default_menu_is_none(line: Gateway, stub: Stub) -> None:
    stub.answers["/v2/bot/user/all/richmenu"] = lambda _: answer(404, {"message": "no default richmenu"})
    assert await line.default_rich_menu() is None


async def test_a_default_owned_by_the_console_is_told_apart(line: Gateway, stub: Stub) -> None:
    words = "the richmenu is owned by another channel"
    stub.answers["/v2/bot/user/all/richmenu"] = lambda _: answer(403, {"message": words})
    with pytest.raises(LineError) as caught:
        await line.default_rich_menu()
    assert (caught.value.status, caught.value.message) == (403, words)


async def test_a_reply_without_a_required_field_is_unknown(line: Gateway, stub: Stub) -> None:
    stub.answers["/v2/bot/info"] = lambda _: answer(200, {"userId": SAKURA})
    with pytest.raises(LineError) as caught:
        await line.bot_info()
    assert caught.value.outcome is Outcome.UNKNOWN


async def test_a_profile_that_is_not_there_is_not_a_friend(line: Gateway, stub: Stub) -> None:
    stub.answers[f"/v2/bot/profile/{SAKURA}"] = lambda _: answer(404, {"message": "Not found"})
    assert await line.is_friend(SAKURA) is False


async def test_an_unlimited_plan_has_no_limit(line: Gateway, stub: Stub) -> None:
    stub.answers["/v2/bot/message/quota"] = lambda _: answer(200, {"type": "none"})
    stub.answers["/v2/bot/message/quota/consumption"] = lambda _: answer(200, {"totalUsage": 12})
    quota = await line.quota()
    assert (quota.limit, quota.used) == (None, 12)


async def test_line_is_never_called_inside_a_transaction(line: Gateway, stub: Stub, database: object) -> None:
    async def verb() -> None:
        await line.multicast(BODY, KEY)

    with pytest.raises(AssertionError):
        await work.run(verb)
    assert stub.got == []


async def test_the_log_has_the_request_id_and_no_recipient(
    line: Gateway, stub: Stub, caplog: pytest.LogCaptureFixture
) -> None:
    stub.answers[MULTICAST] = lambda _: answer(400, {"message": "to[0]"})
    with caplog.at_level(logging.DEBUG):
        await _refused(line)
        await line.is_friend(SAKURA)
    assert f"LINE POST {MULTICAST} 400 r-1" in caplog.text
    assert "LINE GET /v2/bot/profile/{userId} 200 r-1" in caplog.text
    ours = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("aiohttp.access"))
    assert SAKURA not in ours
    assert "こんにちは" not in ours


def test_there_is_no_way_to_speak_to_one_person() -> None:
    assert [name for name in dir(Gateway) if "push" in name or "reply" in name or "narrowcast" in name] == []


async def test_a_wrong_channel_secret_is_a_refusal_that_stops_the_sender(line: Gateway, stub: Stub) -> None:
    stub.answers["/oauth2/v3/token"] = lambda _: answer(400, {"error": "invalid_client"})
    error = await _refused(line)
    assert (error.outcome, error.status, MULTICAST in stub.paths()) == (Outcome.REFUSED, 401, False)
