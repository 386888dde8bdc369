"""202の仕事: 受け付けてから少しあとに行われるもの。kill -9 のあとも続きから行う(LINE.md 1.1)。"""

import asyncio
import contextlib
import json
import time
from typing import Any

from backend.simulator.platform import Platform
from backend.simulator.richmenus import RichMenus

SCHEMA = """
create table if not exists job (id integer primary key, due real not null, kind text not null, work text not null);
"""
USUAL_SECONDS = 0.2  # LINEでは「数秒」。試験を待たせない長さにし、`/_sim/account` で変えられる


class Jobs:
    def __init__(self, platform: Platform, menus: RichMenus) -> None:
        self._platform = platform
        self._menus = menus
        self._wake = asyncio.Event()
        platform.db.executescript(SCHEMA)

    def add(self, kind: str, **work: Any) -> None:
        """`kind` は link、unlink、batch。"""
        seconds = self._platform.recall("account", {}).get("job_seconds", USUAL_SECONDS)
        with self._platform.changing() as db:
            due = time.time() + seconds
            db.execute("insert into job (due, kind, work) values (?, ?, ?)", (due, kind, json.dumps(work)))
        self._wake.set()

    async def run(self) -> None:
        """行う輪。取り消されるまで続く。"""
        while True:
            self._wake.clear()
            self.do(until=time.time())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._pause())

    def do(self, until: float = float("inf")) -> int:
        """`until` までに始まるはずの仕事をすべて行い、その数を返す。"""
        rows = self._platform.db.execute(
            "select id, kind, work from job where due <= ? order by id", (until,)
        ).fetchall()
        for number, kind, work in rows:
            with self._platform.changing() as db:
                self._one(kind, json.loads(work))
                db.execute("delete from job where id = ?", (number,))
        return len(rows)

    def waiting(self) -> int:
        return self._platform.db.execute("select count(*) from job").fetchone()[0]

    def _one(self, kind: str, work: dict[str, Any]) -> None:
        if kind == "batch":
            self._menus.run_batch(work["request_id"], work["operations"], fails=work["fails"])
        for user in work.get("users", ()):
            if kind == "link":
                self._menus.link(user, work["menu"])
            else:
                self._menus.unlink(user)

    def _pause(self) -> float:
        row = self._platform.db.execute("select min(due) from job").fetchone()
        return 60.0 if row[0] is None else max(0.005, row[0] - time.time())
