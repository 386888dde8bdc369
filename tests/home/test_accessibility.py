"""使いやすさの試験の結果を偽らないこと: ない・欠けた・古い結果を、結果と呼ばない。"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backend.home import accessibility
from backend.home.accessibility import CONSOLE, GROUPS, PUBLIC, RESIDENTS, State

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """二つの試験が書いた、そろった結果。"""
    first = [State(RESIDENTS, "説明", 4, 0), State(PUBLIC, "最初のページ", 4, 2)]
    accessibility.write(tmp_path / "residents.json", NOON, "axe-core 4.14.1", first)
    accessibility.write(
        tmp_path / "console.json", NOON + timedelta(hours=1), "axe-core 4.14.1", [State(CONSOLE, "ホーム", 8, 0)]
    )
    return tmp_path


def test_the_result_is_counted_as_it_was_written(folder: Path) -> None:
    found = accessibility.read(folder)
    assert found
    assert (found.checks, found.violations, len(found.states)) == (16, 2, 3)
    assert [name for name, _ in found.groups] == [*GROUPS]


def test_the_time_is_that_of_the_oldest_part(folder: Path) -> None:
    found = accessibility.read(folder)
    assert found
    assert found.ran_at == NOON


def test_a_missing_part_is_not_a_clean_result(folder: Path) -> None:
    (folder / "console.json").unlink()
    assert accessibility.read(folder) is None


def test_nothing_is_not_a_clean_result(tmp_path: Path) -> None:
    assert accessibility.read(tmp_path) is None


def test_a_broken_result_is_not_a_clean_result(folder: Path) -> None:
    (folder / "console.json").write_text('{"ran_at": "2026-11-24T00:00:00+00:00", "states": [{"name": "x"}]}')
    assert accessibility.read(folder) is None


def test_the_result_of_other_pages_than_these_is_no_result(folder: Path) -> None:
    """画面を直した後に、試験をしていない。"""
    path = folder / "console.json"
    path.write_text(path.read_text(encoding="utf-8").replace(accessibility.looks(), "0" * 64), encoding="utf-8")
    assert accessibility.read(folder) is None
