"""読む人: 公開ページを、要求ごとにその人の言語で描く。言語は保存せず、クッキーも使わない(RULES 47)。"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from jinja2 import pass_context
from jinja2.runtime import Context

from backend.store.clock import JST
from backend.texts import languages
from backend.texts.catalogue import Text, Words, written
from backend.texts.languages import JAPANESE, PageLanguage

_DAY = {
    "ja": ("y年M月d日(E)", "ja"),
    "easy": ("y年(ねん)M月(がつ)d日(にち)", "ja"),
    "en": ("EEEE, MMMM d, y", "en"),
    "zh": ("y年M月d日（EEEE）", "zh_Hans"),
    "ko": ("y년 M월 d일(E)", "ko"),
}


@dataclass(frozen=True)
class Reader:
    """`asked` はアドレスで頼まれた言語(なければ空)、`switch` は言語を変えられるページか。"""

    language: PageLanguage
    furigana: bool
    asked: str
    switch: bool

    @property
    def query(self) -> str:
        """道を移っても、頼んだ言語を持っていく。頼んでいなければ空: 電話の言語が決める。"""
        return f"?lang={self.asked}{'&ruby=1' if self.furigana else ''}" if self.asked else ""

    @property
    def translated(self) -> bool:
        return self.language is not JAPANESE


def reader(request: Any) -> Reader:
    """アドレスの `lang` と `ruby`、なければAccept-Language。職員の画面は、いつも日本語。"""
    if request.url.path.lstrip("/").startswith("console"):
        return Reader(JAPANESE, furigana=False, asked="", switch=False)
    lang = request.query_params.get("lang", "")
    language = languages.choose(lang, request.headers.get("accept-language", ""))
    furigana = language.code == "easy" and request.query_params.get("ruby") == "1"
    return Reader(language, furigana, lang if lang in languages.BY_CODE else "", switch=True)


def for_templates() -> Mapping[str, Any]:
    """テンプレートの `_`(訳す)、`said`(あれば訳す)、`to`(言語を持っていく道)、`day`、`moment`、`reader`。"""
    return {
        "_": _translate,
        "said": _said,
        "to": _to,
        "day": _day,
        "moment": _moment,
        "reader": pass_context(lambda context: _reader(context)),
        "languages": languages.LANGUAGES,
    }


def _reader(context: Context) -> Reader:
    return reader(context["request"])


@pass_context
def _translate(context: Context, text: str, **values: object) -> Text:
    return Words(_reader(context).language)(text, **values)


@pass_context
def _said(context: Context, text: str, **values: object) -> Text:
    """題や断りの言葉。目録になければ職員の書いたもので、日本語のまま出す。"""
    return Words(_reader(context).language).said(text, **values)


@pass_context
def _to(context: Context, path: str) -> str:
    return path + _reader(context).query


@pass_context
def _day(context: Context, day: date) -> Text:
    """2026年11月24日(火) を、その言語で。"""
    language = _reader(context).language
    pattern, locale = _DAY[language.code]
    return written(format_date(day, pattern, locale), language)


@pass_context
def _moment(context: Context, moment: datetime) -> Text:
    """日と時刻(日本時間)。"""
    local = moment.astimezone(JST)
    return written(f"{_day(context, local.date())} {local:%H:%M}", _reader(context).language)
