"""C3・C7: やめた人は、どこにもいない。データベースの写し、データの置き場、記録を、バイトで探す。"""

import asyncio
import logging
import secrets
import time
from typing import Any

import pytest

from backend.consent import receipt
from backend.database import embedded, programs
from backend.delivery import freeze, retention
from backend.delivery.outbox import ByCriteria
from backend.residents import erasure, preferences, rights
from backend.residents.address import AddressKeys
from backend.store import clock, work
from backend.ward.kinds import Kind
from tests import cast
from tests.consent.desk import OFFICER
from tests.delivery.conftest import approved, package
from tests.residents.conftest import Page, form, written
from tests.residents.people import SAKURA, everything, user
from tests.residents.test_webhook import body, event, later, line_side

__all__ = ["line_side"]
PEOPLE, PHONES = 1000, 40
AREA_12 = ByCriteria('{"all":[{"any":[{"field":"area","value":12,"not":false}]}]}')


def dumped(server: embedded.Server, *options: str) -> bytes:
    """データベースの写し(pg_dump)。"""
    done = programs.run(["pg_dump", *options, server.owner_url])
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


async def test_a_thousand_people_who_left_are_nowhere(
    line_side, pages, simulator, keys, owner, schema, line_settings, caplog
):
    caplog.set_level(logging.DEBUG)
    people = [user(50_000 + n) for n in range(PEOPLE)]
    receipts = await work.run(preferences.save_many, keys, [(who, await everything()) for who in people])
    rows = {row["id"]: row for row in await owner.fetch("select * from resident")}
    needles = {needle for who in people for needle in traces(keys, who, rows[keys.index(who)])}
    await _in_a_delivery(owner)
    phones = await _everything_open(pages, simulator, keys, people[:PHONES], needles)
    assert await owner.fetchval("select count(*) from counter_code") == PHONES
    assert await owner.fetchval("select count(*) from counter_case") == PHONES
    assert len(found_in(dumped(schema), needles)) == PEOPLE * 4 + PHONES, "探し方が働いている"
    times = sorted(await _leave(line_side, keys, people, phones))
    p99 = times[int(len(times) * 0.99)]
    journal = keys.journal.read_bytes()
    # 消去の記録の鍵付きハッシュだけは、控えのために残す。ほかに残るのは、下で見る配信の番号だけ。
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))
    stored = written(line_settings.data_dir).replace(journal, b"")
    scanned = dumped(schema, "--exclude-table-data=delivery_batch") + stored + logged.encode()
    hits = found_in(scanned, needles)
    still = sum(bool(receipt.verify(_bytes(one, line_settings), _public(line_settings))) for one in receipts)
    print(
        f"C3: やめた人 {PEOPLE}(電話から {PHONES})、探した綴り {len(needles)}、見つかった数 {len(hits)}、"
        f"確かめられるレシート {still}、消えるまで p99 {p99 * 1000:.0f} ms、探したバイト {len(scanned):,}"
    )
    assert hits == set()
    assert p99 <= 60
    assert still == PEOPLE
    for table in ("resident", "resident_child", "counter_code", "counter_case"):
        assert await owner.fetchval(f"select count(*) from {table}") == 0, table
    assert len(journal.splitlines()) == PEOPLE
    assert not found_in(journal, needles)
    await _only_numbers_of_nobody_stay_in_the_delivery(owner, schema, needles, rows)


async def _in_a_delivery(owner: Any) -> None:
    """全員が、もう固まった一つの配信に入っている。"""
    made = await approved(package(await clock.now(), kind=Kind.I, address=AREA_12))
    await work.run(freeze.freeze, made, 1)
    assert await owner.fetchval("select sum(cardinality(numbers)) from delivery_batch") == PEOPLE


async def _everything_open(
    pages: Any, simulator: Any, keys: AddressKeys, people: list[str], needles: set[bytes]
) -> dict[str, Page]:
    """電話でサインインし、写しを受け取り、窓口の一件と、次の本人コードが開いたままの人たち。その綴りも探すものに足す。"""
    await cast.enrol(OFFICER)
    simulator.add_friends(*people)
    phones: dict[str, Page] = {}
    for who in people:
        phones[who] = page = pages()
        assert (await page.sign_in(who)).status_code == 200
        for name in ("download", "download.txt"):
            assert (await page.call("GET", f"/liff/api/me/{name}")).status_code == 200
        code = (await page.call("POST", "/liff/api/code")).json()["code"]
        await work.run(rights.open_case, OFFICER, keys, code)
        second = (await page.call("POST", "/liff/api/code")).json()["code"]
        needles |= {rights._digest(keys, one).hex().encode() for one in (code, second)}
        needles |= {value.encode() for value in page.http.cookies.values()}
    return phones


async def _only_numbers_of_nobody_stay_in_the_delivery(owner: Any, schema: Any, needles: set[bytes], rows: Any) -> None:
    """/privacy のとおり: 送信単位に残るのは、だれのものでもなくなった乱数の番号だけで、それも終わって30日で消える。"""
    numbers = {str(row["number"]).encode() for row in rows.values()}
    assert found_in(dumped(schema, "--table=delivery_batch"), needles) == numbers
    assert (
        await owner.fetchval("select count(*) from resident r, delivery_batch b where r.number = any(b.numbers)") == 0
    )
    await owner.execute("update delivery set state = 'sent', finished_at = ward_now()")
    await clock.advance(30 * 86400 - 60)
    assert await retention.forget_references() == 0
    await clock.advance(120)
    assert await retention.forget_references() > 0
    assert found_in(dumped(schema), needles) == set()


async def _leave(line_side: Any, keys: AddressKeys, people: list[str], phones: dict[str, Page]) -> list[float]:
    """電話のある人は電話から、ほかの半分は自分でやめ、半分はブロックする。一人ずつの、消えるまでの秒。"""
    times: list[float] = []

    async def one(number: int, who: str) -> None:
        began = time.perf_counter()
        if who in phones:
            answer = await phones[who].call("DELETE", "/liff/api/me")
            assert answer.json()["proof"]["rows_left"] == 0
        elif number % 2:
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
