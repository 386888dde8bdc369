"""C3・C7: やめた人は、どこにもいない。データベースの写し、データの置き場、記録を、バイトで探す。"""

import asyncio
import logging
import secrets
import time
from typing import Any

import pytest

from backend.consent import receipt
from backend.database import embedded, programs
from backend.residents import erasure, preferences
from backend.residents.address import AddressKeys
from backend.store import work
from tests.residents.conftest import form, written
from tests.residents.people import SAKURA, everything, user
from tests.residents.test_webhook import body, event, later, line_side

__all__ = ["line_side"]
PEOPLE = 1000


def dumped(server: embedded.Server) -> bytes:
    """データベースの写し(pg_dump)。"""
    done = programs.run(["pg_dump", server.owner_url])
    assert done.returncode == 0, done.stderr
    return done.stdout.encode()


def found_in(haystack: bytes, needles: set[bytes]) -> set[bytes]:
    """`haystack` のどこかにある綴り。始めの8バイトで当たりを付け、全体で確かめる。"""
    starts: dict[bytes, list[bytes]] = {}
    for needle in needles:
        starts.setdefault(needle[:8], []).append(needle)
    return {
        needle
        for at in range(len(haystack) - 7)
        if (near := starts.get(haystack[at : at + 8]))
        for needle in near
        if haystack.startswith(needle, at)
    }


def traces(keys: AddressKeys, who: str, row: Any) -> list[bytes]:
    """一人を指すものの、ありうるすべての綴り。"""
    sealed, number, key = bytes(row["cipher"]), row["number"], bytes(row["subject_key"])
    index = keys.index(who)
    found = [
        who.encode(),
        who[1:].encode(),
        str(index).encode(),
        index.hex.encode(),
        index.bytes,
        sealed,
        sealed.hex().encode(),
    ]
    return [*found, key, key.hex().encode(), str(number).encode(), b'"%d"' % number]


async def test_a_thousand_people_who_left_are_nowhere(line_side, keys, owner, schema, line_settings, caplog):
    caplog.set_level(logging.DEBUG)
    people = [user(50_000 + n) for n in range(PEOPLE)]
    receipts = await work.run(preferences.save_many, keys, [(who, await everything()) for who in people])
    rows = {row["id"]: row for row in await owner.fetch("select * from resident")}
    needles = {needle for who in people for needle in traces(keys, who, rows[keys.index(who)])}
    assert len(found_in(dumped(schema), needles)) >= PEOPLE * 4, "探し方が働いている"
    times = sorted(await _leave(line_side, keys, people))
    journal = keys.journal.read_bytes()
    # 消去の記録の鍵付きハッシュだけは、控えのために残す。ほかに残るものはない。
    scanned = dumped(schema) + written(line_settings.data_dir).replace(journal, b"") + caplog.text.encode()
    hits = found_in(scanned, needles)
    still = sum(bool(receipt.verify(_bytes(one, line_settings), _public(line_settings))) for one in receipts)
    print(
        f"C3: やめた人 {PEOPLE}、探した綴り {len(needles)}、見つかった数 {len(hits)}、確かめられるレシート {still}、"
        f"消えるまで p99 {times[int(len(times) * 0.99)] * 1000:.0f} ms、探したバイト {len(scanned):,}"
    )
    assert hits == set()
    assert still == PEOPLE
    assert await owner.fetchval("select count(*) from resident_child") == 0
    assert len(journal.splitlines()) == PEOPLE
    assert not found_in(journal, needles)


async def _leave(line_side: Any, keys: AddressKeys, people: list[str]) -> list[float]:
    """半分は自分でやめ、半分はブロックする。一人ずつの、消えるまでの秒。"""
    times: list[float] = []

    async def one(number: int, who: str) -> None:
        began = time.perf_counter()
        if number % 2:
            await work.run(preferences.withdraw, keys, who)
        else:
            answer = await line_side(body(event("unfollow", who, await later(1), 90_000 + number)))
            assert answer.status_code == 200
        times.append(time.perf_counter() - began)

    for start in range(0, len(people), 8):
        await asyncio.gather(*(one(start + n, who) for n, who in enumerate(people[start : start + 8])))
    await erasure.sweep(keys)
    return times


def _bytes(made: Any, settings: Any) -> bytes:
    return receipt.canonical(receipt.signed(made, settings.receipt_signing_key))


def _public(settings: Any) -> str:
    return receipt.public_key(settings.receipt_signing_key)


@pytest.fixture
def canaries() -> dict[str, str]:
    return {"user": "U" + secrets.token_hex(16), "area": "本郷三丁目", "topic": "bosai"}


async def test_nothing_personal_reaches_logs_urls_or_line(page, simulator, canaries, caplog, line_settings):
    """C7(サーバーの側): 一通りを歩いた後、記録・データの置き場・LINEへの呼び出しに、人の印と選んだことがない。"""
    caplog.set_level(logging.DEBUG)
    who = canaries["user"]
    simulator.add_friends(who)
    simulator.clear_ledger()
    urls: list[str] = []
    page.http.event_hooks["request"].append(_noting(urls))
    tokens = simulator.tokens(who)
    await page.offer(tokens["id_token"])
    await page.call("PUT", "/liff/api/me", json=form(purposes=["area", "topics"], area=28, topics=["bosai"]))
    await page.call("GET", "/liff/api/me")
    await page.call("GET", "/liff/api/me/download.txt")
    await page.call("POST", "/liff/api/code")
    await page.call("DELETE", "/liff/api/me/area")
    await page.call("DELETE", "/liff/api/me", json={"access_token": tokens["access_token"]})
    ours = [record for record in caplog.records if record.name.startswith("backend")]
    logged = "\n".join(record.getMessage() for record in ours)
    stored = written(line_settings.data_dir).decode(errors="replace")
    calls = [call["endpoint"] for call in simulator.ledger()["calls"]]
    leaks = [
        (name, value) for name, value in canaries.items() for place in (logged, "".join(urls), stored) if value in place
    ]
    print(f"C7: 印 {len(canaries)}、道 {len(urls)}、LINEへの呼び出し {len(calls)}、漏れ {len(leaks)}")
    assert leaks == []
    assert not any("richmenu" in call or "audience" in call for call in calls)


def _noting(urls: list[str]) -> Any:
    async def note(request: Any) -> None:
        urls.append(str(request.url))

    return note


async def test_a_person_on_the_page_of_held_things_is_not_named(page, simulator):
    simulator.add_friends(SAKURA)
    await page.sign_in(SAKURA)
    await page.save()
    for path in ("/liff/api/me", "/liff/api/me/download", "/liff/api/me/download.txt"):
        assert SAKURA not in (await page.call("GET", path)).text
