"""移行の印: 組み込みのデータベースがいまの形なら、重い移行の道具を読み込まずに済む。"""

import hashlib
from pathlib import Path

_HERE = Path(__file__).parent
_NAME = "ward-migrated"


def is_current(data_dir: Path) -> bool:
    """`data_dir` の組み込みのデータベースに、いまの移行と権利がすべて済んでいるか。"""
    path = data_dir / "postgres" / _NAME
    return path.exists() and path.read_text(encoding="utf-8") == _fingerprint()


def put(data_dir: Path) -> None:
    """移行のあとに残す。データベースのフォルダの中なので、消えるときは一緒に消える。"""
    (data_dir / "postgres" / _NAME).write_text(_fingerprint(), encoding="utf-8")


def drop(data_dir: Path) -> None:
    """控えを戻した後は、どの版の形か分からない。"""
    (data_dir / "postgres" / _NAME).unlink(missing_ok=True)


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in [_HERE / "grants.py", *sorted((_HERE / "migrations").glob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
