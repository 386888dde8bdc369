"""提供する内容の七つの区分(POL 5(2) ア–キ)。一つの配信に一つだけ付く。"""

from enum import StrEnum


class Kind(StrEnum):
    """値は保存と外部連携に使う綴り、`mark` は条文の記号。"""

    A = "a"
    I = "i"  # noqa: E741  条文のイ。ほかの名では条文と対応しない
    U = "u"
    E = "e"
    O = "o"  # noqa: E741  条文のオ
    KA = "ka"
    KI = "ki"

    @property
    def mark(self) -> str:
        return _WORDS[self][0]

    @property
    def label(self) -> str:
        return _WORDS[self][1]


_WORDS = {
    Kind.A: ("ア", "防災・安全、イベント、区政情報"),
    Kind.I: ("イ", "災害時などの緊急かつ重要な情報"),
    Kind.U: ("ウ", "妊娠中から子育て中までの情報"),
    Kind.E: ("エ", "ごみ・資源の収集日"),
    Kind.O: ("オ", "区ホームページ・関連サイトへのリンク"),
    Kind.KA: ("カ", "区の情報配信ツールへのリンク"),
    Kind.KI: ("キ", "広報課長が認めるもの"),
}
