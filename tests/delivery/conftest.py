"""配信の試験の道具: 同意した人、承認済みの包み、動いている送り手、台帳での審判。"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import itertools
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from backend.approval import foureyes
from backend.consent.notices import Purpose
from backend.delivery import engine, lease, outbox, status
from backend.delivery.outbox import ByCriteria, Package
from backend.errors import Unavailable
from backend.line import message
from backend.line.gateway import Gateway
from backend.permissions import Actor, Role
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.residents.vocabulary import mask
from backend.settings import Settings
from backend.store import clock, work
from backend.store.pool import LOST
from backend.ward.kinds import Kind
from tests import cast

HONGO = ByCriteria('{"all":[{"any":[{"field":"area","value":41,"not":false}]}]}')
APPROVER = Actor(90, "sato", "佐藤", Role.PR, "koho", "広報課")
CHIEF = Actor(91, "ito", "伊藤", Role.PR_CHIEF, "koho", "広報課")
SECOND = Actor(92, "nakamura", "中村", Role.PR, "koho", "広報課")
_numbers = itertools.count(1)


def lives_in_hongo(_number: int = 0) -> Choices:
    return Choices(purposes=Purpose.AREA, area=cast.HONGO_3)


@pytest_asyncio.fixture(loop_scope="session")
async def noon(database: Any) -> datetime:
    """業務の時計は火曜の朝10時。承認する人がいる。"""
    await cast.enrol(APPROVER, CHIEF, SECOND)
    return await cast.tuesday()


@pytest_asyncio.fixture(loop_scope="session")
async def crowd(database: Any, keys: AddressKeys, simulator: Any) -> Callable[..., Any]:
    """本郷三丁目の、同意した友だち。"""

    async def make(count: int, choices: Callable[[int], Choices] = lives_in_hongo, first: int = 0) -> list[str]:
        users = await plant(keys, {cast.user(first + n): choices(n) for n in range(count)})
        simulator.add_friends(*users)
        return users

    return make


async def plant(keys: AddressKeys, people: dict[str, Choices], seed: int = 0) -> list[str]:
    """本人の行だけを、まとめて入れる(同意の台帳は書かない。書く動詞は同意の部屋が試す)。"""
    chance = random.Random(f"{seed}:{len(people)}")
    rows = [
        (
            keys.index(user),
            chance.getrandbits(62),
            keys.index_version,
            keys.seal(user),
            chance.randbytes(32),
            int(one.purposes),
            one.area,
            one.age_band,
            mask(one.topics),
            one.language,
        )
        for user, one in people.items()
    ]
    await work.sql(_PLANT, *[list(column) for column in zip(*rows, strict=True)])
    return list(people)


_PLANT = """
insert into resident (id, number, index_version, cipher, subject_key, purposes, area, age_band, topics, language,
                      live_until, notice_version)
select w.*, ward_now() + interval '2 years', 1
from unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::bytea[], $5::bytea[], $6::smallint[], $7::smallint[],
            $8::smallint[], $9::bigint[], $10::text[]) w
"""


def package(now: datetime, **changes: Any) -> Package:
    number = next(_numbers)
    made = Package(
        source=f"message:{number}",
        title="お知らせ",
        owner_section="kosodate",
        public_number=f"B-2611-{number:04d}",
        kind=Kind.A,
        bodies={"ja": message.encode([message.text(f"お知らせです。\n\n確認番号 B-2611-{number:04d}")])},
        address=HONGO,
        send_at=now,
        expires_at=now + timedelta(hours=2),
        source_at=now,
        priority=outbox.NORMAL,
        silent=False,
    )
    return replace(made, **changes)


async def approved(made: Package, by: Actor = APPROVER) -> int:
    """承認と予約を一つの取引で。配信の番号。"""
    await cast.enrol(by)

    async def both() -> int:
        approval = await foureyes.approve(by, made.source, outbox.digest(made))
        return await outbox.schedule(made, approval, by.name)

    return await work.run(both)


@asynccontextmanager
async def sending(gateway: Gateway, keys: AddressKeys, *, minimum: int = 1, **more: Any) -> AsyncIterator[None]:
    """送り手を、この試験の中で動かす。"""
    stopping = asyncio.Event()

    async def keep() -> None:
        while not stopping.is_set():
            try:
                await engine.serve(gateway, keys, stopping, minimum=minimum, **more)
            except (lease.Deposed, Unavailable, *LOST):
                await asyncio.sleep(0.1)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        stopping.set()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(
    delivery_id: int, wanted: Callable[[status.Status], bool] | None = None, seconds: float = 20
) -> status.Status:
    """配信が終わる(または `wanted` になる)まで待つ。"""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        with contextlib.suppress(Unavailable, *LOST):
            found = await status.by_id(delivery_id)
            assert found
            if wanted(found) if wanted else found.counted:
                return found
        assert asyncio.get_running_loop().time() < deadline, f"{seconds}秒たっても {found}"
        await asyncio.sleep(0.03)


def total(found: status.Status) -> int:
    return found.accepted + found.refused + found.excluded + found.unknown + found.unsent


def texts(simulator: Any, user: str) -> list[str]:
    """その人が受け取った文。"""
    return [m["text"] for got in simulator.received(user) for m in got["messages"]]


def body_text(made: Package, language: str = "ja") -> str:
    return json.loads(made.bodies[language])[0]["text"]


async def later(seconds: float) -> datetime:
    return await clock.advance(seconds)


class Victims:
    """別のプロセスの送り手たち。"""

    def __init__(self, settings: Settings) -> None:
        self._settings = plain(settings)
        self._zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.delivery.victim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL),
        )
        assert self._zygote.stdout
        assert self._zygote.stdout.readline() == "ready\n"
        self.pids: list[int] = []

    def spawn(self, point: str = "", nth: int = 0, **more: float) -> int:
        """節目 `point` の `nth` 回目で死ぬ送り手。空なら死なない。`per_second=` で遅くできる。"""
        assert self._zygote.stdin
        assert self._zygote.stdout
        self._zygote.stdin.write(json.dumps({"settings": self._settings, "point": point, "nth": nth, **more}) + "\n")
        self._zygote.stdin.flush()
        pid = int(self._zygote.stdout.readline())
        self.pids.append(pid)
        return pid

    async def dead(self, pid: int, seconds: float = 10) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while alive(pid):
            assert asyncio.get_running_loop().time() < deadline, "送り手が死ななかった"
            await asyncio.sleep(0.01)

    def close(self) -> None:
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._zygote.kill()
        self._zygote.wait()


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # 開いてから読むまでの間に消えることもある
        return False


def plain(settings: Settings) -> dict[str, Any]:
    """秘密も含めた、そのままの値。"""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {
        name: value.get_secret_value()
        if isinstance(value, SecretStr)
        else str(value)
        if isinstance(value, Path)
        else value
        for name, value in values.items()
    }


@pytest.fixture
def victims(line_settings: Settings) -> Iterator[Victims]:
    made = Victims(line_settings)
    yield made
    made.close()
