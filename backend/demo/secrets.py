"""お試しの鍵と合言葉。初めての起動で作り、データの置き場に 0600 で残す。"""

import json
import os
import secrets
from pathlib import Path

from backend.permissions import Role

CHANNEL_ID = "1650000000"
LOGIN_CHANNEL_ID = "1660000000"
LIFF_ID = f"{LOGIN_CHANNEL_ID}-Bunkyo01"
STAFF = (
    ("tanaka", "田中", Role.SECTION_STAFF, "kosodate", "子育て支援課"),
    ("suzuki", "鈴木", Role.SECTION_CHIEF, "kosodate", "子育て支援課"),
    ("sato", "佐藤", Role.PR, "koho", "広報課"),
    ("ito", "伊藤", Role.PR_CHIEF, "koho", "広報課"),
    ("watanabe", "渡辺", Role.SECTION_CHIEF, "bosai", "防災課"),
    ("takahashi", "高橋", Role.ADMINISTRATOR, "joho", "情報政策課"),
    ("kobayashi", "小林", Role.ADMINISTRATOR, "joho", "情報政策課"),
    ("ogawa", "小川", Role.PRIVACY_OFFICER, "somu", "総務課"),
    ("yoshida", "吉田", Role.NIGHT_WATCH, "somu", "総務課"),
)


def environment(data_dir: Path) -> dict[str, str]:
    """お試しの環境変数。二度目からは同じ値。"""
    path = data_dir / "demo-secrets.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    values = {
        "WARD_LINE_CHANNEL_ID": CHANNEL_ID,
        "WARD_LINE_CHANNEL_SECRET": secrets.token_hex(16),
        "WARD_LINE_LOGIN_CHANNEL_IDS": LOGIN_CHANNEL_ID,
        "WARD_LINE_LOGIN_CHANNEL_SECRET": secrets.token_hex(16),
        "WARD_LIFF_ID": LIFF_ID,
        "WARD_ADDRESS_INDEX_KEYS": f"1:{secrets.token_hex(64)}",
        "WARD_ADDRESS_CIPHER_KEYS": f"1:{secrets.token_hex(64)}",
        "WARD_SESSION_KEYS": f"1:{secrets.token_hex(32)}",
        "WARD_ERASURE_KEY": secrets.token_hex(32),
        "WARD_RECEIPT_SIGNING_KEY": secrets.token_hex(32),
    }
    write_private(path, json.dumps(values, indent=1))
    return values


def accounts(data: Path) -> list[dict[str, str]]:
    """職員の名前と合言葉。合言葉は初めての起動で作り、後から加わった職員の分だけを作り足す。"""
    path = data / "demo-accounts.json"
    known: list[dict[str, str]] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    have = {account["login"] for account in known}
    made = [_account(*person) for person in STAFF if person[0] not in have]
    if made:
        write_private(path, json.dumps([*known, *made], ensure_ascii=False, indent=1))
    return [*known, *made]


def _account(login: str, name: str, role: Role, section: str, _section_name: str) -> dict[str, str]:
    return {
        "login": login,
        "password": f"bunkyo-{secrets.token_hex(2)}-{secrets.token_hex(2)}",
        "role": role.value,
        "section": section,
        "name": name,
        "label": f"{role.label} {name}",
    }


def write_private(path: Path, text: str) -> None:
    """`text` を 0600 で、途中の姿を見せずに書く。"""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
