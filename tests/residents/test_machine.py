"""C2: 同意の状態機械。でたらめな順の保存・取りやめ・期限・版・ブロックの後、いつも台帳と行と条件が同じことを言う。"""

import asyncio
import os
import random
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import pytest_asyncio
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

from backend.consent import ledger
from backend.consent.notices import Purpose
from backend.delivery import audience, batches, freeze
from backend.delivery.batches import Batch
from backend.delivery.outbox import ByCriteria
from backend.line.events import Event
from backend.residents import erasure
from backend.segments import fields
from backend.store import clock, work
from backend.ward.kinds import Kind
from tests.consent import desk
from tests.delivery.conftest import approved, package
from tests.residents.consent_acts import MANY, PEOPLE, WHO, Acts
from tests.residents.consent_model import World, month

EXAMPLES, STEPS = int(os.environ.get("C2_EXAMPLES", "12")), 25
AREA_12 = ByCriteria('{"all":[{"any":[{"field":"area","value":12,"not":false}]}]}')
GRACE = timedelta(days=ledger.GRACE_DAYS)


class Consent(Acts):
    """配信、告知文の版、時の流れ、LINEの知らせと、いつも言えること。"""

    @rule()
    def freeze_a_delivery(self) -> None:
        self.world.run(self._freeze())

    async def _freeze(self) -> None:
        # イ: 夜でも、何人でも。ここで見たいのは宛先だけ。
        wanted = package(await clock.now(), kind=Kind.I, address=AREA_12)
        self.delivery = await approved(wanted)
        await work.run(freeze.freeze, self.delivery, 1)
        self.packed = self._agreed(await clock.now())
        self.still = set(self.packed)
        [row] = await work.sql("select state, reason from delivery where id = $1", self.delivery)
        assert row["state"] == ("frozen" if self.packed else "stopped") or self._near_an_end(await clock.now()), row

    @rule()
    def send_the_frozen(self) -> None:
        """I3: 呼び出しの直前の宛先は、確定した人のうち、いまも同意している人だけ。何もしていない人は漏れない。"""
        if self.delivery is not None:
            self.world.run(self._send(self.delivery))

    @rule(who=WHO, purposes=MANY, again=st.booleans())
    def someone_stops_in_the_middle_of_a_delivery(self, who: int, purposes: Purpose, again: bool) -> None:
        self.save(who, purposes | Purpose.AREA | Purpose.TOPICS)
        self.save((who + 1) % 3, purposes | Purpose.AREA)
        self.freeze_a_delivery()
        self.withdraw_some(who, Purpose.AREA if again else purposes)
        self.send_the_frozen()
        if again:
            self.save(who, Purpose(63))
            self.send_the_frozen()

    async def _send(self, delivery: int) -> None:
        now = await clock.now()
        if self._near_an_end(now):
            return
        agreed = self._agreed(now)
        wanted = await audience.clause((await work.sql("select * from delivery where id = $1", delivery))[0], 3)
        rows = await work.sql("select language, numbers from delivery_batch where delivery_id = $1", delivery)
        got: list[str] = []
        for row in rows:
            batch = Batch(delivery, 1, row["language"], None, row["numbers"], uuid4(), now, 0, 0, 0)
            got += [self.world.keys.open(bytes(one)) for one in (await batches.people(batch, wanted)).ciphers]
        assert len(got) == len(set(got)), "I1"
        assert set(got) <= agreed & self.packed
        assert set(got) >= agreed & self.still
        self.world.sends += 1
        self.world.sent += len(got)

    def _agreed(self, now: datetime) -> set[str]:
        """地域への同意のある人。"""
        return {
            who
            for who, known in self.people.items()
            if Purpose.AREA in known.grants and all(until > now for _, until in known.grants.values())
        }

    def _near_an_end(self, now: datetime) -> bool:
        """期限のちょうどその時は、この目と模型の時計がずれるので見ない。"""
        return any(
            abs(until - now) < timedelta(seconds=5)
            for known in self.people.values()
            for _, until in known.grants.values()
        )

    @rule(purposes=st.integers(0, 63).map(Purpose), days=st.integers(0, 60))
    def bump(self, purposes: Purpose, days: int) -> None:
        number = self.world.run(desk.publish(purposes, effective_in=days))
        self.backup = None  # 戻す控えには、この版がない
        today = self.world.run(clock.now()).astimezone(clock.JST).date()
        day = today + timedelta(days=days) + GRACE
        end = datetime(day.year, day.month, day.day, tzinfo=clock.JST)
        self.versions.append((number, purposes, end))
        for known in self.people.values():
            known.grants = {
                p: (v, min(until, end) if p & purposes and v < number else until)
                for p, (v, until) in known.grants.items()
            }

    @rule(days=st.sampled_from([1, 20, 89, 200, 731]))
    def wait(self, days: int) -> None:
        self.world.run(clock.advance(days * 86400))

    @rule()
    def sweep(self) -> None:
        self.world.run(erasure.sweep(self.world.keys))
        now, today = self.world.run(clock.now()), self._today()
        school = date(today.year - (today.month < 4), 4, 1)
        for who, known in self.people.items():
            if known.grants and min(until for _, until in known.grants.values()) <= now:
                self.still.discard(who)  # 期限切れも取りやめと同じく、確定した配信から外す
                self._mark(who, known.end(Purpose(0), now))
            due = tuple(one for one in known.choices.due_months if month(one, 3) > today)
            born = tuple(one for one in known.choices.birth_months if one >= school.replace(year=school.year - 18))
            if (due, born) != (known.choices.due_months, known.choices.birth_months):
                self._family(who, due, born)

    @rule(who=WHO, kind=st.sampled_from(["follow", "unfollow"]), seconds=st.sampled_from([-40 * 86400, -60, 5]))
    def line_says(self, who: int, kind: str, seconds: int) -> None:
        self.events += 1
        at = self.world.run(clock.now()) + timedelta(seconds=seconds)
        event = Event(kind, PEOPLE[who], f"01{self.events:024d}", at, True)
        self.past.append((self.world.run(clock.now()), event))
        self._deliver([event], first=True)

    @rule(data=st.data())
    def line_repeats(self, data: st.DataObject) -> None:
        # 覚えておくのは7日。LINEの再送は、それより長くは続かない。
        oldest = self.world.run(clock.now()) - timedelta(days=7)
        recent = [event for at, event in self.past if at > oldest]
        if recent:
            self._deliver(data.draw(st.lists(st.sampled_from(recent), max_size=4)), first=False)

    @rule(who=WHO, purposes=MANY)
    def block_then_agree_again_then_the_old_news_comes_back(self, who: int, purposes: Purpose) -> None:
        self.line_says(who, "unfollow", 5)
        self.save(who, purposes)
        self._deliver([self.past[-1][1]], first=False)

    @rule(purposes=MANY)
    def the_text_changes_and_the_grace_passes(self, purposes: Purpose) -> None:
        self.bump(purposes, 0)
        self.wait(91)

    def _deliver(self, events: list[Event], *, first: bool) -> None:
        self.world.run(work.run(erasure.settle, self.world.keys, events))
        for event in events:
            known = self.people[str(event.user_id)]
            self.still.discard(str(event.user_id))
            if first and event.kind == "unfollow" and event.at > known.at:
                self._mark(str(event.user_id), known.end(None, self.world.run(clock.now())))

    @invariant()
    def rows_ledger_and_criteria_agree(self) -> None:
        if hasattr(self, "people"):
            self.world.run(self._agree())

    async def _agree(self) -> None:
        self.world.steps += 1
        now = await clock.now()
        for who, known in self.people.items():
            row = await self.world.owner.fetchrow("select * from resident where id = $1", self.world.keys.index(who))
            assert (row is not None) == bool(known.grants)
            if row is None:
                continue
            # I6, P3: 行にあるのは、同意した目的の答えだけ。
            held = Purpose(row["purposes"])
            assert set(held) == set(known.grants)
            births = await self.world.owner.fetch(
                "select birth_month from resident_child where resident_id = $1 order by position", row["id"]
            )
            found: dict[str, Any] = {**row, "births": [one["birth_month"] for one in births]}
            assert {column: found[column] for column in known.row} == known.row
            assert [one for n in range(1, 6) if (one := row[f"birth_{n}"])] == known.row["births"]
            # P12: 札は、行の鍵からだけ求まる。台帳の畳み込みと行は同じことを言う。
            live = (await ledger.live([ledger.subject(row["subject_key"])])).popitem()[1]
            assert set(live) == set(known.grants)
            # P1, P8, P10, P14: 数えられるのは、いまの同意のある人だけ。
            # 期限のちょうどその時は、この目と模型の時計がずれるので見ない。
            if any(abs(until - now) < timedelta(seconds=5) for _, until in known.grants.values()):
                continue
            alive = all(until > now for _, until in known.grants.values())
            clauses = ", ".join(
                f"({fields._consented(purpose)} and {fields.LIVE})::int as {purpose.code}" for purpose in Purpose
            )
            counted = await self.world.owner.fetchrow(f"select {clauses} from resident r where r.id = $1", row["id"])
            for purpose in Purpose:
                assert counted[purpose.code] == int(bool(purpose & held) and alive), purpose
        # P13: どの人のどの目的でも、同意と取りやめは時刻の順に並ぶ。
        disorder = await self.world.owner.fetchval(
            "select count(*) from (select at, lag(at) over (partition by subject, purpose order by id) as before "
            "from consent_event) t where at <= before"
        )
        assert disorder == 0


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Any, keys: Any, owner: asyncpg.Connection) -> World:
    tables = await owner.fetch(
        "select tablename from pg_tables where schemaname = 'public' and tablename not in ('migration', 'clock_offset')"
    )
    names = [row["tablename"] for row in tables if not row["tablename"].startswith("notice")]
    truncate = (
        "delete from notice_decision where version > 1; delete from notice_text where version > 1; "
        "delete from notice_translation where version > 1; "
        f"truncate {', '.join(names)} cascade; delete from notice where version > 1; update clock_offset set shift = '0'"
    )
    return World(asyncio.get_running_loop(), keys, owner, truncate)


def test_consent_always_means_what_was_agreed(world: World) -> None:
    number = int(os.environ.get("C2_SEED") or random.SystemRandom().randrange(2**32))
    Consent.world = world
    machine = seed(number)(Consent)
    try:
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                # 縮めない: 種で同じ並びを繰り返せるので、見つかった長い並びのままでよい。
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        print(
            f"C2: 種 {number}(C2_SEED={number} で同じ並び)、歩数 {world.steps}、送信 {world.sends}回のべ{world.sent}人、"
            f"控えの戻し {world.restored}回"
        )
