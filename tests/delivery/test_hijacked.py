"""乗っ取られたアプリケーションの役割: SQLを何でも書けても、承認されたもの・送ったものは変えられない(CHECKS I1, I4, I5)。"""

import asyncio
import contextvars
from datetime import timedelta

import asyncpg
import pytest

from backend.delivery import accounts, decisions, freeze, outbox, retention, status
from backend.delivery.outbox import Everyone
from backend.store import work
from backend.store.pool import raw
from tests.delivery.conftest import APPROVER, approved, package, sending, until

FORBIDDEN = asyncpg.InsufficientPrivilegeError
BROKEN = asyncpg.PostgresError


async def one(statement, *args):
    return (await work.sql(statement, *args))[0]


@pytest.fixture
async def frozen(crowd, noon):
    """700人に確定した配信。送信単位は二つ。"""
    await crowd(700)
    delivery = await approved(package(noon))
    assert await work.run(freeze.freeze, delivery, 1)
    return delivery


@pytest.fixture
async def sent(crowd, noon, gateway, keys, simulator):
    await crowd(30)
    async with sending(gateway, keys):
        delivery = await approved(package(noon))
        await until(delivery)
    return delivery


@pytest.mark.parametrize(
    "change",
    [
        "source = 'message:2'", "title = 'x'", "owner_section = 'koho'", "public_number = 'x'", "kind = 'i'", "priority = 0",
        "silent = true", "address = 'everyone', criteria = null", "criteria = '{}'", "recipients_of = id",
        "send_at = ward_now() - interval '1 day'", "expires_at = expires_at + interval '1 year'", "source_at = ward_now()",
        "own_hour = true", "digest = sha256('x')", "approval_id = 1", "approval_subject = 'x'", "approval_digest = sha256('x')",
        "authorised_by = 'x'", "scheduled_at = ward_now()",
    ],
)  # fmt: skip
async def test_what_was_approved_cannot_be_rewritten(noon, change):
    await approved(package(noon))
    with pytest.raises(FORBIDDEN):
        await work.sql(f"update delivery set {change}")


async def test_every_column_of_a_delivery_is_either_fixed_or_named_in_the_grants(owner):
    """欄を足した人に、書き換えてよいかを決めさせる。"""
    rows = await owner.fetch(
        "select column_name from information_schema.columns where table_name = 'delivery' "
        "and has_column_privilege('ward_app', 'delivery', column_name, 'UPDATE') order by 1"
    )
    words = "accepted excluded finished_at first_accepted_at frozen frozen_at not_before reason refused released state unknown unsent"
    assert [row["column_name"] for row in rows] == words.split()


async def test_a_delivery_cannot_go_before_its_approved_time(noon):
    await approved(package(noon, send_at=noon + timedelta(hours=1)))
    with pytest.raises(asyncpg.CheckViolationError):
        await work.sql("update delivery set not_before = ward_now()")


@pytest.mark.parametrize("table", ["delivery", "delivery_batch", "delivery_body", "delivery_plan", "staff_member"])
async def test_nothing_of_a_delivery_can_be_deleted(sent, table):
    for statement in (f"delete from {table}", f"truncate {table} cascade"):
        with pytest.raises(FORBIDDEN):
            await work.sql(statement)


async def test_the_approved_bytes_cannot_be_rewritten(noon):
    await approved(package(noon))
    with pytest.raises(FORBIDDEN):
        await work.sql("update delivery_body set messages = 'x'")


async def test_a_delivery_without_its_approval_cannot_be_written(noon):
    await approved(package(noon))
    columns = (
        "title, owner_section, public_number, kind, priority, silent, address, criteria, send_at, expires_at, source_at, "
        "authorised_by, not_before"
    )
    for source, digest, subject, approval in (
        ("'message:9'", "digest", "approval_subject", "approval_digest"),  # よその依頼の承認
        ("'message:9'", "digest", "'message:9'", "approval_digest"),  # 承認の相手を偽る
        ("'garbage:1'", "digest", "approval_subject", "approval_digest"),  # 依頼の承認を計画と言う
        ("'garbage:1'", "sha256('x')", "'garbage:1'", "sha256('x')"),  # 承認がない
    ):
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.ForeignKeyViolationError)):
            await work.sql(
                f"insert into delivery (source, digest, approval_id, approval_subject, approval_digest, {columns}) "
                f"select {source}, {digest}, approval_id, {subject}, {approval}, {columns} from delivery"
            )


@pytest.mark.parametrize(
    "change",
    [
        "numbers = numbers || 99::bigint",
        "numbers = array_fill(numbers[1], array[cardinality(numbers)])",
        "numbers = null",
        "numbers = (select array_agg(n + 1) from unnest(numbers) n)",
        "retry_key = gen_random_uuid()",
        "retry_key = gen_random_uuid(), refused = refused + 1",
        "retry_key = gen_random_uuid(), state = 'ready'",
    ],
)
async def test_the_recipients_and_the_key_of_a_frozen_batch_stay(frozen, change):
    with pytest.raises(BROKEN, match=r"宛先|再試行の鍵"):
        await work.sql(f"update delivery_batch set {change}")


