"""命令: 使い方も断りも日本語で、終わりの値が違いを言う。"""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from backend import cli
from tests.house import files

COMMANDS = (
    ["demo"], ["serve"], ["worker"], ["simulator"], ["migrate"], ["doctor"], ["staff", "add"], ["audit", "verify"],
    ["backup"], ["restore"], ["keys", "new"], ["keys", "rotate"], ["receipt", "verify"], ["richmenu", "load"], ["richmenu", "plan"], ["richmenu", "apply"], ["richmenu", "export"],
)  # fmt: skip


def ward(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out + said.err


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    code, words = ward(capsys, *command, "--help")
    assert (code, "この説明を表示する" in words) == (0, True)


@pytest.mark.parametrize(
    "words", [["nonsense"], ["demo", "--port", "abc"], ["staff", "add"], ["receipt", "verify"], []]
)
def test_a_wrong_use_is_two_and_says_so_in_japanese(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, said = ward(capsys, *words)
    assert (code, "使い方が違います" in said, "invalid" in said, "required" in said) == (2, True, False, False)


def test_a_wrong_setting_is_two_and_names_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARD_MINIMUM_AUDIENCE", "0")
    code, said = ward(capsys, "doctor")
    assert (code, "WARD_MINIMUM_AUDIENCE の値を読めません(1以上にしてください)。" in said) == (2, True)


def test_a_receipt_that_is_not_ours_is_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WARD_RECEIPT_SIGNING_KEY", "a" * 64)
    (tmp_path / "receipt.json").write_text(json.dumps({"signature": None}), encoding="utf-8")
    code, said = ward(capsys, "receipt", "verify", str(tmp_path / "receipt.json"))
    assert (code, "書き換えられています" in said) == (1, True)


def test_a_receipt_that_is_not_there_is_one(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said = ward(capsys, "receipt", "verify", str(tmp_path / "none.json"), "--key", "a" * 64)
    assert (code, "がありません" in said) == (1, True)


def test_a_command_starts_without_reading_the_sdk_of_line() -> None:
    words = "import sys; from backend import cli; cli._parser(['demo']); print('linebot' in sys.modules)"
    seen = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, cwd=files.ROOT, check=True)
    assert seen.stdout.strip() == "False"


def test_make_explains_each_of_its_targets() -> None:
    seen = subprocess.run(
        ["make", "--no-print-directory", "help"], capture_output=True, text=True, cwd=files.ROOT, check=True
    )
    assert [name for name in ("demo", "test", "check", "bench", "build") if f"make {name} " not in seen.stdout] == []


def test_a_bench_that_is_not_there_is_two() -> None:
    seen = subprocess.run(
        [sys.executable, "-m", "tests.bench", "nonsense"], capture_output=True, text=True, cwd=files.ROOT, check=False
    )
    assert (seen.returncode, "counting" in seen.stderr) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "80000"], "ポートの番号(1〜65535)ではありません"),
        (["--port", "9000", "--simulator-port", "9000"], "PORT と SIMULATOR_PORT が同じです"),
    ],
)
def test_ports_that_cannot_be_are_refused_before_anything_starts(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, found = ward(capsys, "demo", *words)
    assert (code != 0, said in found) == (True, True)


@pytest.mark.parametrize("place", ["file", "file/below", "/proc/none"])
def test_a_place_that_cannot_hold_data_is_said_in_japanese(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("WARD_DATA_DIR", str(tmp_path / place))
    code, said = ward(capsys, "demo")
    assert (code, "フォルダ" in said, "WARD_DATA_DIR" in said) == (1, True, True)


def test_a_full_disk_is_said_in_japanese(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data")

    monkeypatch.setattr(cli, "_with_database", full)
    code, said = ward(capsys, "migrate")
    assert (code, "/data: ディスクに空きがありません。" in said) == (1, True)
