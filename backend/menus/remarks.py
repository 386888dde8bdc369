"""点検の言い方: 同じ指摘をまとめ、宣言の行ではなく画面での場所で言う。"""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.menus.declaration import Cell, Declaration, Finding
from backend.menus.yaml_lines import Path


@dataclass(frozen=True)
class Said:
    """同じことを言う指摘をまとめたもの。`spots` は画面での場所(「くらし」のボタン1・3)。"""

    finding: Finding
    spots: str
    count: int


def together(findings: Sequence[Finding], declaration: Declaration | None) -> list[Said]:
    """同じ指摘は一度だけ言い、場所を並べる。並びは始めに出たところ。"""
    found: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        found.setdefault((finding.severity.value, finding.message, finding.remedy), []).append(finding)
    return [Said(same[0], _spots([one.path for one in same], declaration), len(same)) for same in found.values()]


def unwritten(declaration: Declaration) -> str:
    """まだ何も書いていないボタンの場所。なければ空。"""
    blank = [
        ("tabs", index, "cells", number)
        for index, tab in enumerate(declaration.tabs)
        for number, cell in enumerate(tab.cells)
        if is_blank(cell)
    ]
    return _spots(blank, declaration)


def is_unwritten(declaration: Declaration, finding: Finding) -> bool:
    """まだ何も書いていないボタンへの指摘か。"""
    at = _cell_at(finding.path)
    return at is not None and is_blank(declaration.tabs[at[0]].cells[at[1]])


def _spots(paths: Sequence[Path], declaration: Declaration | None) -> str:
    """宣言の中の場所を、画面の言葉で。"""
    if declaration is None:
        return ""
    buttons: dict[str, list[str]] = {}
    for path in paths:
        if path[:1] != ("tabs",) or len(path) < 2:
            continue
        at = _cell_at(path)
        numbers = buttons.setdefault(declaration.tabs[int(path[1])].title, [])
        if at:
            numbers.append(str(at[1] + 1))
    many = len(declaration.tabs) > 1
    said = [(f"「{title}」" if many else "", "・".join(numbers)) for title, numbers in buttons.items()]
    return "、".join(
        f"{tab}{'の' if tab and numbers else ''}{f'ボタン{numbers}' if numbers else ''}" for tab, numbers in said
    )


def _cell_at(path: Path) -> tuple[int, int] | None:
    if len(path) < 4 or path[0] != "tabs" or path[2] != "cells":
        return None
    return int(path[1]), int(path[3])


def is_blank(cell: Cell) -> bool:
    """まだ何も書いていないボタンか。"""
    return not (cell.label or cell.action.kinds or cell.text or cell.picture)
