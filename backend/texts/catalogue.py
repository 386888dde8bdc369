"""目録: 日本語の文を鍵にして、その言語の文を返す。鍵がなければ誤りになる(黙って日本語にしない)。"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po
from markupsafe import Markup, escape

from backend.texts.languages import PageLanguage

FOLDER = Path(__file__).parent
# 「漢字(かな)」「お知らせ(おしらせ)」。読みは括弧の中のひらがなだけ。
_READING = re.compile(r"((?:[おご](?=[一-鿿]))?[一-鿿々][一-鿿々ぁ-ん]*?)\(([ぁ-んー]+)\)")


def N_(text: str) -> str:  # noqa: N802  gettextの習わしの名
    """訳す文の印。"""
    return text


class Missing(KeyError):
    """目録にない文。試験が見つけるので、製品では起きない。"""


class Text(str):
    """一つの文。"""

    __slots__ = ()

    @property
    def plain(self) -> str:
        """属性や題に使う文字。"""
        return str(self)

    def __html__(self) -> str:
        return str(escape(str(self)))


class JapaneseText(Text):
    """日本語のまま出す文。ほかの言語のページの中では、日本語だと読み上げに伝える。"""

    __slots__ = ()

    def __html__(self) -> str:
        return f'<span lang="ja">{escape(str(self))}</span>'


class EasyText(Text):
    """やさしい日本語の文。`.plain` は読みを除いた文字、HTMLでは読みがルビになる。"""

    __slots__ = ()

    @property
    def plain(self) -> str:
        return without_readings(str(self))

    def __html__(self) -> str:
        return str(ruby(str(self)))


def written(text: str, language: PageLanguage) -> Text:
    """その言語の文字として扱う。"""
    return EasyText(text) if language.code == "easy" else Text(text)


@dataclass(frozen=True)
class Words:
    """一つの言語の目録。`words("日本語の文", count=3)` のように呼ぶ。"""

    language: PageLanguage

    def __call__(self, text: str, **values: object) -> Text:
        found = _messages(self.language.catalogue).get(text, "") if self.language.code != "ja" else text
        if not found:
            raise Missing(f"{self.language.catalogue}: {text}")
        return written(found.format(**values) if values else found, self.language)

    def said(self, text: str, **values: object) -> Text:
        """目録にあれば訳、なければ日本語のまま(職員の書いた題など)。"""
        if self.language.code == "ja" or _messages(self.language.catalogue).get(text):
            return self(text, **values)
        return JapaneseText(text.format(**values) if values else text)


def ruby(text: str) -> Markup:
    """「漢字(かな)」をルビにする。出すか隠すかはページの様式が決め、文字の並びは変わらない(RULES 48)。"""
    made: list[str] = []
    end = 0
    for found in _READING.finditer(text):
        made.append(str(escape(text[end : found.start()])))
        made.append(f"<ruby>{escape(found[1])}<rp>(</rp><rt>{found[2]}</rt><rp>)</rp></ruby>")
        end = found.end()
    made.append(str(escape(text[end:])))
    return Markup("".join(made))  # noqa: S704  部分はどれも逃がしてある


def without_readings(text: str) -> str:
    return _READING.sub(r"\1", text)


@cache
def _messages(catalogue: str) -> dict[str, str]:
    with (FOLDER / f"{catalogue}.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}
