"""C2の動き: 本人の電話、窓口、控えの戻し。どの一歩も、製品と模型の両方で行う。"""

from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from backend.consent import notices
from backend.consent.notices import Purpose
from backend.errors import NotFound, Refused
from backend.line.events import Event
from backend.residents import correction, preferences, replay, rights
from backend.residents.vocabulary import AgeBand, Slot, Stream, Topic
from backend.store import clock, work
from tests.consent import desk
from tests.residents.consent_model import FAMILIES, Known, World, answers, months_later, replayed, saved
from tests.residents.people import user

PEOPLE = [user(n) for n in (1, 2, 3)]
MANY = st.integers(1, 63).map(Purpose)
WHO = st.integers(0, 2)
CORRECTIONS: dict[str, Any] = {
    "age_band": AgeBand.FORTIES,
    "topics": (Topic.HEALTH, Topic.WORK),
    "collection_area": 20,
    "streams": (Stream.BURNABLE,),
    "slot": Slot.EVENING,
}
"""窓口で直す答え。地域と言語は宛先の条件なので、ここでは動かさない(test_correction)。"""
SAVED = ("resident", "resident_child", "consent_event")
"""控えと一緒に戻す表。"""


class Acts(RuleBasedStateMachine):
    world: ClassVar[World]

    @initialize(first=st.lists(MANY, min_size=3, max_size=3))
    def begin(self, first: list[Purpose]) -> None:
        self.world.run(self.world.owner.execute(self.world.truncate))
        self.people = {who: Known() for who in PEOPLE}
        self.versions: list[tuple[int, Purpose, datetime]] = []
        self.events = 0
        self.past: list[tuple[datetime, Event]] = []  # 届いた時刻つき
        self.delivery: int | None = None
        self.still: set[str] = set()  # 確定してから、何もしていない人
        self.packed: set[str] = set()
        self.marks: dict[str, dict[str, datetime]] = {who: {} for who in PEOPLE}  # 消去の記録
        self.backup: tuple[dict[str, list[Any]], dict[str, Known]] | None = None
        self.world.keys.journal.unlink(missing_ok=True)
        for who, purposes in enumerate(first):
            self.save(who, purposes, who + 1)

    @rule(who=WHO, purposes=MANY)
    def save_again(self, who: int, purposes: Purpose) -> None:
        self.save(who, purposes)

    @rule(who=WHO, purposes=MANY, family=st.integers(0, len(FAMILIES) - 1))
    def save(self, who: int, purposes: Purpose, family: int = 0) -> None:
        name = PEOPLE[who]
        self.still.discard(name)
        wanted = answers(purposes, self._today(), family)
        self.world.run(work.run(preferences.save, self.world.keys, name, wanted))
        now = self.world.run(clock.now())
        version = self.world.run(notices.current()).version
        fresh = {p: (version, self._end(p, version, now)) for p in purposes}
        self.people[name], marks = saved(self.people[name], wanted, fresh, now)
        self._mark(name, marks)

    @rule(who=WHO, purpose=st.sampled_from(list(Purpose)))
    def continue_one(self, who: int, purpose: Purpose) -> None:
        """P3, RULES 38: 一つの「続ける」は、その目的の一件だけを書く。"""
        known = self.people[PEOPLE[who]]
        written = self.world.run(self.world.owner.fetchval("select count(*) from consent_event"))
        made = self.world.run(work.run(preferences.renew, self.world.keys, PEOPLE[who], purpose))
        after = self.world.run(self.world.owner.fetchval("select count(*) from consent_event"))
        assert (made is not None) == (purpose in known.grants) == (after - written == 1)
        if made:
            now = self.world.run(clock.now())
            version = self.world.run(notices.current()).version
            known.grants[purpose] = (version, self._end(purpose, version, now))
            known.at = now

    @rule(who=WHO, purposes=MANY)
    def withdraw_some(self, who: int, purposes: Purpose) -> None:
        self.world.run(work.run(preferences.withdraw, self.world.keys, PEOPLE[who], purposes))
        self._ended(PEOPLE[who], purposes)

    @rule(who=WHO)
    def withdraw_all(self, who: int) -> None:
        self.world.run(work.run(preferences.withdraw, self.world.keys, PEOPLE[who]))
        self._ended(PEOPLE[who], None)

    @rule(who=WHO, nth=st.integers(0, 2))
    def stop_one_child(self, who: int, nth: int) -> None:
        """RULES 44: 一つの妊娠(0)か一人の子だけ。ほかの子と、ほかの目的は残る。"""
        name, family = PEOPLE[who], self.people[PEOPLE[who]].choices
        there = nth <= len(family.birth_months) if nth else bool(family.due_months)
        stopped = self.world.run(work.run(preferences.stop_child, self.world.keys, name, self._position(name, nth)))
        assert stopped == there
        if there:
            born = tuple(one for n, one in enumerate(family.birth_months, 1) if n != nth)
            self._family(name, family.due_months if nth else (), born)

    def _position(self, name: str, nth: int) -> int:
        wanted = "select position from resident_child where resident_id = $1 order by position"
        there = [0, *(row[0] for row in self.world.run(self.world.owner.fetch(wanted, self.world.keys.index(name))))]
        return there[nth] if nth < len(there) else 5

    @rule(who=WHO, name=st.sampled_from([*CORRECTIONS, "due_month", "children"]), family=st.integers(0, 3))
    def the_counter_corrects(self, who: int, name: str, family: int) -> None:
        """P17: 答えだけが変わり、同意の件は増えない。同意のない目的は断られる。"""
        known = self.people[PEOPLE[who]]
        case = self._case(PEOPLE[who])
        if case is None:
            return
        now = answers(Purpose(63), self._today(), family)
        due, born = now.due_months, now.birth_months
        if name == "due_month":
            value, born = (due[0] if due else None), known.choices.birth_months
        elif name == "children":
            value, due = tuple((one, None) for one in born), known.choices.due_months
        else:
            value = CORRECTIONS[name]
        corrected = work.run(rights.correct, desk.OFFICER, self.world.keys, case, name, value)
        if not known.held & correction.PURPOSE_OF[name]:
            with pytest.raises(Refused):
                self.world.run(corrected)
            return
        written = self._events()
        self.world.run(corrected)
        if name in CORRECTIONS:
            known.choices = replace(known.choices, **{name: value})
        else:
            self._family(PEOPLE[who], due, born)
        assert self._events() == written or Purpose.PARENTING not in known.grants

    @rule(who=WHO, purposes=st.sampled_from([None, *Purpose]))
    def the_counter_stops(self, who: int, purposes: Purpose | None) -> None:
        if case := self._case(PEOPLE[who]):
            self.world.run(work.run(rights.stop, desk.OFFICER, self.world.keys, case, purposes))
            self._ended(PEOPLE[who], purposes)

    def _case(self, name: str) -> Any:
        """本人が窓口に来た。預かっているものがなければ、コードは出ない。"""
        try:
            code, _ = self.world.run(work.run(rights.issue_code, self.world.keys, name))
        except NotFound:
            assert not self.people[name].grants
            return None
        return self.world.run(work.run(rights.open_case, desk.OFFICER, self.world.keys, code))

    @rule()
    def take_a_backup(self) -> None:
        tables = {table: self.world.run(self.world.owner.fetch(f"select * from {table}")) for table in SAVED}
        self.backup = tables, deepcopy(self.people)

    @rule()
    def restore_the_backup(self) -> None:
        """RULES 40: 控えを戻しても、その後にやめたことは、もう一度終わる。二度目のやり直しは何もしない。"""
        if self.backup is None:
            return
        self.world.run(self._restore(self.backup[0]))
        self.people = deepcopy(self.backup[1])
        self.still, self.packed, self.delivery = set(), set(), None  # 途中の配信は、戻すときに見合わせになる
        self.world.run(replay.run(self.world.keys))
        now = self.world.run(clock.now())
        for name, known in self.people.items():
            self._mark(name, replayed(known, self.marks[name], now))
        again = self.world.run(replay.run(self.world.keys))
        assert (again.erased, again.narrowed) == (0, 0)
        self.world.restored += 1

    @rule(who=WHO, purposes=MANY, nth=st.integers(0, 2))
    def what_ended_after_the_backup_stays_ended(self, who: int, purposes: Purpose, nth: int) -> None:
        self.save(who, Purpose(63), len(FAMILIES) - 1)
        self.take_a_backup()
        self.withdraw_some(who, purposes)
        self.stop_one_child(who, nth)
        self.restore_the_backup()

    async def _restore(self, tables: dict[str, list[Any]]) -> None:
        owner = self.world.owner
        async with owner.transaction():
            await owner.execute("set local session_replication_role = replica")
            for table in SAVED:
                await owner.execute(f"delete from {table}")
            for table, kept in tables.items():
                for row in kept:
                    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
                    names = ", ".join(row.keys())
                    await owner.execute(
                        f"insert into {table} ({names}) overriding system value values ({marks})", *row.values()
                    )

    def _ended(self, name: str, purposes: Purpose | None) -> None:
        self.still.discard(name)
        if purposes is None or purposes & Purpose.AREA:  # 同意し直しても、前に確定した配信には戻らない
            self.packed.discard(name)
        self._mark(name, self.people[name].end(purposes, self.world.run(clock.now())))

    def _family(self, name: str, due: tuple[date, ...], born: tuple[date, ...]) -> None:
        self.still.discard(name)
        self._mark(name, self.people[name].family(due, born, self.world.run(clock.now())))

    def _mark(self, name: str, parts: list[str]) -> None:
        now = self.world.run(clock.now())
        self.marks[name] |= dict.fromkeys(parts, now)

    def _events(self) -> int:
        return self.world.run(self.world.owner.fetchval("select count(*) from consent_event"))

    def _today(self) -> date:
        return self.world.run(clock.now()).astimezone(clock.JST).date()

    def _end(self, purpose: Purpose, version: int, at: datetime) -> datetime:
        ends = [end for number, material, end in self.versions if number > version and material & purpose]
        return min([months_later(at, 24), *ends])
