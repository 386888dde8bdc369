"""控えと復元: 戻した先で、ひとりでに送り直されるものはなく、消えた人は生き返らず、済むまで何も動かない(CHECKS D15, RULES 40)。"""

from __future__ import annotations

import asyncio
import json
import stat
import uuid
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr

from backend import cli
from backend.audit import anchors, seal, verify
from backend.consent.notices import Purpose
from backend.database import backup, migrating, restore
from backend.database.embedded import Server
from backend.delivery import decisions
from backend.errors import Refused
from backend.residents import preferences
from backend.residents.choices import Choices
from backend.settings import Mode, Settings
from backend.store import work
from backend.store.pool import close_pool, open_pool
from tests import cast
from tests.delivery.conftest import APPROVER, approved, crowd, lives_in_hongo, noon, package, sending, until

__all__ = ["crowd", "noon"]
PEOPLE = 6_000


@pytest_asyncio.fixture(loop_scope="session")
async def elsewhere(database: Server, line_settings: Settings) -> AsyncIterator[Settings]:
    """同じ鍵とデータの置き場の、空のデータベース。"""
    # 消すのはサーバーごと: データベースを一つ消すたびの書き出し(checkpoint)は、込んだ機械では30秒かかる。
    name = f"restored_{uuid.uuid4().hex[:8]}"
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute(f"create database {name}")
    await owner.close()
    yield line_settings.model_copy(
        update={
            "database_url": SecretStr(database.app_url.replace("/ward?", f"/{name}?")),
            "database_owner_url": SecretStr(database.owner_url.replace("/ward?", f"/{name}?")),
        }
    )
    await close_pool()
    await open_pool(database.app_url, size=8)


async def opened(settings: Settings) -> None:
    """アプリケーションの役割で開く。"""
    assert settings.database_url
    await open_pool(settings.database_url.get_secret_value(), size=8)


