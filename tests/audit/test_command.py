"""`ward audit verify` と操作記録の画面。"""

import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from backend import cli
from backend.audit import seal, trail
from backend.database.embedded import Server
from backend.settings import Settings
from tests import cast


def _run(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    return int(ended.value.code or 0)


@pytest.fixture
def environment(database: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATABASE_URL", database.app_url)
    monkeypatch.setenv("WARD_DATABASE_OWNER_URL", database.owner_url)
    monkeypatch.setenv("WARD_DATA_DIR", str(tmp_path))
    return tmp_path


async def _tampered(folder: Path, owner: asyncpg.Connection) -> None:
    await trail.record(None, "test.act", "thing:1")
    await seal.tick(folder)
    await owner.execute("update audit_entry set subject = 'thing:2'")


async def _verify(*more: str) -> int:
    """`ward` は自分の輪を持つので、別の糸で動かす。束はその間だけ渡す。"""
    import asyncio

    from backend.store.pool import DB

    pool, DB.pool = DB.pool, None
    try:
        return await asyncio.to_thread(_run, ["audit", "verify", *more])
    finally:
        DB.pool = pool


async def test_a_sound_ledger_ends_with_0(environment: Path, capsys: pytest.CaptureFixture[str]) -> None:
    await trail.record(None, "test.act", "thing:1")
    await seal.tick(environment)
    assert await _verify() == 0
    assert "すべて合っています" in capsys.readouterr().out


async def test_a_changed_ledger_ends_with_1_and_says_where(
    environment: Path, owner: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await _tampered(environment, owner)
    assert await _verify() == 1
    assert "操作記録: 書き換えられた記録 1" in capsys.readouterr().out


async def test_a_program_can_read_the_findings(
    environment: Path, owner: asyncpg.Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    await _tampered(environment, owner)
    await _verify("--json")
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["ledger"], found["first"]) == ("edited", "audit_entry", 1)


async def test_the_page_shows_what_is_not_yet_sealed(environment: Path, settings: Settings) -> None:
    people = await cast.staff()
    app: Any = cast.make_app(settings)
    await trail.record(None, "test.act", "thing:1")
    await seal.tick(environment)
    await trail.record(None, "test.act", "thing:2")
    console = await cast.signed_in(app, settings, people.takahashi)
    answer = await console.get("/console/audit")
    await console.close()
    assert "1番まで" in answer.text
    assert "<td>1件" in answer.text
