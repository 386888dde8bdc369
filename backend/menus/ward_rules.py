"""区の決まり(RULES 49、LOOK): 書き込みを読めないという注意書きと、災害時のメニューの電話。"""

import re
import unicodedata
from collections.abc import Iterator

from backend.menus import places, targets
from backend.menus.declaration import Action, Declaration, Severity
from backend.menus.places import Places
from backend.menus.wording import Found

_MOST_CELLS = 4
_NUMBERS = ("119", "110")
# 書く所 → 書くこと → 読めない、が一つの文で続く。「読めませんか」は断りではない。
_UNREAD = re.compile(
    r"(ここ|トーク|LINE|この画面)[^。!?]*(書|送|打|入力|メッセージ|返信)[^。!?]*"
    r"(読め|読み|読まれ|読んでい|読むこと[がは]でき|見られ|見てい|見ること[がは]でき)ません(?!か|でしょうか)"
)


def notice(declaration: Declaration) -> Iterator[Found]:
    """助けを求める書き込みは、だれにも届かない。そう言い切り、かける番号を示す(RULES 49)。"""
    words = unicodedata.normalize("NFKC", re.sub(r"\s", "", declaration.notice))
    if not _UNREAD.search(words):
        remedy = "下の注意書きに「ここに書いても区は読めません。緊急は119・110」のように書きます(notice:)。"
        yield Severity.BLOCK, ("notice",), "書き込みを区が読めないことを知らせていません。", remedy
    elif absent := [number for number in _NUMBERS if not re.search(rf"(?<!\d){number}(?!\d)", words)]:
        message = f"下の注意書きに、緊急の番号({'・'.join(absent)})がありません。"
        yield Severity.BLOCK, ("notice",), message, "「緊急は119・110」と書き足します(notice:)。"


def emergency(declaration: Declaration, where: Places) -> Iterator[Found]:
    """災害時: 大きな升を四つまで、かけられる電話の升を必ず。"""
    for index, tab in enumerate(declaration.tabs):
        path = ("tabs", index, "cells")
        if not any(_telephones(cell.action, where) for cell in tab.cells):
            message = "災害時のメニューに、かけられる電話のボタンがありません。"
            yield Severity.BLOCK, path, message, "区役所か119・110に電話をかけるボタンを一つ入れます(tel:)。"
        if len(tab.cells) > _MOST_CELLS:
            yield Severity.BLOCK, path, "災害時のメニューのボタンが多すぎます。", "四つまでにして、大きく見せます。"
        if tab.cells and "避難" not in tab.cells[0].label:
            remedy = "避難情報をいちばん前に置きます。"
            yield Severity.WARN, (*path, 0), "最初のボタンが避難の情報ではありません。", remedy


def _telephones(action: Action, where: Places) -> bool:
    if action.kinds != ["tel"]:
        return False
    try:
        return targets.dialled(places.address(action, where))
    except places.Misplaced:
        return False