async def outside(settings: Settings, query: str) -> Any:
    connection = await asyncpg.connect(backup.owner_url(settings))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_a_backup_taken_in_the_middle_of_a_delivery_resends_nothing_after_a_restore(
    crowd, noon, gateway, keys, simulator, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    await crowd(PEOPLE)
    async with sending(gateway, keys, per_second=2):  # 控えを取る間に送り終えないように
        delivery = await approved(package(noon))
        waiting = await approved(package(noon, send_at=noon + timedelta(hours=1)))
        await until(delivery, lambda s: s.accepted >= 1_000)
        await backup.take(line_settings, tmp_path / "ward.backup")
        await work.run(decisions.stop, APPROVER, waiting)
        await until(delivery, seconds=30)
    sent = len(simulator.calls("multicast"))
    assert simulator.summary()["people"] == PEOPLE

    report = await restore.run(elsewhere, tmp_path / "ward.backup")
    assert (report.held, report.findings, report.pending) == (2, [], [])
    await opened(elsewhere)
    async with sending(gateway, keys):
        await asyncio.sleep(2)
        assert len(simulator.calls("multicast")) == sent, "ひとりでに送り直された"
        held = await until(delivery, lambda s: s.state.value == "held")
        assert held.reason
        assert held.reason.value == "restored"
        # 人が「送る」と決めても、同じ鍵なので、LINEが二度目を断る。
        await work.run(decisions.release, APPROVER, delivery)
        done = await until(delivery, seconds=40)
    assert (done.state.value, done.accepted) == ("sent", PEOPLE)
    assert simulator.summary()["twice"] == 0


async def test_someone_who_left_after_the_backup_stays_erased(
    keys, noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    await cast.consented(keys, {user: lives_in_hongo() for user in (cast.SAKURA, cast.LIN)})
    await backup.take(line_settings, tmp_path / "ward.backup")
    await work.run(preferences.withdraw, keys, cast.SAKURA)
    report = await restore.run(elsewhere, tmp_path / "ward.backup")
    await opened(elsewhere)
    assert report.erased == 1
    assert [row["id"] for row in await work.sql("select id from resident")] == [keys.index(cast.LIN)]
    ended = await work.sql("select channel from consent_event where action = 'withdrawn'")
    assert [row["channel"] for row in ended] == ["restore"]


async def test_a_purpose_and_a_child_stopped_after_the_backup_stay_stopped(
    keys, noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    """RULES 40, 44。一つだけやめた目的も、静かに止めた子も、戻した先でもう一度終わっている。動き出す前に。"""
    months = (date(2026, 4, 1), date(2023, 4, 1))
    both = Purpose.AREA | Purpose.PARENTING
    family = Choices(purposes=both, area=cast.HONGO_3, birth_months=months)
    await cast.consented(keys, {cast.SAKURA: family, cast.LIN: family, cast.KEN: family})
    await backup.take(line_settings, tmp_path / "ward.backup")
    await work.run(preferences.withdraw, keys, cast.SAKURA, Purpose.AREA)
    await work.run(preferences.stop_child, keys, cast.LIN, 1)
    report = await restore.run(elsewhere, tmp_path / "ward.backup")
    await opened(elsewhere)
    assert (report.erased, report.narrowed, report.findings) == (0, 2, [])
    found = {who: await preferences.held(keys, who) for who in (cast.SAKURA, cast.LIN, cast.KEN)}
    kept = {
        who: (sum(map(int, held.grants)), held.choices.area, held.choices.birth_months)
        for who, held in found.items()
        if held
    }
    assert kept == {
        cast.SAKURA: (int(Purpose.PARENTING), None, months),
        cast.LIN: (int(both), cast.HONGO_3, months[1:]),
        cast.KEN: (int(both), cast.HONGO_3, months),
    }
    ended = await work.sql("select purpose, channel from consent_event where action = 'withdrawn'")
    assert ended == [{"purpose": int(Purpose.AREA), "channel": "restore"}]


async def test_a_restore_without_the_journal_of_erasures_is_refused(
    keys, noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    await cast.consented(keys, {cast.SAKURA: lives_in_hongo()})
    await work.run(preferences.withdraw, keys, cast.SAKURA)
    await backup.take(line_settings, tmp_path / "ward.backup")
    keys.journal.unlink()
    with pytest.raises(Refused, match="生き返ります"):
        await restore.run(elsewhere, tmp_path / "ward.backup")
    assert await outside(elsewhere, "select to_regclass('resident')") is None


async def test_until_the_restore_is_done_nothing_may_start_and_a_second_try_finishes_it(
    keys, noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    await cast.consented(keys, {cast.SAKURA: lives_in_hongo()})
    await backup.take(line_settings, tmp_path / "ward.backup")
    obstacle = anchors.path(elsewhere.data_dir)
    obstacle.mkdir()
    with pytest.raises(IsADirectoryError):
        await restore.run(elsewhere, tmp_path / "ward.backup")
    obstacle.rmdir()
    await opened(elsewhere)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await work.sql("select 1 from resident")
    await close_pool()
    await open_pool(backup.owner_url(elsewhere))
    assert await migrating.pending(), "プロセスが起動できてしまう"
    await close_pool()

    await restore.run(elsewhere, tmp_path / "ward.backup")
    await opened(elsewhere)
    assert await migrating.pending() == []
    assert len(await work.sql("select 1 from resident")) == 1


async def test_automatic_feeds_are_closed_and_sessions_are_gone(
    noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    people = await cast.staff()
    await cast.session(people.sato)
    await backup.take(line_settings, tmp_path / "ward.backup")
    await restore.run(elsewhere, tmp_path / "ward.backup")
    await opened(elsewhere)
    assert await work.sql("select 1 from staff_session") == []
    feeds = {row["feed"] for row in await work.sql("select feed from delivery_brake where closed_at is null")}
    assert feeds == {"garbage", "parenting"}


async def test_seals_made_after_the_backup_are_known_to_be_abandoned(
    keys, noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    await cast.consented(keys, {cast.SAKURA: lives_in_hongo()})
    await seal.tick(line_settings.data_dir)
    await backup.take(line_settings, tmp_path / "ward.backup")
    await cast.consented(keys, {cast.LIN: lives_in_hongo()})
    await seal.tick(line_settings.data_dir)
    report = await restore.run(elsewhere, tmp_path / "ward.backup")
    assert report.findings == []
    await opened(elsewhere)
    await seal.tick(elsewhere.data_dir)
    assert await verify.verify_all(elsewhere.data_dir) == []


@pytest.mark.parametrize(
    ("change", "words"), [({"mode": Mode.TRAINING}, "お試し"), ({"line_channel_id": "1"}, "チャネル")]
)
async def test_a_backup_of_another_account_is_refused(
    noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path, change, words: str
):
    await backup.take(line_settings, tmp_path / "ward.backup")
    with pytest.raises(Refused, match=words):
        await restore.run(elsewhere.model_copy(update=change), tmp_path / "ward.backup")


async def test_a_database_with_something_in_it_is_never_restored_over(
    noon, line_settings: Settings, tmp_path: Path, database
):
    await backup.take(line_settings, tmp_path / "ward.backup")
    await close_pool()
    try:
        # 画面の試験のサーバーが同じデータベースで動いていれば、先にそれを断る。
        with pytest.raises(Refused, match=r"空ではありません|まだ動いているプロセス"):
            await restore.run(line_settings, tmp_path / "ward.backup")
    finally:
        await open_pool(database.app_url, size=8)


async def test_a_restore_waits_for_nobody_who_is_still_running(
    noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    await backup.take(line_settings, tmp_path / "ward.backup")
    assert elsewhere.database_url
    running = await asyncpg.connect(elsewhere.database_url.get_secret_value())
    with pytest.raises(Refused, match="動いているプロセス"):
        await restore.run(elsewhere, tmp_path / "ward.backup")
    await running.close()


async def test_a_torn_backup_is_refused_and_changes_nothing(
    noon, line_settings: Settings, elsewhere: Settings, tmp_path: Path
):
    whole = tmp_path / "ward.backup"
    await backup.take(line_settings, whole)
    assert stat.S_IMODE(whole.stat().st_mode) == 0o600
    torn = tmp_path / "torn.backup"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(Refused):
        await restore.run(elsewhere, torn)
    assert await outside(elsewhere, "select to_regclass('resident')") is None


async def test_a_backup_never_overwrites_another(noon, line_settings: Settings, tmp_path: Path):
    await backup.take(line_settings, tmp_path / "ward.backup")
    with pytest.raises(Refused, match="もうあります"):
        await backup.take(line_settings, tmp_path / "ward.backup")


def test_a_password_is_not_written_on_the_command_line():
    place, secret = backup.without_password("postgresql://ward_owner:p%40ss@db.example:5432/ward?sslmode=require")
    assert place == "postgresql://ward_owner@db.example:5432/ward?sslmode=require"
    assert secret == {"PGPASSWORD": "p@ss"}


def test_the_command_takes_a_backup_and_says_so_to_a_program(
    database: Server, line_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
):
    for name in ("address_index_keys", "address_cipher_keys", "erasure_key"):
        monkeypatch.setenv(f"WARD_{name.upper()}", getattr(line_settings, name).get_secret_value())
    monkeypatch.setenv("DATABASE_URL", database.app_url)
    monkeypatch.setenv("WARD_DATABASE_OWNER_URL", database.owner_url)
    monkeypatch.setenv("WARD_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        cli.main(["backup", str(tmp_path / "ward.backup"), "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (ended.value.code, said["bytes"]) == (0, (tmp_path / "ward.backup").stat().st_size)
