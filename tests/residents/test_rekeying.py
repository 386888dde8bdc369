"""鍵の取り替え: 保存も、Webhookも、送信も止めずに替え、一つも失敗しない。鍵のない写しからは、だれのことかは分からない(CHECKS S8)。"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from backend import cli
from backend.app import create_app
from backend.consent.notices import Purpose
from backend.database import programs
from backend.line.gateway import Gateway
from backend.residents import preferences, rekeying
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.settings import Settings, current_version, keyring
from backend.store import work
from tests import cast
from tests.delivery.conftest import approved, package, sending, until
from tests.residents.conftest import PUBLIC, Page
from tests.residents.test_webhook import body, event, later, sign

NEW = {"address_index_keys": "ab" * 64, "address_cipher_keys": "cd" * 64}
VISITORS = 6


def with_next(settings: Settings, name: str, *, now: bool) -> Settings:
    """次の版の鍵を足した設定。`now` が偽なら、読むためだけの鍵。"""
    old = getattr(settings, name).get_secret_value()
    return settings.model_copy(update={name: SecretStr(f"{old},{'' if now else '-'}2:{NEW[name]}")})


async def crowd(keys: AddressKeys, simulator: Any, count: int) -> list[str]:
    users = await cast.crowd(keys, count, lambda n: Choices(purposes=Purpose.AREA, area=41 if n % 2 else 12))
    simulator.add_friends(*users)
    return users


@asynccontextmanager
async def traffic(settings: Settings, simulator: Any, users: list[str]) -> AsyncIterator[list[int]]:
    """住民のページでの保存と読み込みを続け、返事の番号を集める。"""
    answers: list[int] = []
    line = Gateway.from_settings(settings)
    app = create_app(settings, line)
    visitors = [Page(app, simulator) for _ in range(VISITORS)]
    stopping = asyncio.Event()

    async def visit(page: Page, user: str) -> None:
        answers.append((await page.sign_in(user)).status_code)
        area = 0
        while not stopping.is_set():
            area = area % 60 + 1
            answers.append((await page.save(area=area)).status_code)
            found = (await page.call("GET", "/liff/api/me")).json()
            answers.append(200 if found["held"] and found["held"]["area"] == area else 599)
            await asyncio.sleep(2.1)  # 一つのページの書き込みは、一分に30回まで

    tasks = [asyncio.create_task(visit(*pair)) for pair in zip(visitors, users, strict=False)]
    try:
        yield answers
    finally:
        stopping.set()
        await asyncio.gather(*tasks)
        for page in visitors:
            with contextlib.suppress(RuntimeError):
                await page.http.aclose()
        await line.close()


Rotate = Callable[..., Awaitable[int]]


@pytest.mark.parametrize(("name", "what"), [("address_index_keys", "index"), ("address_cipher_keys", "cipher")])
async def test_a_key_is_rotated_while_people_save_and_a_delivery_runs(
    database, keys, simulator, gateway, line_settings: Settings, owner, name: str, what: str
):
    now = await cast.tuesday()
    simulator.clock(now=now)
    users = await crowd(keys, simulator, 3_000)
    newer = with_next(line_settings, name, now=True)
    fresh = AddressKeys.from_settings(newer)
    async with traffic(newer, simulator, users) as answers, sending(gateway, fresh, per_second=3):
        delivery = await approved(package(now))
        moved = await rekeying.rekey(fresh, what)
        done = await until(delivery, seconds=30)
    failed = len([answer for answer in answers if answer != 200])
    print(
        f"S8: {name} を替える間の保存と読み込み {len(answers)}、失敗 {failed}、書き直した {moved}人、"
        f"届いた {done.accepted}人、届かなかった {done.refused + done.unknown}人"
    )
    assert moved >= 2_900
    assert set(answers) == {200}
    assert (done.state.value, done.refused, done.unknown, simulator.summary()["twice"]) == ("sent", 0, 0, 0)
    assert await rekeying.waiting(fresh, what) == 0
    assert await owner.fetchval("select count(*) from resident") == 3_000
    # 前の鍵を捨てても、全員がそのまま見つかる。
    only = newer.model_copy(update={name: SecretStr(f"2:{NEW[name]}")})
    alone = AddressKeys.from_settings(only)
    assert all([await preferences.held(alone, user) for user in users[:20]])
    assert [alone.open(bytes(row["cipher"])) for row in await owner.fetch("select cipher from resident limit 5")]


async def test_a_process_that_knows_the_next_key_only_for_reading_shares_people_with_one_that_writes_it(
    database, keys, line_settings: Settings, owner
):
    await cast.tuesday()
    for name in NEW:
        line_settings = with_next(line_settings, name, now=False)
    waiting = AddressKeys.from_settings(line_settings)
    for name in NEW:
        value = getattr(line_settings, name).get_secret_value().replace("-2:", "2:")
        line_settings = line_settings.model_copy(update={name: SecretStr(value)})
    writing = AddressKeys.from_settings(line_settings)
    assert (waiting.index_version, writing.index_version) == (1, 2)
    for one in (writing, waiting, writing):
        await cast.consented(one, {cast.SAKURA: Choices(purposes=Purpose.AREA, area=41)})
        assert await preferences.held(waiting, cast.SAKURA)
        assert await owner.fetchval("select count(*) from resident") == 1


async def test_children_and_counter_codes_move_with_their_person(database, keys, line_settings: Settings, owner):
    now = await cast.tuesday()
    month = now.date().replace(day=1, month=1)
    await cast.consented(keys, {cast.SAKURA: Choices(purposes=Purpose.PARENTING, birth_months=(month,))})
    await work.sql(
        "insert into counter_code (digest, resident_id, expires_at) values ($1, $2, $3)",
        b"0" * 32,
        keys.index(cast.SAKURA),
        now,
    )
    fresh = AddressKeys.from_settings(with_next(line_settings, "address_index_keys", now=True))
    assert await rekeying.rekey(fresh, "index") == 1
    for table in ("resident_child", "counter_code"):
        assert await owner.fetchval(f"select resident_id from {table}") == fresh.index(cast.SAKURA)


async def test_a_stolen_dump_without_keys_shows_no_id(database, keys, simulator, line_settings: Settings, owner):
    await cast.tuesday()
    users = await crowd(keys, simulator, 200)
    dump = programs.run(["pg_dump", "-h", str(database.socket_dir), "-U", "ward_owner", "ward"]).stdout
    assert dump.count("\n") > 200
    shown = [user for user in users if user in dump or user[1:] in dump or user.encode().hex() in dump]
    print(f"S8: 鍵のない写し {len(dump):,}文字、{len(users)}人のうち読めたid {len(shown)}")
    assert shown == []


async def test_the_channel_secret_is_changed_while_line_keeps_talking(database, keys, line_settings: Settings):
    """古いシークレットは、LINEで出し直した瞬間に使えなくなる。次を先に配っておけば、一つも失われない。"""
    people = await cast.crowd(keys, 120, lambda _n: Choices(purposes=Purpose.AREA, area=12))
    old, new = line_settings.line_channel_secret.get_secret_value(), "9" * 32
    both = line_settings.model_copy(update={"line_channel_secret_next": SecretStr(new)})
    after = line_settings.model_copy(update={"line_channel_secret": SecretStr(new)})
    answers: list[int] = []
    waiting = list(enumerate(people))

    async def talk(settings: Settings, secret: str, count: int) -> None:
        """いまの版のプロセスに、LINEがいま使うシークレットで `count` 件。"""
        transport = httpx.ASGITransport(app=cast.make_app(settings), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, trust_env=False) as line:

            async def one(number: int, who: str) -> None:
                raw = body(event("unfollow", who, await later(1), number))
                headers = {"x-line-signature": sign(raw, secret)}
                answers.append((await line.post("/line/webhook", content=raw, headers=headers)).status_code)

            await asyncio.gather(*(one(*waiting.pop()) for _ in range(count)))

    # 前の版と次の版のプロセスが、替える前も後も、並んで動いている。
    await asyncio.gather(talk(line_settings, old, 30), talk(both, old, 30))
    await asyncio.gather(talk(both, new, 30), talk(after, new, 30))
    left = await work.sql("select 1 from resident")
    print(
        f"S8: チャネルシークレットを替える間の知らせ {len(answers)}、失敗 {len(answers) - answers.count(200)}、残った人 {len(left)}"
    )
    assert answers == [200] * len(people)
    assert left == []


async def test_a_rotation_that_was_cut_short_goes_on(database, keys, simulator, line_settings: Settings):
    await cast.tuesday()
    await crowd(keys, simulator, 500)
    fresh = AddressKeys.from_settings(with_next(line_settings, "address_cipher_keys", now=True))

    def stop(_moved: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await _once(fresh, stop)
    assert await rekeying.waiting(fresh, "cipher") == 500 - rekeying.BATCH
    assert await rekeying.rekey(fresh, "cipher") == 500 - rekeying.BATCH


async def _once(keys: AddressKeys, stop: Callable[[int], Any]) -> None:
    await rekeying.rekey(keys, "cipher", stop)


def test_the_next_key_is_listed_for_reading_only(
    line_settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path
):
    monkeypatch.setenv("WARD_ADDRESS_CIPHER_KEYS", line_settings.address_cipher_keys.get_secret_value())
    with pytest.raises(SystemExit) as ended:
        cli.main(["keys", "new", "address-cipher", "--json"])
    said = json.loads(capsys.readouterr().out)
    value = SecretStr(said["value"])
    assert (ended.value.code, sorted(keyring(value)), current_version(value)) == (0, [1, 2], 1)


@pytest.mark.parametrize("value", ["-1:" + "a" * 64, f"1:{'a' * 64},1:{'b' * 64}", "0:" + "a" * 64, "300:" + "a" * 64])
def test_a_list_of_keys_that_cannot_be_meant_is_refused(value: str):
    with pytest.raises(ValueError):
        keyring(SecretStr(value))


def test_when_the_old_session_key_may_go_is_told(database, line_settings: Settings, tmp_path: Path):
    environment = {
        **os.environ,
        "WARD_SESSION_KEYS": line_settings.session_keys.get_secret_value(),
        "DATABASE_URL": database.app_url,
        "WARD_DATA_DIR": str(tmp_path),
    }
    command = [sys.executable, "-m", "backend.cli", "keys", "rotate", "session"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, "30分" in done.stdout) == (0, True), done.stderr
