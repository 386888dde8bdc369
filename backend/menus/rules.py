"""メニューの規則: LINEの決まり(LINE.md 1.1)と区の決まり(RULES 49)を、宣言の行で指摘する。"""

import re
from collections.abc import Iterator, Sequence

from backend.menus import geometry, graphemes, pictograms, places
from backend.menus.declaration import Bounds, Cell, Declaration, Finding, Parsed, Severity, Tab
from backend.menus.palettes import PALETTES
from backend.menus.places import Places
from backend.menus.roles import Role
from backend.menus.yaml_lines import Path

NAME, CHAT_BAR, LABEL, AREAS, TABS = 300, 14, 20, 20, 5
NAME_OF_OURS = 60  # LINEのnameには、組の名・タブの名・指紋が入る
WIDTH, LEAST_HEIGHT, LEAST_RATIO = (800, 2500), 250, 1.45
IMAGE_BYTES = 1_000_000
UNREAD_WORDS = "読めません"
_GAP = 0.02

Found = tuple[Severity, Path, str, str]
BLOCK, WARN = Severity.BLOCK, Severity.WARN


def check(parsed: Parsed, where: Places, role: Role | None = None) -> list[Finding]:
    """すべての指摘。止めるものが先、次に行の順。絵に関わるもの(文字の濃さ、大きさ)は `drawing` が見る。"""
    if parsed.declaration is None:
        return list(parsed.findings)
    found = [*_whole(parsed.declaration, role)]
    for index, tab in enumerate(parsed.declaration.tabs):
        found += _tab(parsed.declaration, tab, ("tabs", index), where)
    findings = [Finding(s, parsed.line(*path), message, remedy, path) for s, path, message, remedy in found]
    return sorted(findings, key=lambda f: (f.severity is WARN, f.line))


def blocking(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity is BLOCK]


def _whole(declaration: Declaration, role: Role | None) -> Iterator[Found]:
    yield from _words(declaration.name, ("name",), "名前", NAME_OF_OURS)
    yield from _words(declaration.chatBarText, ("chatBarText",), "トークの下に出る文字", CHAT_BAR)
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
    if UNREAD_WORDS not in declaration.notice:
        remedy = "下の注意書きに「ここに書いても区は読めません。緊急は119・110」のように書きます(notice:)。"
        yield BLOCK, ("notice",), "書き込みを区が読めないことを知らせていません。", remedy
    if role is Role.EMERGENCY:
        yield from _emergency(declaration)


def _emergency(declaration: Declaration) -> Iterator[Found]:
    """災害時: 大きな升を四つまで、電話の升を必ず(RULES 49、LOOK)。"""
    for index, tab in enumerate(declaration.tabs):
        path = ("tabs", index, "cells")
        if not any(cell.action.tel for cell in tab.cells):
            yield (
                BLOCK,
                path,
                "災害時のメニューに、電話のボタンがありません。",
                "電話をかけるボタンを一つ入れます(tel:)。",
            )
        if len(tab.cells) > 4:
            yield BLOCK, path, "災害時のメニューのボタンが多すぎます。", "四つまでにして、大きく見せます。"
        if tab.cells and "避難" not in tab.cells[0].label:
            yield WARN, (*path, 0), "最初のボタンが避難の情報ではありません。", "避難情報をいちばん前に置きます。"


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
    yield from _words(tab.title, (*path, "title"), "タブの題", 10)
    if tab.palette not in PALETTES:
        yield (
            BLOCK,
            (*path, "palette"),
            f"「{tab.palette}」という色の組はありません。",
            f"{'・'.join(PALETTES)} から選びます。",
        )
    if tab.artwork and tab.rights is None:
        yield (
            BLOCK,
            (*path, "artwork"),
            "絵の持ち主と許しが書かれていません。",
            "絵を取り込み直して、持ち主と許しを書きます(rights:)。",
        )
    yield from _grid(tab, path)
    plan = geometry.layout(declaration, tab)
    areas = [*plan.strip, *plan.cells]
    if len(areas) > AREAS:
        message = f"押せる場所は20か所までです(いま{len(areas)}か所)。"
        yield BLOCK, (*path, "cells"), message, "ボタンを減らすか、タブに分けます。"
    yield from _places_of(declaration, tab, plan, path)
    gap = geometry.uncovered(declaration.size, [*areas, *plan.spare])
    if gap > _GAP:
        yield WARN, (*path, "cells"), f"押しても何も起きない所が{gap:.0%}あります。", "ボタンを広げるか、増やします。"
    for index, cell in enumerate(tab.cells):
        yield from _cell(declaration, cell, (*path, "cells", index), where)


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
    for index, (cell, bounds) in enumerate(zip(tab.cells, plan.cells, strict=True)):
        here = (*path, "cells", index, "bounds")
        if bounds.x < 0 or bounds.y < 0 or bounds.right > size.width or bounds.bottom > size.height:
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
    yield from _words(cell.label, (*path, "label"), "読み上げの言葉", LABEL)
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
    if cell.action.link in where.unusable:
        message = f"リンク「{cell.action.link}」は、いま開けないか、使うのをやめたものです。"
        yield BLOCK, (*path, "action"), message, "リンクの部屋で直すか、ほかのリンクを選びます。"
    try:
        places.line_action(cell.action, cell.label, where)
    except places.Misplaced as wrong:
        yield BLOCK, (*path, "action"), wrong.message, wrong.remedy


def _words(text: str, path: Path, name: str, longest: int) -> Iterator[Found]:
    """書記素で数える(LINE.md 1.1 Counting)。"""
    if not text.strip():
        remedy = f"{longest}文字までで書きます。"
        if path[-1] == "label":
            remedy = "目の見えない方が聞く言葉です。押すと何が起きるかを20文字までで書きます。"
        yield BLOCK, path, f"{name}がありません。", remedy
    elif (length := graphemes.count(text)) > longest:
        yield BLOCK, path, f"{name}が長すぎます({length}文字)。", f"{longest}文字までにします。"
    elif re.search(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text):
        yield BLOCK, path, f"{name}に、見えない文字が入っています。", "打ち直します。"
