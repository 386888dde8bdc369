"""確定: 読めない条件も、足りない人数も、承認のない中身も、だれにも送られない(CHECKS G2, G3, I4, I5)。"""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.approval import foureyes
from backend.consent.notices import Purpose
from backend.delivery import decisions, freeze, outbox, retention, status
from backend.delivery.outbox import ByCriteria, Everyone
from backend.errors import Refused
from backend.line import message
from backend.residents.choices import Choices
from backend.residents.vocabulary import Language
from backend.store import work
from backend.ward.kinds import Kind
from tests.delivery.conftest import APPROVER, HONGO, approved, lives_in_hongo, package, sending, until

BAD = [
    "",
    "null",
    "{}",
    "[]",
    '{"all":[]}',
    '{"all":[{"any":[]}]}',
    '{"any":[{"field":"area","value":41}]}',
    '{"all":[{"any":[{"field":"area","value":"41"}]}]}',
    '{"all":[{"any":[{"field":"area","value":null}]}]}',
    '{"all":[{"any":[{"field":"area","value":true}]}]}',
    '{"all":[{"any":[{"field":"area","value":9999}]}]}',
    '{"all":[{"any":[{"field":"everyone","value":1}]}]}',
    '{"all":[{"any":[{"field":"topic","value":"deleted"}]}]}',
    '{"all":[{"any":[{"field":"area","value":41,"not":1}]}]}',
    '{"all":[{"any":[{"field":"area","value":41}]},{"any":[]}]}',
    '{"all":[{"any":[{"field":"area","value":41}]}],"all":[]}',
]


async def frozen(made, minimum=1):
    delivery = await approved(made)
    await work.run(freeze.freeze, delivery, minimum)
    return await status.by_id(delivery)


@pytest.mark.parametrize("criteria", BAD)
async def test_criteria_that_cannot_be_read_reach_nobody(crowd, noon, criteria):
    await crowd(30)
    found = await frozen(package(noon, address=ByCriteria(criteria)))
    assert (found.state.value, found.reason.value, found.everyone) == ("held", "unreadable", False)
    assert await work.sql("select 1 from delivery_batch") == []


words = st.one_of(st.none(), st.booleans(), st.integers(-5, 100), st.text(max_size=8))
terms = st.dictionaries(st.sampled_from(["field", "value", "not", "x"]), words, max_size=4)
documents = st.dictionaries(
    st.sampled_from(["all", "any", "everyone"]),
    st.lists(st.dictionaries(st.sampled_from(["any", "all"]), st.lists(terms, max_size=3), max_size=2), max_size=3),
    max_size=2,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents)
async def test_no_document_at_all_becomes_everyone(noon, document):
    found = await frozen(package(noon, address=ByCriteria(json.dumps(document))))
    assert found.everyone is False
    assert found.state.value in ("held", "stopped", "frozen")
    assert found.frozen in (None, 0)


async def test_a_negated_term_reaches_only_those_who_answered(crowd, noon):
    await crowd(30)
    await crowd(25, lambda n: Choices(purposes=Purpose.AREA, area=12), first=100)
    await crowd(40, lambda n: Choices(purposes=Purpose.AGE, age_band=30), first=200)
    others = ByCriteria('{"all":[{"any":[{"field":"area","value":41,"not":true}]}]}')
    assert (await frozen(package(noon, address=others))).frozen == 25


async def test_criteria_that_match_nobody_end_at_once(noon):
    found = await frozen(package(noon, kind=Kind.E))
    assert (found.state.value, found.reason.value) == ("stopped", "nobody")


async def test_nineteen_people_are_too_few_for_a_written_message(crowd, noon):
    await crowd(19)
    found = await frozen(package(noon), minimum=20)
    assert (found.state.value, found.reason.value) == ("held", "minimum")
    assert await work.sql("select 1 from delivery_batch") == []


async def test_the_minimum_counts_the_union_of_the_languages(crowd, noon):
    await crowd(15)
    await crowd(5, english, first=100)
    made = package(noon, bodies={"ja": BODY, "en": message.encode([message.text("Hello")])})
    assert (await frozen(made, minimum=20)).frozen == 20


async def test_an_english_reader_gets_the_english_body_and_others_the_japanese(crowd, noon, gateway, keys, simulator):
    japanese = await crowd(40)
    readers = await crowd(30, english, first=100)
    chinese = await crowd(10, lambda n: replace(english(n), language=Language.ZH), first=200)
    made = package(noon, bodies={"ja": BODY, "en": message.encode([message.text("Hello")])})
    async with sending(gateway, keys):
        await until(await approved(made))
    got = {one["user"]: one["messages"][0]["text"] for one in simulator.received()}
    assert {got[user] for user in readers} == {"Hello"}
    assert {got[user] for user in japanese + chinese} == {"ねこ"}


