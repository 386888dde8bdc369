"""Webhook: 生のバイトの署名、順番の乱れ、くり返し、止まったデータベース。話された中身はどこにも残らない。"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest_asyncio

from backend.consent.notices import Purpose
from backend.residents import preferences
from backend.residents.choices import Choices
from backend.store import clock, work
from tests.conftest import CHANNEL_SECRET
from tests.residents.conftest import PUBLIC, written
from tests.residents.people import SAKURA, consented, user

AREA_ONLY = Choices(purposes=Purpose.AREA, area=12)


def event(kind: str, who: str, at: datetime, number: int, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "mode": "active",
        "timestamp": int(at.timestamp() * 1000),
        "source": {"type": "user", "userId": who},
        "webhookEventId": f"01H{number:023d}",
        "deliveryContext": {"isRedelivery": False},
        **more,
    }


def body(*events: dict[str, Any]) -> bytes:
    return json.dumps({"destination": "U" + "f" * 32, "events": list(events)}, ensure_ascii=False).encode()


def sign(raw: bytes, secret: str = CHANNEL_SECRET) -> str:
    return base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()


@pytest_asyncio.fixture(loop_scope="session")
async def line_side(app):
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, trust_env=False) as client:

        async def deliver(raw: bytes, signature: str | None = None, **headers: str) -> httpx.Response:
            headers = {"x-line-signature": sign(raw) if signature is None else signature, **headers}
            return await client.post("/line/webhook", content=raw, headers=headers)

        deliver.client = client  # type: ignore[attr-defined]
        yield deliver


async def test_blocking_erases_before_the_answer(line_side, keys, owner):
    """P9。"""
    await consented(keys, SAKURA)
    answer = await line_side(body(event("unfollow", SAKURA, await later(1), 1)))
    assert answer.status_code == 200
    assert await owner.fetchval("select count(*) from resident") == 0
    assert await owner.fetchval("select count(*) from consent_event where channel = 'unfollow'") == 6


async def test_coming_back_restores_nothing(line_side, keys):
    await consented(keys, SAKURA)
    await line_side(body(event("unfollow", SAKURA, await later(1), 1)))
    await line_side(body(event("follow", SAKURA, await later(2), 2)))
    assert await preferences.held(keys, SAKURA) is None


async def test_a_block_older_than_the_consent_does_not_erase(line_side, keys):
    await consented(keys, SAKURA)
    await line_side(body(event("unfollow", SAKURA, await later(-60), 1)))
    assert await preferences.held(keys, SAKURA) is not None


async def test_the_same_event_twice_counts_once(line_side, keys):
    """同意し直した後に、時計の進んだ知らせが重ねて届いても、二度目は見ない。"""
    first = event("unfollow", SAKURA, await later(3600), 1)
    await consented(keys, SAKURA)
    await line_side(body(first))
    await consented(keys, SAKURA)
    await line_side(body(first | {"deliveryContext": {"isRedelivery": True}}))
    assert await preferences.held(keys, SAKURA) is not None


async def test_standby_is_left_to_the_other_system(line_side, keys):
    await consented(keys, SAKURA)
    await line_side(body(event("unfollow", SAKURA, await later(1), 1, mode="standby")))
    assert await preferences.held(keys, SAKURA) is not None


async def test_an_empty_call_is_a_connection_check(line_side):
    assert (await line_side(body())).status_code == 200


async def test_what_people_write_is_neither_kept_nor_logged_nor_answered(
    line_side, owner, line_settings, caplog, simulator
):
    """RULES 49, POL 5(5)。"""
    caplog.set_level(logging.DEBUG)
    simulator.clear_ledger()
    words = "たすけてください合言葉ぴよぴよ"
    message = event(
        "message", SAKURA, await later(1), 1, message={"type": "text", "id": "1", "text": words}, replyToken="r" * 32
    )
    answer = await line_side(body(message))
    assert (answer.status_code, answer.json()) == (200, {})
    assert simulator.ledger()["calls"] == []
    assert words not in caplog.text
    assert words.encode() not in written(line_settings.data_dir)
    for table in await owner.fetch("select tablename from pg_tables where schemaname = 'public'"):
        rows = await owner.fetch(f'select t::text from "{table[0]}" t')
        assert not any(words in row[0] for row in rows), table[0]


async def test_odd_calls_get_4xx_and_never_5xx(line_side):
    odd = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"events": {}}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"events":[1,null,"x",{"type":3}]}',
    ]
    answers = [(await line_side(raw)).status_code for raw in odd]
    assert answers == [400] * 7 + [200]
    strange = [
        event("unfollow", SAKURA, await later(1), 1) | {"timestamp": value}
        for value in (10**30, -1, "1", True, None, 1.5)
    ]
    strange += [
        event("unfollow", SAKURA, await later(1), 2) | {"source": value} for value in (None, [], {}, {"userId": "x"})
    ]
    strange += [
        event("unfollow", SAKURA, await later(1), 3) | {"webhookEventId": name}
        for name in ("", "x" * 64, "x" * 5000, "\0", "あ")
    ]
    assert {(await line_side(body(one))).status_code for one in strange} == {200}


async def test_signed_nonsense_never_breaks_the_server(line_side, keys):
    """正しく署名された、形のおかしな本文。LINEの側が変わっても、5xxで送り直させ続けない。"""
    await consented(keys, SAKURA)
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    odd = [None, True, -1, 2**63, 1e308, "", "あ\0", "U" * 40, [], {}, [[]], {"a": {"b": []}}]
    answers: list[int] = []
    for number in range(300):
        one = event("unfollow", SAKURA, await later(-60), number)
        place = chance.choice([one, one["source"], one["deliveryContext"]])
        for name in chance.sample(sorted(place), chance.randint(1, len(place))):
            place[name] = chance.choice(odd)
        whole = {
            "destination": chance.choice(odd),
            "events": chance.choice([[one], [one, chance.choice(odd)], one, None]),
        }
        raw = json.dumps(whole).encode()
        answers.append(
            (await line_side(raw[: chance.randint(1, len(raw))] if chance.random() < 0.2 else raw)).status_code
        )
    kinds = {status: answers.count(status) for status in sorted(set(answers))}
    print(f"W2: 種 {seed}、署名の正しいおかしな本文 {len(answers)}、返事 {kinds}")
    assert set(answers) <= {200, 400}
    assert await preferences.held(keys, SAKURA) is not None


async def test_a_huge_body_is_refused_before_it_is_read(line_side):
    assert (await line_side(b"x" * 1_000_001)).status_code == 413


def variants(raw: bytes) -> list[tuple[bytes, str]]:
    """W2: 本物でない署名。(本文, 署名)"""
    good, chance = sign(raw), random.Random(20261124)
    digest = base64.b64decode(good)
    made = [(raw, s) for s in ("", " ", "=", "A" * 44, good[:-1], good + "=", good.lower(), good[::-1], digest.hex())]
    made += [(raw, sign(raw, other)) for other in ("", "f" * 32, CHANNEL_SECRET.upper(), CHANNEL_SECRET + "0")]
    made += [
        (raw, base64.b64encode(hmac.new(CHANNEL_SECRET.encode(), raw, algorithm).digest()).decode())
        for algorithm in ("sha1", "sha512", "md5")
    ]
    made += [(raw, base64.urlsafe_b64encode(bytes(32)).decode()), (raw, f"sha256={good}"), (raw, f" {good}x")]
    made += [(json.dumps(json.loads(raw), indent=n).encode(), good) for n in (0, 1, 2)]
    made += [(raw + b" ", good), (b" " + raw, good), (raw.replace(b"unfollow", b"follow"), good)]
    while len(made) < 300:
        if chance.random() < 0.5:
            flipped = bytearray(digest)
            flipped[chance.randrange(32)] ^= 1 << chance.randrange(8)
            made.append((raw, base64.b64encode(bytes(flipped)).decode()))
        else:
            changed = bytearray(raw)
            changed[chance.randrange(len(raw))] ^= 1 << chance.randrange(7)
            made.append((bytes(changed), good))
    return made


async def test_no_forged_signature_is_accepted(line_side, keys):
    await consented(keys, SAKURA)
    raw = body(event("unfollow", SAKURA, await later(1), 1))
    answers = [(await line_side(changed, signature)).status_code for changed, signature in variants(raw)]
    answers.append((await line_side.client.post("/line/webhook", content=raw)).status_code)
    answers.append(
        (
            await line_side.client.post("/line/webhook", content=raw, headers=[(b"x-line-signature", b"\xff\xfe")])
        ).status_code
    )
    print(f"W2: 署名の変種 {len(answers)}、受け入れた偽物 {answers.count(200)}、5xx {sum(a >= 500 for a in answers)}")
    assert set(answers) == {400}
    assert await preferences.held(keys, SAKURA) is not None


async def test_both_secrets_are_good_while_the_channel_is_changing(line_settings, database, keys):
    """W2: シークレットの切り替えの間、何も失わない。"""
    from pydantic import SecretStr

    from backend.app import create_app
    from backend.line.gateway import Gateway

    changing = line_settings.model_copy(update={"line_channel_secret_next": SecretStr("9" * 32)})
    line = Gateway.from_settings(changing)
    transport = httpx.ASGITransport(app=create_app(changing, line))
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, trust_env=False) as client:
        for number, secret in enumerate((CHANNEL_SECRET, "9" * 32, "8" * 32)):
            raw = body(event("follow", SAKURA, await later(1), number))
            answer = await client.post("/line/webhook", content=raw, headers={"x-line-signature": sign(raw, secret)})
            assert answer.status_code == (400 if number == 2 else 200)
    await line.close()


async def test_two_thousand_shuffled_and_repeated_events_settle_by_their_time(line_side, keys, owner, schema):
    """W1(小): 同意の時刻を挟んで前後するブロック。2割はくり返し、順は乱し、途中でデータベースが落ちる。"""
    seed = time.time_ns() % 2**32
    chance = random.Random(seed)
    people = [user(1000 + n) for n in range(200)]
    await work.run(preferences.save_many, keys, [(one, AREA_ONLY) for one in people])
    agreed = await clock.now()
    events, last = [], {}
    for number in range(1600):
        who = chance.choice(people)
        at = agreed + timedelta(seconds=chance.randint(-5000, 300) or 1)
        kind = chance.choice(("follow", "unfollow", "message"))
        events.append(event(kind, who, at, number))
        if kind == "unfollow" and at > agreed:
            last[who] = at
    events += chance.sample(events, 400)
    chance.shuffle(events)
    batches = [body(*events[n : n + 5]) for n in range(0, len(events), 5)]
    times: list[float] = []
    pids: list[Any] = []

    async def until_accepted(raw: bytes) -> None:
        for _ in range(20):
            began = time.perf_counter()
            if (await line_side(raw)).status_code == 200:
                times.append((time.perf_counter() - began) * 1000)
                return
            await asyncio.sleep(0.1)
        raise AssertionError("受け取られない")

    for n in range(0, len(batches), 4):
        if n == 200:
            pids = await owner.fetch("select pid from pg_stat_activity where usename = 'ward_app'")
            for row in pids:
                await owner.execute("select pg_terminate_backend($1)", row["pid"])
        await asyncio.gather(*(until_accepted(raw) for raw in batches[n : n + 4]))
    left = {one for one in people if await preferences.held(keys, one) is not None}
    wrong = left ^ (set(people) - set(last))
    times.sort()
    print(
        f"W1: 種 {seed}、出来事 {len(events)}、接続の切断 {len(pids)}、食い違い {len(wrong)}、"
        f"返事 p99 {times[int(len(times) * 0.99)]:.0f} ms(上限 200 ms)"
    )
    assert wrong == set()


async def test_a_database_out_of_reach_is_503_so_that_line_sends_again(line_side, keys):
    from backend.store.pool import DB

    await consented(keys, SAKURA)
    raw = body(event("unfollow", SAKURA, await later(1), 1))
    pool, DB.pool = DB.pool, None
    try:
        assert (await line_side(raw)).status_code == 503
    finally:
        DB.pool = pool
    assert await preferences.held(keys, SAKURA) is not None
    assert (await line_side(raw)).status_code == 200
    assert await preferences.held(keys, SAKURA) is None


async def later(seconds: float) -> datetime:
    return (await clock.now() + timedelta(seconds=seconds)).astimezone(UTC)
