"""絵に描けない言葉への指摘: 入らない、書体にない、薄い。どれも、次に何をするかを言う。"""

import unicodedata
from collections.abc import Sequence

from backend.menus.declaration import Cell, Finding, Severity
from backend.menus.yaml_lines import Path

_NAMED = 5  # 名を挙げる文字の数
_WIDER = {"ボタン": "するか、ボタンを広げます", "タブ": "するか、タブを減らします", "帯": "します"}


def narrow(text: str, most: int, path: Path, place: str = "ボタン") -> Finding:
    """`place` は「ボタン」「タブ」「帯」(見出しと注意書き)。"""
    remedy = f"全角で約{most}文字までに{_WIDER[place]}。"
    return Finding(Severity.BLOCK, 0, f"「{text}」が{place}に入りません。", remedy, path)


def low(texts: Sequence[str], path: Path) -> Finding:
    message = f"{'と'.join(f'「{text}」' for text in texts)}がボタンの高さに入りません。"
    remedy = "言葉を一行にするか、段の少ない並べ方か「大きい」メニューにします。"
    return Finding(Severity.BLOCK, 0, message, remedy, path)


def dropped(cell: Cell, path: Path) -> Finding:
    message = f"「{cell.label}」の絵は、言葉と並べると入らないので描いていません。"
    remedy = "絵も見せるときは、言葉を短くするか、段の少ない並べ方にします。"
    return Finding(Severity.WARN, 0, message, remedy, (*path[:-1], "picture"))


def unknown(text: str, characters: Sequence[str], path: Path) -> Finding:
    """書体に形がないと、電話では四角に見える。"""
    named = "".join(_named(character) for character in characters[:_NAMED])
    more = "など" if len(characters) > _NAMED else ""
    message = f"「{text}」の{named}{more}は、絵に描けない文字です。"
    remedy = "絵文字や外国の文字は消すか、ひらがなやふつうの漢字に替えます。"
    return Finding(Severity.BLOCK, 0, message, remedy, path)


def faint(text: str, ratio: float, path: Path) -> Finding:
    message = f"「{text}」の文字が薄くて読めません(差 {ratio:.1f}:1、要るのは4.5:1)。"
    return Finding(Severity.BLOCK, 0, message, "文字の後ろを無地にするか、色の組を変えます。", path)


def _named(character: str) -> str:
    """見えない文字は、番号で言う。"""
    unseen = unicodedata.category(character)[0] in "CZM"
    return f"「見えない文字U+{ord(character):04X}」" if unseen else f"「{character}」"