BODY = message.encode([message.text("ねこ")])


def english(number):
    return Choices(purposes=Purpose.AREA | Purpose.LANGUAGE, area=lives_in_hongo().area, language=Language.EN)


async def test_a_delivery_without_an_approval_of_its_bytes_is_not_scheduled(noon):
    made = package(noon)
    approval = await foureyes.approve(APPROVER, made.source, outbox.digest(made))
    for changed in (
        replace(made, title="別の件名"),
        replace(made, bodies={"ja": BODY}),
        replace(made, address=Everyone()),
        replace(made, send_at=made.send_at + timedelta(minutes=1)),
        replace(made, kind=Kind.I),
        replace(made, silent=True),
        replace(made, source="message:9999"),
    ):
        with pytest.raises(Refused):
            await work.run(outbox.schedule, changed, approval, "佐藤")


@pytest.mark.parametrize(
    "tampering",
    [
        'update delivery_body set messages = \'[{"type":"text","text":"x"}]\'',
        "update delivery set address = 'everyone', criteria = null",
        "update delivery set criteria = replace(criteria, '41', '12')",
        "update delivery set approval_id = approval_id + 1 where false; update delivery set title = 'x'",
        "update delivery set digest = decode(repeat('00', 32), 'hex'), approval_digest = decode(repeat('00', 32), 'hex')",
        "insert into delivery_body (delivery_id, language, messages) select id, 'en', '[]' from delivery",
    ],
)
async def test_a_row_changed_after_the_approval_sends_nothing(crowd, noon, owner, tampering):
    await crowd(30)
    delivery = await approved(package(noon))
    await owner.execute("set session_replication_role = replica")  # 外部キーも越えてくる相手
    await owner.execute(tampering)
    await work.run(freeze.freeze, delivery, 1)
    found = await status.by_id(delivery)
    assert (found.state.value, found.reason.value) == ("held", "unapproved")


async def test_the_same_source_twice_is_one_delivery(noon):
    made = package(noon)
    first = await approved(made)
    approval = (await work.sql("select max(id) as id from approval"))[0]["id"]
    assert await work.run(outbox.schedule, made, approval, "佐藤") == first
    assert len(await outbox.listing()) == 1


async def test_references_are_gone_thirty_days_after_the_end(crowd, noon, gateway, keys, simulator):
    await crowd(30)
    async with sending(gateway, keys):
        await until(await approved(package(noon)))
    assert await retention.forget_references() == 0
    await work.sql("update clock_offset set shift = shift + interval '31 days'")
    assert await retention.forget_references() == 1
    assert (await work.sql("select numbers from delivery_batch"))[0]["numbers"] is None


async def test_the_batches_hold_no_line_id(crowd, noon, owner):
    users = await crowd(30)
    await frozen(package(noon))
    stored = str(await owner.fetch("select * from delivery_batch")) + str(await owner.fetch("select * from delivery"))
    assert not any(user in stored or user[1:] in stored for user in users)


async def test_an_address_is_everyone_only_when_it_was_chosen():
    assert Everyone() != HONGO


@pytest.mark.parametrize(
    "change",
    [
        "update delivery_body set messages = messages || ' '",
        "update delivery set address = 'everyone', criteria = null",
    ],
)
async def test_what_was_rewritten_after_freezing_is_never_sent(crowd, noon, gateway, keys, simulator, owner, change):
    """確定から送り始めるまでの間(上限待ち、夜、停止)に書き換えられても、承認されたもののほかは出ない(I4, I5)。"""
    await crowd(30)
    delivery = await approved(package(noon))
    assert await work.run(freeze.freeze, delivery, 1)
    await owner.execute(change)
    async with sending(gateway, keys):
        held = await until(delivery, lambda found: found.state.value == "held")
    assert held.reason is outbox.Reason.UNAPPROVED
    assert simulator.received() == []


async def test_a_restored_delivery_is_not_released_before_its_approved_time(crowd, noon, gateway, keys, simulator):
    await crowd(30)
    delivery = await approved(package(noon, send_at=noon + timedelta(hours=1)))
    await work.run(freeze.hold, delivery, outbox.Reason.RESTORED)
    await work.run(decisions.release, APPROVER, delivery)
    rows = await work.sql("select not_before, send_at from delivery where id = $1", delivery)
    assert rows[0]["not_before"] == rows[0]["send_at"]
