"""メニューの規則: LINEの決まり(LINE.md 1.1)と区の決まり(RULES 49)を、宣言の行で指摘する。"""

import re
from collections.abc import Iterator, Sequence

from backend.menus import geometry, pictograms, places, registered, targets, ward_rules, wording
from backend.menus.declaration import Bounds, Cell, Declaration, Finding, Parsed, Severity, Tab
from backend.menus.palettes import PALETTES
from backend.menus.places import Places
from backend.menus.roles import Role
from backend.menus.wording import Found
from backend.menus.yaml_lines import Path

NAME, CHAT_BAR, LABEL, AREAS, TABS = 300, 14, 20, 20, 5
NAME_OF_OURS = 60  # LINEのnameには、組の名・タブの名・指紋が入る
WIDTH, LEAST_HEIGHT, LEAST_RATIO = (800, 2500), 250, 1.45
IMAGE_BYTES = 1_000_000
_GAP = 0.02

BLOCK, WARN = Severity.BLOCK, Severity.WARN


def check(parsed: Parsed, where: Places, role: Role | None = None) -> list[Finding]:
    """すべての指摘。止めるものが先、次に行の順。絵に関わるもの(文字の濃さ、大きさ)は `drawing` が見る。"""
    if parsed.declaration is None:
        return list(parsed.findings)
    found = [*_whole(parsed.declaration, where, role)]
    for index, tab in enumerate(parsed.declaration.tabs):
        found += _tab(parsed.declaration, tab, ("tabs", index), where)
    findings = [Finding(s, parsed.line(*path), message, remedy, path) for s, path, message, remedy in found]
    return sorted(findings, key=lambda f: (f.severity is WARN, f.line))


def blocking(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is BLOCK]


def _whole(declaration: Declaration, where: Places, role: Role | None) -> Iterator[Found]:
    yield from wording.required(declaration.name, ("name",), "名前", NAME_OF_OURS)
    yield from wording.required(declaration.chatBarText, ("chatBarText",), "トークの下に出る文字", CHAT_BAR)
    yield from _size(declaration)
    if not declaration.tabs:
        yield BLOCK, ("tabs",), "メニューが一枚もありません。", "一枚以上を作ります(tabs:)。"
    if len(declaration.tabs) > TABS:
        yield (
            BLOCK,
            ("tabs",),
            f"タブは{TABS}枚までです(いま{len(declaration.tabs)}枚)。",
            "まとめられるタブを一つにします。",
        )
    aliases = [tab.alias for tab in declaration.tabs]
    for index, alias in enumerate(aliases):
        if alias in aliases[:index]:
            yield (
                BLOCK,
                ("tabs", index, "alias"),
                f"別名「{alias}」が二度使われています。",
                "タブごとに違う名前にします。",
            )
    yield from ward_rules.notice(declaration)
    if role is Role.EMERGENCY:
        yield from ward_rules.emergency(declaration, where)


def _size(declaration: Declaration) -> Iterator[Found]:
    width, height = declaration.size.width, declaration.size.height
    if not WIDTH[0] <= width <= WIDTH[1]:
        yield BLOCK, ("size",), f"絵の幅は800から2,500までです(いま{width:,})。", "幅を2500にします。"
    elif height < LEAST_HEIGHT:
        yield BLOCK, ("size",), f"絵の高さは250からです(いま{height:,})。", "高さを843か1686にします。"
    elif width / height < LEAST_RATIO:
        remedy = f"高さを{int(width / LEAST_RATIO):,}までにします。"
        yield BLOCK, ("size",), f"絵が縦に長すぎます(幅÷高さが{width / height:.2f})。", remedy


def _tab(declaration: Declaration, tab: Tab, path: Path, where: Places) -> Iterator[Found]:
    if not re.fullmatch(r"[a-z0-9_-]{1,32}", tab.alias):
        yield (
            BLOCK,
            (*path, "alias"),
            f"別名「{tab.alias}」は使えません。",
            "半角の英小文字・数字・「-」・「_」で32文字までにします。",
        )
    yield from wording.required(tab.title, (*path, "title"), "タブの題", 10)
    if tab.palette not in PALETTES:
        yield (
            BLOCK,
            (*path, "palette"),
            f"「{tab.palette}」という色の組はありません。",
            f"{'・'.join(PALETTES)} から選びます。",
        )
    if tab.artwork and not (
        tab.rights and wording.visible(tab.rights.owner) and wording.visible(tab.rights.permission)
    ):
        yield (
            BLOCK,
            (*path, "artwork"),
            "絵の持ち主と許しが書かれていません。",
            "絵を取り込み直して、持ち主と許しを書きます(rights:)。",
        )
    yield from _grid(tab, path)
    yield from _areas(declaration, tab, path)
    for index, cell in enumerate(tab.cells):
        yield from _cell(declaration, cell, (*path, "cells", index), where)


