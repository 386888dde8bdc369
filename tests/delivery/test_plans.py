"""計画: 承認された計画に入っている包みだけが、その計画で出る。多すぎる・古い自動の配信は止まる(CHECKS I4, D13)。"""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from backend.approval import foureyes
from backend.delivery import brakes, freeze, outbox, plans, status
from backend.delivery.outbox import Everyone, Package
from backend.errors import Refused
from backend.line import message
from backend.store import work
from backend.ward.kinds import Kind
from tests import cast
from tests.delivery.conftest import APPROVER, package, sending

YEAR = "garbage:2026"


async def approve(packages: list[Package], subject: str = YEAR) -> tuple[int, tuple[str, bytes]]:
    """承認の番号と、`schedule` に渡す計画。"""
    digest = await plans.keep(subject, packages)
    return await foureyes.approve(APPROVER, subject, digest), (subject, digest)


async def planned(packages: list[Package]) -> list[int]:
    approval, plan = await approve(packages)
    return [await work.run(outbox.schedule, made, approval, "ごみ収集日", plan=plan) for made in packages]


async def frozen_one_by_one(deliveries: list[int]) -> list[str]:
    states = []
    for delivery in deliveries:
        await work.run(freeze.freeze, delivery, 20)
        states.append((await status.by_id(delivery)).state.value)
    return states


def evening(noon, number: int = 7, **changes) -> Package:
    return package(noon, **{"source": f"garbage:A{number:02d}:2026-11-25", "kind": Kind.E, **changes})


async def refused(made: Package, approval: int, plan: tuple[str, bytes]) -> None:
    with pytest.raises(Refused, match="一致しない"):
        await work.run(outbox.schedule, made, approval, "x", plan=plan)
    assert await outbox.listing() == []


async def test_a_plan_that_was_approved_carries_its_deliveries(crowd, noon):
    await crowd(30)
    deliveries = await planned([evening(noon, 7), evening(noon, 8)])
    assert await frozen_one_by_one(deliveries) == ["frozen", "frozen"]


@pytest.mark.parametrize(
    "changes",
    [
        {"bodies": {"ja": message.encode([message.text("別の文")])}},
        {"address": Everyone()},
        {"kind": Kind.I},
        {"source": "garbage:A08:2026-11-25"},
        {"title": "別の件名"},
        {"silent": True},
    ],
)
async def test_a_package_that_is_not_in_the_plan_is_not_scheduled(noon, changes):
    made = evening(noon)
    approval, plan = await approve([made])
    await refused(replace(made, **changes), approval, plan)
    await refused(replace(made, send_at=made.send_at + timedelta(minutes=1)), approval, plan)


@pytest.mark.parametrize("source", ["message:77", "parenting:step:3", "garbagex:1", "menu:1"])
async def test_a_plan_carries_nothing_of_another_feed(noon, source):
    """承認された計画が一つあれば何でも出る、という抜け道をふさぐ。"""
    stranger = package(noon, source=source, kind=Kind.I)
    with pytest.raises(Refused, match="よその出どころ"):
        await plans.keep(YEAR, [evening(noon), stranger])
    approval, plan = await approve([evening(noon)])
    await refused(stranger, approval, plan)


async def test_a_manuscript_cannot_be_carried_by_a_plan(noon):
    made = package(noon)
    with pytest.raises(Refused):
        await plans.keep("message:plan", [made])
    digest = hashlib.sha256(outbox.digest(made)).digest()
    await work.sql("insert into delivery_plan (digest, packages) values ($1, $2)", digest, outbox.digest(made))
    approval = await foureyes.approve(APPROVER, "message:plan", digest)
    await refused(made, approval, ("message:plan", digest))


async def test_an_approval_of_something_else_is_no_plan(noon):
    """メニューやリンクの承認の指紋を、計画と言い張る。"""
    approval = await foureyes.approve(APPROVER, "garbage:menu", b"c" * 32)
    await refused(evening(noon), approval, ("garbage:menu", b"c" * 32))


async def test_a_plan_nobody_approved_carries_nothing(noon):
    made = evening(noon)
    digest = await plans.keep(YEAR, [made])
    other = await foureyes.approve(APPROVER, "garbage:2025", digest)
    await refused(made, other, (YEAR, digest))


@pytest.mark.parametrize("packages", [0, 2])
async def test_a_plan_is_neither_empty_nor_double(noon, packages):
    with pytest.raises(Refused):
        await plans.keep(YEAR, [evening(noon)] * packages)


async def test_the_plan_is_looked_at_again_before_it_is_sent(crowd, noon, owner):
    """予約の後で計画の並びが変えられた。"""
    await crowd(30)
    [delivery] = await planned([evening(noon)])
    await owner.execute("alter table delivery_plan drop constraint delivery_plan_check")
    try:
        await owner.execute("update delivery_plan set packages = sha256('x')")
        assert await frozen_one_by_one([delivery]) == ["held"]
    finally:
        await owner.execute("truncate delivery_plan")
        await owner.execute("alter table delivery_plan add check (digest = sha256(packages))")
    assert (await status.by_id(delivery)).reason is outbox.Reason.UNAPPROVED


@pytest.mark.parametrize("statement", ["update delivery_plan set packages = sha256('x')", "delete from delivery_plan"])
async def test_the_application_cannot_change_a_plan(noon, statement):
    await plans.keep(YEAR, [evening(noon)])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await work.sql(statement)


async def test_forty_stale_packages_at_night_send_nothing_and_open_the_brake(crowd, noon, gateway, keys, simulator):
    """D13: 舟形町の40通。"""
    await crowd(30)
    old = [
        package(
            noon,
            source=f"garbage:old:{number}",
            kind=Kind.E,
            source_at=noon - timedelta(days=550),
            send_at=noon + timedelta(seconds=number),
            expires_at=noon + timedelta(days=2),
        )
        for number in range(40)
    ]
    await planned(old)
    await cast.tuesday(1, 12)
    await work.sql("update clock_offset set shift = shift + interval '1 day'")
    async with sending(gateway, keys):
        async with asyncio.timeout(20):
            listed = await outbox.listing()
            while {one.state.value for one in listed} != {"held"}:
                await asyncio.sleep(0.1)
                listed = await outbox.listing()
    assert len(listed) == 40
    assert simulator.calls("cast") == []
    assert [row["reason"] for row in await work.sql("select reason from delivery_brake where closed_at is null")] == [
        "stale"
    ]


async def test_the_thirteenth_feed_delivery_in_an_hour_is_held(crowd, noon):
    await crowd(30)
    many = [
        package(noon, source=f"garbage:x:{number}", kind=Kind.E, send_at=noon - timedelta(seconds=number))
        for number in range(brakes.FLOOD_AN_HOUR + 2)
    ]
    states = await frozen_one_by_one(await planned(many))
    assert states == ["frozen"] * 12 + ["held"] * 2


async def test_one_calendar_evening_counts_once(crowd, noon):
    await crowd(30)
    evening = [package(noon, source=f"garbage:A{number:02d}:2026-11-25", kind=Kind.E) for number in range(30)]
    states = await frozen_one_by_one(await planned(evening))
    assert set(states) == {"frozen"}
