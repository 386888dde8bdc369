"""数え上げの速さ: 百万人の中から、条件に合う人の正確な数を求める(CHECKS 2)。

`python -m tests.bench.counting [人数]` は数を印字し、`tests/bench/results/counting.json` に書く。既定は百万人、
`BENCH_LARGE=1` では五百万人。画面と同じ動詞(`segments.audience.count`)を、尋ねるたびに数え直す。
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg

from backend.database import embedded, migrating
from backend.segments import audience, criteria
from backend.segments.criteria import Criteria
from backend.segments.fields import Term
from backend.store.pool import close_pool, open_pool
from backend.ward import areas

RESULTS = Path(__file__).parent / "results" / "counting.json"
ROUNDS = 25
SEED = 0.13105
LEVELS_MS = {1_000_000: {"area_topic": 10, "worst": 100}, 5_000_000: {"area_topic": 50, "worst": 450}}
_TOWN = next(iter(areas.TOWN_BY_CODE))
CASES: dict[str, list[list[Term]]] = {
    "area_topic": [[Term("area", 41)], [Term("topic", "bosai")]],
    "area": [[Term("area", 41)]],
    "town_age": [[Term("town", _TOWN)], [Term("age_band", 30), Term("age_band", 40)]],
    "age": [[Term("age_band", 30)]],
    "topic": [[Term("topic", "bosai")]],
    "stage": [[Term("stage", "y1")]],
    "not_stage": [[Term("stage", "y1", negated=True)]],
    "worst": [
        [Term("stage", "y1"), Term("stage", "y2"), Term("topic", "event")],
        [Term("age_band", 30), Term("age_band", 40), Term("stage", "elementary", negated=True)],
        [Term("area", 41, negated=True)],
        [Term("language", "en", negated=True), Term("topic", "bosai")],
    ],
}


def run(people: int = 1_000_000, rounds: int = ROUNDS) -> dict[str, Any]:
    """{"people", "cases": {名: {"people", "p50_ms", "p95_ms", "least_ms"}}, "levels_ms", "met", "load_average"}。"""
    with tempfile.TemporaryDirectory(prefix="counting-bench-") as name:
        server = embedded.start(Path(name))
        try:
            return asyncio.run(_measure(server, people, rounds))
        finally:
            server.stop("immediate")


async def _measure(server: embedded.Server, people: int, rounds: int) -> dict[str, Any]:
    await migrating.migrate(server.owner_url, application_role="ward_app", movable_clock=True)
    await populate(server, people)
    await open_pool(server.app_url, size=2)
    before = os.getloadavg()[0]
    cases = {name: await _case(criteria.build(groups), rounds) for name, groups in CASES.items()}
    await close_pool()
    levels = LEVELS_MS.get(people, {})
    met = {name: cases[name]["p50_ms"] <= level for name, level in levels.items()}
    load = [round(before, 2), round(os.getloadavg()[0], 2)]
    return {"people": people, "cases": cases, "levels_ms": levels, "met": met, "load_average": load}


async def _case(wanted: Criteria, rounds: int) -> dict[str, Any]:
    counted = await audience.count(wanted)
    took: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        counted = await audience.count(wanted)
        took.append((time.perf_counter() - began) * 1000)
    ninety_five = statistics.quantiles(took, n=20)[-1]
    return {
        "people": counted,
        "p50_ms": round(statistics.median(took), 1),
        "p95_ms": round(ninety_five, 1),
        "least_ms": round(min(took), 1),
    }


async def populate(server: embedded.Server, people: int) -> None:
    """同意した人の行を、SQLだけで作る。索引は後から作り直す。"""
    owner = await asyncpg.connect(server.owner_url)
    try:
        indexes = await owner.fetch(
            "select indexname, indexdef from pg_indexes where tablename = 'resident' and indexname <> 'resident_pkey'"
        )
        async with owner.transaction():
            await owner.execute("set local session_replication_role = replica")
            for index in indexes:
                await owner.execute(f"drop index {index['indexname']}")
            await owner.execute(f"select setseed({SEED})")
            await owner.execute(_PEOPLE.replace("{people}", str(people)), timeout=1800)
            await owner.execute(_CHILDREN, timeout=1800)
            for index in indexes:
                await owner.execute(index["indexdef"], timeout=1800)
        await owner.execute("vacuum analyze resident, resident_child", timeout=1800)
        await owner.execute("checkpoint", timeout=600)  # 後書きの仕事が、測る間に走らないように
        made = await owner.fetchval("select count(*) from resident")
        assert made == people, (made, people)
    finally:
        await owner.close()


def main() -> int:
    large = 5_000_000 if os.environ.get("BENCH_LARGE") else 1_000_000
    found = run(int(sys.argv[1]) if len(sys.argv) > 1 else large)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, ensure_ascii=False, indent=1), encoding="utf-8")
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0


_PEOPLE = """
insert into resident (id, number, live_until, topics, purposes, index_version, notice_version, streams, area, age_band, slot,
                      collection_area, due_month, birth_1, birth_2, birth_3, language, cipher, subject_key)
select gen_random_uuid(), (random() * 9e18)::bigint, ward_now() + interval '1 year' * (0.1 + random()),
  case when p & 8 <> 0 then (1 << floor(random() * 12)::int) | (1 << floor(random() * 12)::int) else 0 end, p, 1, 1,
  case when p & 16 <> 0 then 1 + floor(random() * 15)::int else 0 end,
  case when p & 1 <> 0 then 1 + floor(random() * 69)::int end,
  case when p & 2 <> 0 then (array[18, 30, 40, 50, 60, 70, 80])[1 + floor(random() * 7)::int] end,
  case when p & 16 <> 0 then (array[7, 19])[1 + floor(random() * 2)::int] end,
  case when p & 16 <> 0 then 1 + floor(random() * 68)::int end,
  case when due then (this_month + interval '1 month' * floor(random() * 9))::date end,
  case when children > 0 then (this_month - interval '1 month' * floor(random() * 209))::date end,
  case when children > 1 then (this_month - interval '1 month' * floor(random() * 209))::date end,
  case when children > 2 then (this_month - interval '1 month' * floor(random() * 209))::date end,
  case when p & 32 <> 0 then (array['ja', 'ja', 'ja', 'ja', 'ja', 'ja', 'easy', 'en', 'zh', 'ko'])[1 + floor(random() * 10)::int] end,
  decode(repeat('0a', 50), 'hex'), decode(repeat('00', 32), 'hex')
from (
  select p, p & 4 <> 0 and random() < 0.15 as due, case when p & 4 <> 0 then ceil(random() ^ 2 * 3)::int else 0 end as children,
         date_trunc('month', now()) as this_month
  from (
    select greatest(1, (random() < .85)::int + 2 * (random() < .6)::int + 4 * (random() < .4)::int + 8 * (random() < .6)::int
                       + 16 * (random() < .5)::int + 32 * (random() < .3)::int) as p
    from generate_series(1, {people})) one) two
"""
_CHILDREN = """
insert into resident_child (resident_id, position, birth_month)
select r.id, n, (array[birth_1, birth_2, birth_3])[n] from resident r, generate_series(1, 3) n
where (array[birth_1, birth_2, birth_3])[n] is not null
"""

if __name__ == "__main__":
    sys.exit(main())
