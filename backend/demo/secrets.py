"""お試しの鍵と合言葉。初めての起動で作り、データの置き場に 0600 で残す。"""

import json
import os
import secrets
from pathlib import Path

CHANNEL_ID = "1650000000"
LOGIN_CHANNEL_ID = "1660000000"
LIFF_ID = f"{LOGIN_CHANNEL_ID}-Bunkyo01"


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


def write_private(path: Path, text: str) -> None:
    """`text` を 0600 で、途中の姿を見せずに書く。"""
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