@pytest.mark.parametrize("change", ["delivery_id = 99", "position = 99", "language = 'en'", "size = 1"])
async def test_a_batch_stays_the_batch_it_is(frozen, change):
    with pytest.raises(FORBIDDEN):
        await work.sql(f"update delivery_batch set {change}")


async def test_no_batch_is_added_after_the_freeze(frozen):
    with pytest.raises(BROKEN, match="もう確定"):
        await work.sql(
            "insert into delivery_batch (delivery_id, position, language, size, numbers) "
            "select delivery_id, position + 100, language, size, numbers from delivery_batch"
        )


async def test_a_batch_slipped_in_before_the_freeze_stops_the_delivery(crowd, noon):
    await crowd(30)
    delivery = await approved(package(noon))
    await work.sql(
        "insert into delivery_batch (delivery_id, position, language, size, numbers) "
        "select $1, 900, 'ja', count(*), array_agg(number) from resident",
        delivery,
    )
    assert not await work.run(freeze.freeze, delivery, 1)
    assert (await status.by_id(delivery)).reason is outbox.Reason.UNAPPROVED


async def test_a_batch_slipped_in_during_the_freeze_waits_and_is_refused(crowd, noon):
    await crowd(30)
    delivery = await approved(package(noon))

    async def slip():
        async with raw() as connection, connection.transaction():
            await connection.execute("set local lock_timeout = '300ms'")
            await connection.execute(
                "insert into delivery_batch (delivery_id, position, language, size, numbers) values ($1, 900, 'ja', 1, '{1}')",
                delivery,
            )

    async def freezing():
        assert await freeze.freeze(delivery, 1)
        with pytest.raises(asyncpg.LockNotAvailableError):  # 確定の終わりを待っている
            await asyncio.create_task(slip(), context=contextvars.Context())  # 別の接続で

    await work.run(freezing)
    with pytest.raises(BROKEN, match="もう確定"):
        await slip()


@pytest.mark.parametrize("state", ["ready", "refused", "unknown"])
async def test_an_accepted_batch_never_waits_again(sent, state):
    with pytest.raises(BROKEN, match=r"決着|再試行の鍵"):
        await work.sql(
            "update delivery_batch set state = $1, accepted = 0, decided_by = 'x', retry_key = gen_random_uuid(), "
            "settled_at = case when $1 = 'ready' then null else ward_now() end",
            state,
        )


@pytest.mark.parametrize(
    "change",
    [
        "accepted = 0",
        "line_request_id = 'x'",
        "settled_at = ward_now()",
        "tries = 0",
        "first_tried_at = null",
        "answer = 'x'",
    ],
)
async def test_the_record_of_an_acceptance_stays(sent, change):
    with pytest.raises(BROKEN, match="決着"):
        await work.sql(f"update delivery_batch set {change}")


async def test_the_recipients_of_an_acceptance_are_kept_for_a_correction(sent):
    with pytest.raises(BROKEN, match="まだ消せません"):
        await work.sql("update delivery_batch set numbers = null")
    await work.sql("update clock_offset set shift = shift + interval '31 days'")
    assert await retention.forget_references() == 1


@pytest.mark.parametrize("state", ["scheduled", "frozen", "sending"])
async def test_a_finished_delivery_does_not_start_again(sent, state):
    with pytest.raises(BROKEN, match="終わった配信"):
        await work.sql("update delivery set state = $1, finished_at = null", state)


async def test_a_stopped_delivery_does_not_go_on(frozen):
    await work.run(decisions.stop, APPROVER, frozen)
    with pytest.raises(BROKEN, match="終わった配信"):
        await work.sql("update delivery set state = 'sending', finished_at = null")


@pytest.mark.parametrize("change", ["frozen = 1", "frozen_at = null", "frozen_at = ward_now() + interval '1 hour'"])
async def test_the_frozen_count_stays(frozen, change):
    with pytest.raises(BROKEN, match="もう確定"):
        await work.sql(f"update delivery set {change}")


async def test_a_refused_batch_is_sent_again_and_an_unknown_one_is_decided(frozen):
    """ふだんの道は開いている。"""
    await work.sql("update delivery set state = 'sending'")
    await work.sql(
        "update delivery_batch set state = 'refused', refused = size, settled_at = ward_now(), first_tried_at = ward_now() where position = 1"
    )
    await work.sql("update delivery_batch set state = 'unknown', settled_at = ward_now() where position = 2")
    assert await work.run(accounts.complete, frozen) == "unknown"
    await work.run(decisions.settle_unknown, APPROVER, frozen, sent=True)
    await work.run(decisions.resend_refused, APPROVER, frozen)
    assert (await one("select count(*) as n from delivery_batch where state = 'ready'"))["n"] == 1


async def test_everyone_is_one_broadcast(noon):
    delivery = await approved(package(noon, address=Everyone()))
    assert await work.run(freeze.freeze, delivery, 1)
    with pytest.raises(BROKEN, match="もう確定"):
        await work.sql("insert into delivery_batch (delivery_id, position, language) values ($1, 2, 'ja')", delivery)
    with pytest.raises(BROKEN, match="再試行の鍵"):
        await work.sql("update delivery_batch set retry_key = gen_random_uuid(), refused = 1")
