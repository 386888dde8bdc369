"""同意レシート: 区に尋ねずに確かめられ、値を一つでも変えると通らない(P6, C5)。"""

import json
import random
from datetime import datetime

import pytest
from pydantic import SecretStr

from backend.consent import notices, receipt
from backend.consent.notices import BY_CODE, Purpose
from backend.errors import Refused
from backend.residents import preferences
from backend.residents.choices import Choices
from backend.residents.vocabulary import AgeBand, Topic
from backend.store import clock, work
from tests.residents.people import SAKURA, consented

KEY = SecretStr("2" * 64)
PUBLIC = receipt.public_key(KEY)
FIELDS = {
    "schema_version",
    "record_id",
    "issued_at",
    "pii_controller",
    "jurisdiction",
    "legal_basis",
    "processing",
    "notice",
}


@pytest.fixture
async def document(database, keys) -> bytes:
    made = await consented(keys, SAKURA, Choices(purposes=Purpose.AREA | Purpose.PARENTING, area=12))
    return json.dumps(receipt.signed(made, KEY), ensure_ascii=False, indent=1).encode()


async def test_it_has_the_fields_and_verifies_offline(document):
    body = receipt.verify(document, PUBLIC)
    assert set(body) >= FIELDS
    assert {"event_id", "event_time", "notice_sha256", "valid_until"} <= set(body["processing"][0])


async def test_it_names_nobody(document, keys):
    text = document.decode()
    assert SAKURA not in text
    assert keys.index(SAKURA).hex not in text


async def test_it_still_verifies_after_everything_is_erased(document, keys, owner):
    """P12: 行も鍵も消えた後、レシートは通り、台帳の件だけが、名のないまま残る。"""
    await work.run(preferences.withdraw, keys, SAKURA)
    body = receipt.verify(document, PUBLIC)
    kept = {
        str(row["event_id"]) for row in await owner.fetch("select event_id from consent_event where action = 'granted'")
    }
    assert {one["event_id"] for one in body["processing"]} == kept
    assert await owner.fetchval("select count(*) from resident") == 0


async def test_any_changed_value_fails(document):
    tried = 0
    for changed in _changes(json.loads(document)):
        with pytest.raises(Refused):
            receipt.verify(json.dumps(changed, ensure_ascii=False).encode(), PUBLIC)
        tried += 1
    chance = random.Random(1)
    for _ in range(300):
        raw = bytearray(document)
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(7)
        try:
            same = json.loads(bytes(raw)) == json.loads(document)  # 空白だけが変わった
        except ValueError:
            same = False
        if not same:
            with pytest.raises(Refused):
                receipt.verify(bytes(raw), PUBLIC)
            tried += 1
    print(f"C5: 書き換えたレシート {tried}通り、通ったもの 0")


async def test_another_key_fails(document):
    with pytest.raises(Refused):
        receipt.verify(document, receipt.public_key(SecretStr("3" * 64)))


@pytest.mark.parametrize(
    "junk", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"signature":null}', b'{"signature":{"value":"a"}}']
)
def test_junk_is_refused(junk: bytes) -> None:
    with pytest.raises(Refused):
        receipt.verify(junk, PUBLIC)


async def test_a_repeated_name_is_refused(document):
    twice = document.replace(b'"record_type"', b'"jurisdiction": "XX",\n "record_type"', 1)
    with pytest.raises(Refused):
        receipt.verify(twice, PUBLIC)


async def test_without_a_key_it_is_unsigned_and_does_not_verify(database, keys):
    made = await consented(keys, SAKURA, Choices(purposes=Purpose.AREA))
    unsigned = receipt.signed(made, SecretStr(""))
    assert unsigned["signature"] is None
    with pytest.raises(Refused):
        receipt.verify(json.dumps(unsigned).encode(), PUBLIC)


def _changes(value, path=()):
    """一つの値だけを変えた写しのすべて。"""
    root = value

    def walk(node, path):
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for name, child in items:
            yield from walk(child, (*path, name))
        if not isinstance(node, dict | list):
            copy = json.loads(json.dumps(root))
            target = copy
            for name in path[:-1]:
                target = target[name]
            target[path[-1]] = _other(node)
            yield copy

    yield from walk(value, path)


def _other(value):
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x" if isinstance(value, str) else "x"


async def test_every_value_says_what_the_ledger_says(database, keys, owner):
    """P6, P15: 期限は保存の月数の後、保護者と読んだかは目的ごと、文のハッシュは本人の読んだ言語のもの。"""
    await clock.set_to(datetime(2026, 11, 24, 18, 0, tzinfo=clock.JST))
    young = Choices(
        purposes=Purpose.AREA | Purpose.AGE | Purpose.TOPICS,
        area=12,
        age_band=AgeBand.UP_TO_15,
        topics=(Topic.BOSAI,),
        guardian=True,
    )
    made = await consented(keys, SAKURA, young, language="en")
    body = receipt.verify(json.dumps(receipt.signed(made, KEY)).encode(), PUBLIC)
    notice = await notices.get(1, "en")
    events = {row["purpose"]: row for row in await owner.fetch("select * from consent_event")}
    assert body["record_type"] == "consent"
    assert body["notice"] == {"version": 1, "published_on": notice.published_on.isoformat()}
    assert [one["purpose"] for one in body["processing"]] == ["area", "age", "topics"]
    for one in body["processing"]:
        purpose = BY_CODE[one["purpose"]]
        event = events[int(purpose)]
        said = datetime.fromisoformat(one["event_time"])
        assert (one["event_id"], said) == (str(event["event_id"]), event["at"])
        assert datetime.fromisoformat(one["valid_until"]) == said.replace(year=2028)
        assert one["guardian"] is event["guardian"] is (purpose is not Purpose.AREA)
        assert (one["notice_version"], one["notice_language"]) == (1, "en")
        assert one["notice_sha256"] == notice.texts[purpose].sha256
    assert datetime.fromisoformat(body["issued_at"]) == max(event["at"] for event in events.values())
    assert "2026年11月24日(火) 18:00 に、次のことに同意しました。" in made.text
    assert "・地域のお知らせ(2028年11月24日(金)まで)" in made.text


async def test_a_grown_person_reads_without_a_guardian(database, keys):
    made = await consented(keys, SAKURA, Choices(purposes=Purpose.AGE, age_band=AgeBand.THIRTIES))
    assert [one["guardian"] for one in made.body["processing"]] == [False]
