"""書いてある言葉の点検: 目に見える文字があり、長すぎず、見えない文字が混じっていないか。"""

import re
import unicodedata
from collections.abc import Iterator

from backend.menus import graphemes
from backend.menus.declaration import Severity
from backend.menus.yaml_lines import Path

Found = tuple[Severity, Path, str, str]
"""一つの指摘: (重さ、宣言の中の場所、何が違うか、直し方)。"""
# 文字や記号に数えられるのに、形がない(Unicodeの Default_Ignorable と点字の空き)
_BLANKS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_HIDDEN = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> bool:
    """文字・数・記号が一つでもあるか。空白、幅のない文字、結合する点だけなら、何も書いていないのと同じ。"""
    return any(unicodedata.category(one)[0] in "LNPS" and one not in _BLANKS for one in text)


def required(text: str, path: Path, name: str, longest: int) -> Iterator[Found]:
    """書記素で数える(LINE.md 1.1 Counting)。"""
    if not visible(text):
        remedy = f"{longest}文字までで書きます。"
        if path[-1] == "label":
            remedy = "目の見えない方が聞く言葉です。押すと何が起きるかを20文字までで書きます。"
        yield Severity.BLOCK, path, f"{name}がありません。", remedy
    elif (length := graphemes.count(text)) > longest:
        yield Severity.BLOCK, path, f"{name}が長すぎます({length}文字)。", f"{longest}文字までにします。"
    elif _HIDDEN.search(text):
        yield Severity.BLOCK, path, f"{name}に、見えない文字が入っています。", "打ち直します。"