def _areas(declaration: Declaration, tab: Tab, path: Path) -> Iterator[Found]:
    if any(_size(declaration)):  # 絵の大きさが決まらないうちは、中の場所も決まらない
        return
    plan = geometry.layout(declaration, tab)
    areas = [*plan.strip, *plan.cells]
    if len(areas) > AREAS:
        message = f"押せる場所は20か所までです(いま{len(areas)}か所)。"
        yield BLOCK, (*path, "cells"), message, "ボタンを減らすか、タブに分けます。"
    yield from _places_of(declaration, tab, plan, path)
    gap = geometry.uncovered(declaration.size, [*areas, *plan.spare])
    if gap > _GAP:
        yield WARN, (*path, "cells"), f"押しても何も起きない所が{gap:.0%}あります。", "ボタンを広げるか、増やします。"


def _grid(tab: Tab, path: Path) -> Iterator[Found]:
    free = sum(cell.bounds is not None for cell in tab.cells)
    if free == len(tab.cells) and free:
        return
    wanted = len(tab.cells) - free
    if not tab.rows:
        yield (
            BLOCK,
            (*path, "grid"),
            "ボタンの並べ方が決まっていません。",
            "並べ方を選びます(grid: 3+3 のように、段ごとの数を書きます)。",
        )
    elif sum(tab.rows) != wanted:
        message = f"並べ方は{sum(tab.rows)}個分、ボタンは{wanted}個で、数が合いません。"
        yield BLOCK, (*path, "grid"), message, "並べ方を選び直すか、ボタンを足すか減らします(grid:)。"


def _places_of(declaration: Declaration, tab: Tab, plan: geometry.Layout, path: Path) -> Iterator[Found]:
    least, size = geometry.smallest(declaration.size), declaration.size
    taken: list[tuple[Bounds, str]] = [(bounds, "タブの帯") for bounds in plan.strip]
    # 見出しと注意書きは、押せる所に隠されてはならない(RULES 49)。
    taken += [(bounds, name) for bounds, name in ((plan.heading, "見出し"), (plan.notice, "下の注意書き")) if bounds]
    for index, (cell, bounds) in enumerate(zip(tab.cells, plan.cells, strict=True)):
        here = (*path, "cells", index, "bounds")
        if not geometry.inside(bounds, size):
            yield BLOCK, here, f"「{cell.label}」が絵の外に出ています。", f"{size.width}×{size.height} の中に収めます。"
        elif min(bounds.width, bounds.height) < least:
            message = f"「{cell.label}」は小さすぎて押せません({bounds.width}×{bounds.height})。"
            yield BLOCK, here, message, f"縦も横も{least}以上にします(320pxの電話で44px)。"
        for other, name in taken:
            if bounds.overlaps(other):
                yield (
                    BLOCK,
                    here,
                    f"「{cell.label}」が「{name}」と重なっています。",
                    "重ならないように、位置か大きさを直します。",
                )
                break
        taken.append((bounds, cell.label))


def _cell(declaration: Declaration, cell: Cell, path: Path, where: Places) -> Iterator[Found]:
    yield from wording.required(cell.label, (*path, "label"), "読み上げの言葉", LABEL)
    if len(cell.text) > 2:
        yield BLOCK, (*path, "text"), "絵に書く言葉は二行までです。", "大きい行と小さい行の二つにします。"
    if cell.picture and cell.picture not in pictograms.NAMES:
        remedy = f"{'・'.join(pictograms.NAMES)} から選びます。"
        yield BLOCK, (*path, "picture"), f"「{cell.picture}」という絵はありません。", remedy
    if cell.action.tab and cell.action.tab not in {tab.alias for tab in declaration.tabs}:
        yield (
            BLOCK,
            (*path, "action"),
            f"「{cell.action.tab}」というタブはありません。",
            "あるタブを選びます(tabs: の別名)。",
        )
    yield from registered.check(cell.action, (*path, "action"), where)
    try:
        places.line_action(cell.action, cell.label, where)
        targets.require(cell.action, where)
    except places.Misplaced as wrong:
        yield BLOCK, (*path, "action"), wrong.message, wrong.remedy
