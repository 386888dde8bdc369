"""設定。環境変数だけから読み、おかしな値では起動しない(DESIGN 5)。"""

import os
import re
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_PUBLIC_KEY = re.compile(r"[0-9a-fA-F]{64}")
LINE_HOST = "https://api.line.me"
LINE_ACCESS_HOST = "https://access.line.me"


class Mode(StrEnum):
    LIVE = "live"
    TRAINING = "training"
    DEMO = "demo"

    @property
    def label(self) -> str:
        return {"live": "本番", "training": "訓練", "demo": "お試し"}[self.value]


class Settings(BaseSettings):
    """`WARD_` で始まる環境変数。秘密の値は `…_FILE` にファイル名でも渡せる。"""

    model_config = SettingsConfigDict(env_prefix="WARD_", extra="ignore", populate_by_name=True)

    mode: Mode = Mode.DEMO
    database_url: SecretStr | None = Field(default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url"))
    database_owner_url: SecretStr | None = None
    data_dir: Path = Path(".ward")
    public_url: str = "http://127.0.0.1:8000"
    console_url: str = ""
    line_api_host: str = LINE_HOST
    line_channel_id: str = ""
    line_channel_secret: SecretStr = SecretStr("")
    line_channel_secret_next: SecretStr = SecretStr("")
    line_channel_access_token: SecretStr = SecretStr("")
    line_login_channel_ids: Annotated[list[str], NoDecode] = []
    line_login_channel_secret: SecretStr = SecretStr("")
    liff_id: str = ""
    address_index_keys: SecretStr = SecretStr("")
    address_cipher_keys: SecretStr = SecretStr("")
    session_keys: SecretStr = SecretStr("")
    receipt_signing_key: SecretStr = SecretStr("")
    receipt_retired_keys: Annotated[list[str], NoDecode] = []
    erasure_key: SecretStr = SecretStr("")
    smtp_url: SecretStr = SecretStr("")
    alert_email: str = ""
    trusted_proxies: Annotated[list[str], NoDecode] = []
    chief_check: bool = True
    minimum_audience: int = Field(default=20, ge=1, le=1000)
    retention_months: int = Field(default=24, ge=1, le=60)
    simulator_url: str = "http://127.0.0.1:8001"  # お試しと試験だけで使う
    demo_door: bool = False  # `ward demo` だけが開ける、模擬LINEへの同じ出どころの扉

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        for name in cls.model_fields:
            variable = "DATABASE_URL" if name == "database_url" else f"WARD_{name.upper()}"
            path = os.environ.get(f"{variable}_FILE")
            if path and name not in values and variable not in values:
                values[name] = _read_secret(f"{variable}_FILE", Path(path))
        for name in ("line_login_channel_ids", "trusted_proxies", "receipt_retired_keys"):
            if isinstance(values.get(name), str):
                values[name] = [item.strip() for item in values[name].split(",") if item.strip()]
        if values.get("mode", Mode.DEMO) == Mode.DEMO:
            values.setdefault("chief_check", False)  # 二人だけで端から端まで歩けるように
        return values

    @model_validator(mode="after")
    def _refuse_nonsense(self) -> "Settings":
        self.console_url = self.console_url or self.public_url
        for name in ("public_url", "console_url", "line_api_host", "simulator_url"):
            url = urlsplit(getattr(self, name))
            if url.scheme not in ("http", "https") or not url.hostname or url.path not in ("", "/"):
                raise ValueError(f"WARD_{name.upper()} は https://ホスト名 の形で書いてください。")
            setattr(self, name, getattr(self, name).rstrip("/"))
        self._refuse_wrong_public_keys()
        if self.mode is not Mode.DEMO:
            self._refuse_defaults()
        return self

    def _refuse_wrong_public_keys(self) -> None:
        """公開のページに出すので、署名の鍵そのものを書き間違えても出さない。"""
        secret = self.receipt_signing_key.get_secret_value()[:64].lower()
        if not all(_PUBLIC_KEY.fullmatch(key) and key.lower() != secret for key in self.receipt_retired_keys):
            raise ValueError(
                "WARD_RECEIPT_RETIRED_KEYS には、`ward receipt key` の出した公開鍵(16進64桁)をカンマで区切って書いてください。"
            )

    def _refuse_defaults(self) -> None:
        if self.demo_door:
            raise ValueError("WARD_DEMO_DOOR はお試しでだけ使えます。")
        required = (
            "database_url database_owner_url line_channel_id line_channel_secret line_login_channel_ids "
            "line_login_channel_secret liff_id address_index_keys address_cipher_keys session_keys receipt_signing_key erasure_key"
        ).split()
        missing = [
            "DATABASE_URL" if n == "database_url" else f"WARD_{n.upper()}"
            for n in required
            if not _filled(getattr(self, n))
        ]
        if missing:
            raise ValueError(f"本番と訓練では次の設定が要ります: {'、'.join(missing)}")
        if self.public_url.startswith("http://") or self.console_url.startswith("http://"):
            raise ValueError("本番と訓練では WARD_PUBLIC_URL と WARD_CONSOLE_URL を https:// にしてください。")
        if _role(self.database_url) == _role(self.database_owner_url):
            raise ValueError("DATABASE_URL と WARD_DATABASE_OWNER_URL には別の利用者を使ってください。")
        if self.line_api_host != LINE_HOST and self.mode is Mode.LIVE:
            raise ValueError("本番で WARD_LINE_API_HOST をLINE以外に向けることはできません。")
        for name in ("address_index_keys", "address_cipher_keys", "session_keys"):
            try:
                keyring(getattr(self, name))
            except ValueError as error:
                raise ValueError(f"WARD_{name.upper()}: {error}") from None

    @property
    def liff_bundle(self) -> str:
        """住民のページが読む束。お試しの扉があるときだけ、行き先を差し替えた束になる(LINE.md 3.3)。"""
        return "/assets/liff-demo.js" if self.demo_door else "/assets/liff.js"

    @cached_property
    def secure_cookies(self) -> bool:
        """httpsで配るときだけ `__Host-` とSecureを付けられる。"""
        return self.public_url.startswith("https://")


def keyring(value: SecretStr) -> dict[int, bytes]:
    """`1:16進,2:16進` を 版 → 鍵(bytes) にする。`-2:` のように書いた鍵は、読むためだけの次の鍵(`current_version`)。"""
    ring: dict[int, bytes] = {}
    for version, key in _keys(value):
        try:
            ring[abs(int(version))] = bytes.fromhex(key)
        except ValueError:
            raise ValueError("鍵は `1:` のような版の番号に続けて、16進数で書いてください。") from None
    if not ring:
        raise ValueError("鍵が設定されていません。`1:` に続けて64桁以上の16進数を書いてください。")
    if any(len(key) < 32 for key in ring.values()):
        raise ValueError("鍵は32バイト(16進数64桁)以上にしてください。")
    if not all(0 < version < 256 for version in ring) or len(ring) < len(_keys(value)):
        raise ValueError("鍵の版は、1から255までの、重ならない番号にしてください。")
    if current_version(value) < 1:
        raise ValueError("書くために使う鍵がありません。どれか一つの版から `-` を除いてください。")
    return ring


def current_version(value: SecretStr) -> int:
    """書くために使う版: `-` の付いていない最大の番号。

    次の鍵は、まず `-2:` と書いてすべてのプロセスに配り、行き渡ってから `-` を除く。一度に替えると、替え終わった
    プロセスの書いたものを、まだのプロセスが読めない。
    """
    return max((int(version) for version, _ in _keys(value)), default=0)


def _keys(value: SecretStr) -> list[tuple[str, str]]:
    items = (item.strip().partition(":") for item in value.get_secret_value().split(",") if item.strip())
    return [(version, key) for version, _, key in items]


def _read_secret(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ValueError(f"{variable} のファイル {path} を読めません({error.strerror})。") from None


def _role(url: SecretStr | None) -> str | None:
    return urlsplit(url.get_secret_value()).username if url else None


def _filled(value: object) -> bool:
    return bool(value.get_secret_value()) if isinstance(value, SecretStr) else bool(value)
