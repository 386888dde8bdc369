"""編集: 画面の欄から宣言を作り、升やタブを足す・消す・動かす。計算だけで、何も保存しない。"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from backend.menus import geometry
from backend.menus.declaration import ACTION_KINDS, Action, Bounds, Cell, Declaration, Rights, Size, Tab
from backend.menus.grids import grids
from backend.menus.palettes import PALETTES

SIZES = {"large": Size(2500, 1686), "compact": Size(2500, 843)}
NOTICE = "ここに書いても区は読めません。緊急は119・110へ"
FREE = "free"
_CHOSEN = ("link", "tab", "liff", "page")
MOST_CELLS, MOST_TABS = 19, 5
_TAB = re.compile(r"t(\d{1,2})-(\w+)")
_CELL = re.compile(r"t(\d{1,2})c(\d{1,2})-(\w+)")
_AT = re.compile(r"[0-9]{1,3}")
Fields = Mapping[str, str]


def blank() -> Declaration:
    """何もないところから始めるときの、一枚のメニュー。"""
    cells = [Cell("", Action()) for _ in range(6)]
    return Declaration(
        "新しいメニュー", "メニュー", SIZES["large"], [Tab("tab-1", "くらし", cells, grid="3+3")], notice=NOTICE
    )


def declaration(sent: Iterable[tuple[str, str]], rights: Mapping[str, Rights]) -> Declaration:
    """送られた欄から宣言を作る。足りない欄は空にする: 足りないことは点検が言う。"""
    whole, tabs, cells = _parted(sent)
    size = SIZES.get(whole.get("size", "large")) or _size(whole)
    read = Declaration(
        name=whole.get("name", ""),
        chatBarText=whole.get("chat", ""),
        size=size,
        selected=whole.get("selected", "") == "1",
        heading=whole.get("heading", ""),
        notice=whole.get("notice", ""),
        tabs=[_tab(index, tabs[index], cells.get(index, {}), rights) for index in sorted(tabs)],
    )
    return _with(read, tabs=[tab if tab.grid else _freed(read, tab) for tab in read.tabs])


def _freed(whole: Declaration, tab: Tab) -> Tab:
    """升目から自由な置き方に変えたばかりの升は、升目のときの場所から始める。"""
    if all(cell.bounds for cell in tab.cells):
        return tab
    grid = _usual(len(tab.cells))
    unplaced = [_with(cell, bounds=None) for cell in tab.cells]
    places = geometry.layout(whole, _with(tab, cells=unplaced, grid=grid)).cells
    cells = [_with(cell, bounds=cell.bounds or place) for cell, place in zip(tab.cells, places, strict=True)]
    return _with(tab, cells=cells)


def changed(before: Declaration, do: str) -> Declaration:
    """`do` は `add_tab`、`drop_tab:1`、`add_cell:0`、`drop_cell:0.2`、`up:0.2`、`down:0.2`、`swap:0.1.4`。"""
    verb, _, where = do.partition(":")
    numbers = [int(part) for part in where.split(".") if _AT.fullmatch(part)]
    tabs = list(before.tabs)
    if verb == "add_tab" and len(tabs) < MOST_TABS:
        palette = list(PALETTES)[len(tabs) % len(PALETTES)]
        cells = [Cell("", Action()) for _ in range(6)]
        return _with(
            before, tabs=[*tabs, Tab(_fresh(tabs), f"タブ{len(tabs) + 1}", cells, palette=palette, grid="3+3")]
        )
    if not numbers or numbers[0] >= len(tabs):
        return before
    if verb == "drop_tab" and len(tabs) > 1:
        return _with(before, tabs=tabs[: numbers[0]] + tabs[numbers[0] + 1 :])
    tab = tabs[numbers[0]]
    cells = _moved(tab, verb, numbers[1:], before.size)
    if cells is None:
        return before
    grid = tab.grid if not tab.rows or len(cells) == len(tab.cells) else _usual(len(cells))
    tabs[numbers[0]] = _with(tab, cells=cells, grid=grid)
    return _with(before, tabs=tabs)


def _moved(tab: Tab, verb: str, at: list[int], size: Size) -> list[Cell] | None:
    cells = list(tab.cells)
    if verb == "add_cell" and len(cells) < MOST_CELLS:
        bounds = None if tab.rows else Bounds(0, 0, size.width // 3, size.height // 3)
        return [*cells, Cell("", Action(), bounds=bounds)]
    if not at or at[0] >= len(cells):
        return None
    one = at[0]
    if verb == "drop_cell" and len(cells) > 1:
        return cells[:one] + cells[one + 1 :]
    other = {"up": one - 1, "down": one + 1, "swap": at[1] if len(at) > 1 else -1}.get(verb, -1)
    if not 0 <= other < len(cells):
        return None
    # 中身だけを入れ替える。位置は、その場所のもの。
    here, there = cells[one], cells[other]
    cells[one], cells[other] = _with(there, bounds=here.bounds), _with(here, bounds=there.bounds)
    return cells


def grids_of(tab: Tab) -> list[str]:
    """選べる並べ方: いまのもの(数が合わなくても)と、ボタンの数に合うもの。"""
    now = [str(tab.grid)] if tab.rows else []
    return list(dict.fromkeys([*now, *grids(len(tab.cells))]))


def size_name(declaration: Declaration) -> str:
    return next((name for name, size in SIZES.items() if size == declaration.size), "kept")


def action_of(cell: Cell) -> tuple[str, str]:
    """(種類, 値)。まだ決まっていなければ ("link", "")。"""
    kinds = cell.action.kinds
    return (kinds[0], str(getattr(cell.action, kinds[0]))) if kinds else ("link", "")


def _parted(
    sent: Iterable[tuple[str, str]],
) -> tuple[dict[str, str], dict[int, dict[str, str]], dict[int, dict[int, dict[str, str]]]]:
    whole: dict[str, str] = {}
    tabs: dict[int, dict[str, str]] = {}
    cells: dict[int, dict[int, dict[str, str]]] = {}
    for name, value in sent:
        clean = re.sub(r"[\r\n\t]+", " ", value).strip()  # 長さは切らない: 長すぎることは点検が言う
        if found := _CELL.fullmatch(name):
            if int(found[1]) < MOST_TABS * 2 and int(found[2]) < 40:
                cells.setdefault(int(found[1]), {}).setdefault(int(found[2]), {})[found[3]] = clean
        elif found := _TAB.fullmatch(name):
            if int(found[1]) < MOST_TABS * 2:
                tabs.setdefault(int(found[1]), {})[found[2]] = clean
        else:
            whole[name] = clean
    return whole, tabs, cells


def _tab(index: int, tab: Fields, cells: Mapping[int, Fields], rights: Mapping[str, Rights]) -> Tab:
    free = tab.get("grid") == FREE
    artwork = tab.get("artwork", "")
    return Tab(
        alias=tab.get("alias", "") or f"tab-{index + 1}",
        title=tab.get("title", ""),
        cells=[_cell(cells[number], free) for number in sorted(cells)],
        palette=tab.get("palette", "ai"),
        grid="" if free else tab.get("grid", ""),
        artwork=artwork,
        rights=rights.get(artwork) if artwork else None,
    )


def _cell(cell: Fields, free: bool) -> Cell:
    kind = cell.get("kind", "link")
    value = cell.get(kind, "") if kind in _CHOSEN else cell.get("value", "")
    lines = [cell.get("main", ""), cell.get("sub", "")]
    return Cell(
        label=cell.get("label", ""),
        action=Action(**{kind: value}) if kind in ACTION_KINDS else Action(),
        text=[line for line in lines if line],
        picture=cell.get("picture", ""),
        bounds=_bounds(cell) if free else None,
        strong=cell.get("strong", "") == "1",
    )


def _bounds(cell: Fields) -> Bounds | None:
    """四つの数がそろっていなければNone(升目から変えたばかり)。"""
    sent = [cell.get(name, "") for name in "xywh"]
    if not all(sent):
        return None
    x, y, width, height = (_number(words, 1) for words in sent)
    return Bounds(x, y, width, height)


def _size(whole: Fields) -> Size:
    large = SIZES["large"]
    return Size(_number(whole.get("width", ""), large.width), _number(whole.get("height", ""), large.height))


def _usual(count: int) -> str:
    """ふつうの並べ方。多すぎて並べられない数なら空: 多すぎることは点検が言う。"""
    return next(iter(grids(count)), "")


def _number(words: str, default: int) -> int:
    return int(words) if re.fullmatch(r"-?[0-9]{1,7}", words) else default


def _fresh(tabs: list[Tab]) -> str:
    taken = {tab.alias for tab in tabs}
    return next(name for n in range(1, 99) if (name := f"tab-{n}") not in taken)


def _with(thing: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(thing, **changes)
