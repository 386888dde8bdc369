"""どの機械でも同じ: 配布元の名も、この機械の場所も、秘密も、版の管理に入らない。"""

import json
import re
from pathlib import Path

import pytest

from tests.house import files

# この検査のファイル自身に当たらないように、言葉を分けて書く。
HOSTS = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "registry.npmjs" + ".org",
    "registry.yarnpkg" + ".com",
    "deb.debian" + ".org",
]
PLACES = re.compile("/(work|root|opt|home)" + r"/[a-z.][\w.-]*/")
PRIVATE = re.compile("-----BEGIN " + "[A-Z ]*PRIVATE KEY-----")


def _texts() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for path in files.ours():
        try:
            found.append((files.name(path), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def test_no_file_names_a_registry() -> None:
    assert [(name, host) for name, text in _texts() for host in HOSTS if host in text] == []


def test_no_file_names_a_place_on_one_machine() -> None:
    found = [(name, match.group()) for name, text in _texts() for match in PLACES.finditer(text)]
    assert found == []


def test_no_lock_file_that_records_hosts() -> None:
    assert [
        files.name(path)
        for path in files.ours()
        if path.name in ("uv.lock", "poetry.lock", "Pipfile.lock", "yarn.lock")
    ] == []


def test_every_locked_library_has_its_hash() -> None:
    lock = (files.ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = re.findall(r"^[a-z0-9._-]+(?:\[[^\]]*\])?==[^\n]*\n(?:\s+--hash=|[^\n]*\\\n)", lock, re.MULTILINE)
    names = re.findall(r"^[a-z0-9][^\n]*==", lock, re.MULTILINE)
    assert len(pinned) == len(names)
    assert "--hash=sha256:" in lock


@pytest.mark.parametrize("folder", ["liff_static", "tests/bench"])
def test_every_locked_page_part_has_its_hash_and_no_address(folder: str) -> None:
    lock: dict[str, dict[str, dict[str, object]]] = json.loads(
        (files.ROOT / folder / "package-lock.json").read_text(encoding="utf-8")
    )
    parts = {name: part for name, part in lock["packages"].items() if name and not part.get("link")}
    assert [name for name, part in parts.items() if "integrity" not in part or "resolved" in part] == []


def test_no_private_key_is_kept() -> None:
    assert [name for name, text in _texts() if PRIVATE.search(text) and Path(name).suffix != ".md"] == []


def test_the_data_of_a_running_system_is_never_kept() -> None:
    ignored = (files.ROOT / ".gitignore").read_text(encoding="utf-8").split()
    assert {".ward*/", ".venv/", "node_modules/", "liff_static/dist/"} <= set(ignored)
