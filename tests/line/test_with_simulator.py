"""LINEへの道と、動いている模擬LINE。"""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
import pytest_asyncio

from backend.errors import LineError, Outcome
from backend.line import message
from backend.line.gateway import Gateway
from backend.line.identity import Forged
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LOGIN_CHANNEL_ID
from tests.simulator.running import RunningSimulator

SAKURA = "U" + "a" * 32
KEN = "U" + "b" * 32
HELLO = message.encode([message.text("こんにちは")])


@pytest_asyncio.fixture(loop_scope="session")
async def line(simulator: RunningSimulator) -> AsyncIterator[Gateway]:
    simulator.add_friends(SAKURA, KEN)
    gateway = Gateway(
        simulator.url,
        CHANNEL_ID,
        CHANNEL_SECRET,
        login_channel_ids=[LOGIN_CHANNEL_ID],
        login_channel_secret="f" * 32,
        send_timeout=1.0,
    )
    yield gateway
    await gateway.close()


async def test_a_multicast_reaches_the_phones_it_names(line: Gateway, simulator: RunningSimulator) -> None:
    await line.multicast(message.multicast_body([SAKURA], HELLO, silent=True), uuid4())
    (got,) = simulator.received()
    assert (got["user"], got["silent"], got["messages"][0]["text"]) == (SAKURA, True, "こんにちは")


async def test_a_broadcast_reaches_every_friend(line: Gateway, simulator: RunningSimulator) -> None:
    await line.broadcast(message.broadcast_body(HELLO, silent=False), uuid4())
    assert {got["user"] for got in simulator.received()} == {SAKURA, KEN}


@pytest.mark.parametrize("fault", ["500_after", "reset_after", "stall_after"])
async def test_what_was_accepted_unheard_is_sent_once(line: Gateway, simulator: RunningSimulator, fault: str) -> None:
    """D3: 受け付けられたが返事がなかったものを、同じ鍵で送り直す。"""
    body, key = message.multicast_body([SAKURA], HELLO, silent=False), uuid4()
    await line.bot_info()
    simulator.fault("/v2/bot/message/multicast", fault)
    with pytest.raises(LineError) as caught:
        await line.multicast(body, key)
    again = await line.multicast(body, key)
    first = simulator.calls("/message/multicast")[0]
    assert caught.value.outcome is Outcome.UNKNOWN
    assert (again.already, again.request_id) == (True, first["request_id"])
    assert len(simulator.received(SAKURA)) == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("500_before", Outcome.UNKNOWN), ("429_rate", Outcome.THROTTLED), ("429_quota", Outcome.QUOTA)],
)
async def test_a_fault_before_acceptance_is_told_apart(
    line: Gateway, simulator: RunningSimulator, fault: str, outcome: Outcome
) -> None:
    simulator.fault("/v2/bot/message/multicast", fault)
    with pytest.raises(LineError) as caught:
        await line.multicast(message.multicast_body([SAKURA], HELLO, silent=False), uuid4())
    assert (caught.value.outcome, simulator.received()) == (outcome, [])


async def test_one_malformed_id_is_named(line: Gateway, simulator: RunningSimulator) -> None:
    with pytest.raises(LineError) as caught:
        await line.multicast(message.multicast_body([SAKURA, "Uxyz", KEN], HELLO, silent=False), uuid4())
    assert (caught.value.position, simulator.received()) == (1, [])


async def test_messages_are_validated_without_being_sent(line: Gateway, simulator: RunningSimulator) -> None:
    await line.validate(HELLO)
    with pytest.raises(LineError) as caught:
        await line.validate(message.encode([message.text("あ" * 5001)]))
    assert caught.value.details[0][0] == "messages[0].text"
    assert simulator.received() == []


async def test_an_expired_channel_token_is_renewed(line: Gateway, simulator: RunningSimulator) -> None:
    await line.bot_info()
    simulator.clock(advance_seconds=1000)
    assert (await line.bot_info()).user_id


async def test_a_friend_is_one_who_has_not_blocked(line: Gateway, simulator: RunningSimulator) -> None:
    simulator.block(KEN)
    assert [await line.is_friend(user) for user in (SAKURA, KEN, "U" + "c" * 32)] == [True, False, False]


async def test_followers_are_listed(line: Gateway, simulator: RunningSimulator) -> None:
    simulator.account(verified=True)
    ids, more = await line.follower_ids(None)
    assert (set(ids), more) == ({SAKURA, KEN}, None)


async def test_the_quota_is_read(line: Gateway, simulator: RunningSimulator) -> None:
    simulator.account(quota=30_000, used=12)
    quota = await line.quota()
    assert (quota.limit, quota.used) == (30_000, 12)


async def test_yesterdays_count_may_not_be_ready(line: Gateway, simulator: RunningSimulator) -> None:
    assert await line.delivered("multicast", date(2031, 1, 1)) is None


