"""設定: どれもREADMEにあり、おかしな値では起動しない。"""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from backend.settings import Mode, Settings, keyring
from tests.house import files

LIVE = {
    "WARD_MODE": "live",
    "DATABASE_URL": "postgresql://ward_app@db/ward",
    "WARD_DATABASE_OWNER_URL": "postgresql://ward_owner@db/ward",
    "WARD_PUBLIC_URL": "https://line.example.lg.jp",
    "WARD_CONSOLE_URL": "https://console.example.lg.jp",
    "WARD_LINE_CHANNEL_ID": "1",
    "WARD_LINE_CHANNEL_SECRET": "s",
    "WARD_LINE_LOGIN_CHANNEL_IDS": "2",
    "WARD_LINE_LOGIN_CHANNEL_SECRET": "s",
    "WARD_LIFF_ID": "2-abc",
    "WARD_ADDRESS_INDEX_KEYS": "1:" + "a" * 64,
    "WARD_ADDRESS_CIPHER_KEYS": "1:" + "b" * 128,
    "WARD_SESSION_KEYS": "1:" + "c" * 64,
    "WARD_RECEIPT_SIGNING_KEY": "d" * 64,
    "WARD_ERASURE_KEY": "e" * 64,
}


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """本番の、足りている環境変数だけ。"""
    for name in os.environ:
        if name.startswith(("WARD_", "DATABASE_URL")):
            monkeypatch.delenv(name)
    for name, value in LIVE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_every_setting_is_in_the_readme() -> None:
    readme = (files.ROOT / "README.md").read_text(encoding="utf-8")
    names = ["DATABASE_URL" if name == "database_url" else f"WARD_{name.upper()}" for name in Settings.model_fields]
    assert [name for name in names if f"`{name}`" not in readme] == []


def test_complete_live_settings_are_accepted(live: pytest.MonkeyPatch) -> None:
    assert Settings().mode is Mode.LIVE


@pytest.mark.parametrize("missing", sorted(set(LIVE) - {"WARD_MODE", "WARD_CONSOLE_URL", "WARD_PUBLIC_URL"}))
def test_live_names_what_is_missing(live: pytest.MonkeyPatch, missing: str) -> None:
    live.delenv(missing)
    with pytest.raises(ValidationError, match=missing):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WARD_PUBLIC_URL", "http://line.example.lg.jp"),
        ("WARD_PUBLIC_URL", "line.example.lg.jp"),
        ("WARD_PUBLIC_URL", "https://line.example.lg.jp/path"),
        ("WARD_DATABASE_OWNER_URL", "postgresql://ward_app@db/ward"),
        ("WARD_DATABASE_OWNER_URL", "postgresql://ward_app:x@db/ward?sslmode=require"),
        ("WARD_LINE_API_HOST", "https://example.com"),
        ("WARD_DEMO_DOOR", "true"),
        ("WARD_SIMULATOR_URL", "nonsense"),
        ("WARD_MINIMUM_AUDIENCE", "0"),
        ("WARD_RETENTION_MONTHS", "600"),
        ("WARD_MODE", "production"),
        ("WARD_ADDRESS_INDEX_KEYS", "1:short"),
        ("WARD_ADDRESS_CIPHER_KEYS", "no version"),
        ("WARD_SESSION_KEYS", "1:" + "a" * 8),
    ],
)
def test_live_refuses_nonsense(live: pytest.MonkeyPatch, name: str, value: str) -> None:
    live.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


def test_a_secret_may_come_from_a_file(live: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n", encoding="utf-8")
    live.delenv("WARD_LINE_CHANNEL_SECRET")
    live.setenv("WARD_LINE_CHANNEL_SECRET_FILE", str(tmp_path / "secret"))
    assert Settings().line_channel_secret.get_secret_value() == "from-a-file"


def test_a_secret_file_that_is_not_there_is_named(live: pytest.MonkeyPatch, tmp_path: Path) -> None:
    live.setenv("WARD_LINE_CHANNEL_SECRET_FILE", str(tmp_path / "none"))
    live.delenv("WARD_LINE_CHANNEL_SECRET")
    with pytest.raises(ValidationError, match="WARD_LINE_CHANNEL_SECRET_FILE"):
        Settings()


def test_secrets_do_not_show_themselves(live: pytest.MonkeyPatch) -> None:
    shown = repr(Settings()) + str(Settings().model_dump())
    assert [value for name, value in LIVE.items() if name.endswith(("KEYS", "KEY")) and value in shown] == []


def test_the_newest_key_is_the_one_with_the_greatest_version() -> None:
    assert max(keyring(Settings(session_keys="1:" + "a" * 64 + ",10:" + "b" * 64).session_keys)) == 10  # type: ignore[arg-type]
