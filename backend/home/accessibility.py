"""使いやすさの試験の結果: 画面の試験(tests/browser)が書き、`/accessibility` が読む。いまの画面を試したものだけを、結果と呼ぶ。"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from backend.texts.catalogue import N_

ROOT = Path(__file__).parents[2]
DIST = ROOT / "liff_static" / "dist"
FOLDER = DIST / "accessibility"
RESIDENTS, PUBLIC, CONSOLE = N_("お知らせの受け取り設定"), N_("公開ページ"), N_("職員の画面")
GROUPS = (RESIDENTS, PUBLIC, CONSOLE)
"""ページの種類。三つともそろって、はじめて結果になる。"""


@dataclass(frozen=True)
class State:
    """一つの画面の結果。`group` はページの種類、`checks` は見かけを変えて調べた回数。"""

    group: str
    name: str
    checks: int
    violations: int


@dataclass(frozen=True)
class Result:
    """自動の試験の結果。`ran_at` は、いちばん古い部分の時刻。"""

    ran_at: datetime
    tool: str
    states: tuple[State, ...]

    @property
    def groups(self) -> list[tuple[str, list[State]]]:
        return [(name, [state for state in self.states if state.group == name]) for name in GROUPS]

    @property
    def checks(self) -> int:
        return sum(state.checks for state in self.states)

    @property
    def violations(self) -> int:
        return sum(state.violations for state in self.states)


def read(folder: Path = FOLDER) -> Result | None:
    """そろっていて、いまの画面のものならその結果。なければ、古ければ、読めなければNone: 試験をしていないのに、したとは言わない。"""
    try:
        parts = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]
        states = tuple(
            State(str(s["group"]), str(s["name"]), int(s["checks"]), int(s["violations"]))
            for part in parts
            for s in part["states"]
        )
        current = all(part["looks"] == looks() for part in parts)
        if not current or {state.group for state in states} != set(GROUPS):
            return None
        ran_at = min(datetime.fromisoformat(part["ran_at"]) for part in parts)
        return Result(ran_at, str(parts[0]["tool"]), states)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, ran_at: datetime, tool: str, states: Sequence[State]) -> None:
    """一つの試験の結果を残す。"""
    body = {
        "ran_at": ran_at.isoformat(),
        "tool": tool,
        "looks": looks(),
        "states": [{"group": s.group, "name": s.name, "checks": s.checks, "violations": s.violations} for s in states],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")


@cache
def looks() -> str:
    """画面を決めるファイル(型、様式、電話の中の台本)の指紋。"""
    digest = hashlib.sha256()
    folders = (
        (ROOT / "backend" / "templates", "*.html"),
        (ROOT / "backend" / "static", "*"),
        (DIST, "*.css"),
        (DIST, "*.js"),
    )
    for folder, pattern in folders:
        for path in sorted(path for path in folder.rglob(pattern) if path.is_file()):
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