# ── 本人 ──


async def test_an_id_token_of_line_names_the_person(line: Gateway, simulator: RunningSimulator) -> None:
    found = await line.verify_id_token(simulator.id_token(SAKURA), datetime.now(UTC))
    assert found.user_id == SAKURA


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("expired", "expired"),
        ("wrong_aud", "audience"),
        ("wrong_iss", "issuer"),
        ("hs256", "algorithm"),
        ("unknown_kid", "unknown_kid"),
        ("forged", "signature"),
    ],
)
async def test_a_bad_id_token_is_refused(line: Gateway, simulator: RunningSimulator, fault: str, reason: str) -> None:
    with pytest.raises(Forged) as caught:
        await line.verify_id_token(simulator.id_token(SAKURA, fault), datetime.now(UTC))
    assert caught.value.reason == reason


async def test_a_rotated_key_of_line_is_followed(line: Gateway, simulator: RunningSimulator) -> None:
    await line.verify_id_token(simulator.id_token(SAKURA), datetime.now(UTC))
    simulator.login_faults(rotate=True)
    found = await line.verify_id_token(simulator.id_token(SAKURA), datetime.now(UTC))
    assert found.user_id == SAKURA


async def test_deauthorizing_ends_the_persons_token(line: Gateway, simulator: RunningSimulator) -> None:
    token = simulator.tokens(SAKURA)["access_token"]
    asked = {"access_token": token}
    assert simulator.http.get("/oauth2/v2.1/verify", params=asked).status_code == 200
    await line.deauthorize(token)
    assert simulator.http.get("/oauth2/v2.1/verify", params=asked).status_code == 400


# ── リッチメニュー ──

MENU = {
    "size": {"width": 800, "height": 250},
    "selected": True,
    "name": "くらし",
    "chatBarText": "メニュー",
    "areas": [
        {
            "bounds": {"x": 0, "y": 0, "width": 800, "height": 250},
            "action": {"type": "uri", "uri": "https://www.city.bunkyo.lg.jp/", "label": "区のホームページ"},
        }
    ],
}


def _png() -> bytes:
    import io

    from PIL import Image

    held = io.BytesIO()
    Image.new("RGB", (800, 250), "white").save(held, "PNG")
    return held.getvalue()


async def _menu(line: Gateway) -> str:
    await line.validate_rich_menu(MENU)
    menu = await line.create_rich_menu(MENU)
    await line.upload_rich_menu_image(menu, _png(), "image/png")
    return menu


async def test_a_menu_is_made_shown_and_taken_back(line: Gateway, simulator: RunningSimulator) -> None:
    menu = await _menu(line)
    await line.set_default_rich_menu(menu)
    assert (await line.default_rich_menu(), await line.rich_menu_image(menu)) == (menu, _png())
    await line.clear_default_rich_menu()
    await line.delete_rich_menu(menu)
    assert (await line.default_rich_menu(), await line.rich_menus()) == (None, [])


async def test_a_menu_comes_back_as_it_was_declared(line: Gateway, simulator: RunningSimulator) -> None:
    menu = await _menu(line)
    assert await line.rich_menus() == [{"richMenuId": menu, **MENU}]


async def test_an_alias_is_made_moved_and_deleted(line: Gateway, simulator: RunningSimulator) -> None:
    first, second = await _menu(line), await _menu(line)
    await line.create_rich_menu_alias("kurashi", first)
    await line.update_rich_menu_alias("kurashi", second)
    assert await line.rich_menu_aliases() == {"kurashi": second}
    await line.delete_rich_menu_alias("kurashi")
    assert await line.rich_menu_aliases() == {}


async def test_a_default_of_the_console_is_a_403(line: Gateway, simulator: RunningSimulator) -> None:
    simulator.account(console_menu=True)
    with pytest.raises(LineError) as caught:
        await line.default_rich_menu()
    assert caught.value.status == 403


async def test_a_batch_runs_later_and_says_how_far_it_is(line: Gateway, simulator: RunningSimulator) -> None:
    simulator.account(job_seconds=60)
    await line.validate_rich_menu_batch([{"type": "unlinkAll"}])
    job = await line.batch_rich_menus([{"type": "unlinkAll"}], "apply-1")
    before = await line.rich_menu_batch_progress(job)
    simulator.finish_jobs()
    assert (before, await line.rich_menu_batch_progress(job)) == ("ongoing", "succeeded")


async def test_few_taps_give_only_the_id(line: Gateway, simulator: RunningSimulator) -> None:
    menu = await _menu(line)
    today = datetime.now(UTC).date()
    assert set(await line.rich_menu_insight(menu, today, today)) == {"richMenuId"}


async def test_a_refused_menu_says_why(line: Gateway, simulator: RunningSimulator) -> None:
    with pytest.raises(LineError) as caught:
        await line.validate_rich_menu({**MENU, "name": ""})
    assert caught.value.details
