"""住民のページの扉: `/liff` の下の一枚のページ。人のことは何も書かず、選ぶことも保存も電話の中で始まる(POL 10(2))。"""

import json
from typing import Any

from litestar import Request, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler
from markupsafe import Markup

from backend.consent import notices
from backend.consent.notices import Notice, Purpose
from backend.residents import liff_words
from backend.residents.vocabulary import AgeBand, Slot, Stream, Topic
from backend.settings import Settings
from backend.store import clock
from backend.texts import languages
from backend.texts.catalogue import Text, Words, written
from backend.texts.languages import LANGUAGES, PageLanguage
from backend.ward import areas
from backend.web.render import page

STARTS = {"": "start", "start": "start", "settings": "settings", "done": "settings", "stop": "stop", "erase": "erase"}
ONLY = ("area", "garbage")
_PHONES = ("iphone", "android", "mobile", "line/")


@get(["/liff", *(f"/liff/{name}" for name in STARTS if name)])
async def show(
    request: Request[Any, Any, Any], settings: Settings, lang: str = "", ruby: str = "", only: str = ""
) -> Template:
    """どの道でも同じページ。`lang` はページの言語、`ruby=1` はふりがな、`only` は「ごみだけ」「地域だけ」。"""
    language = languages.choose(lang, request.headers.get("accept-language", ""))
    notice = await notices.current(language.code)
    words = Words(language)
    path = request.url.path
    furigana = language.code == "easy" and ruby == "1"
    return page(
        "residents/page.html",
        title=words("お知らせの受け取り設定").plain,
        headers={"Cache-Control": "no-store", "Content-Language": language.tag, "Vary": "Accept-Language, User-Agent"},
        _=words,
        language=language,
        languages=LANGUAGES,
        furigana=furigana,
        path=path,
        query=_query(lang, furigana),
        start=STARTS[path.removeprefix("/liff").strip("/")],
        only=only if only in ONLY else "",
        today=(await clock.now()).astimezone(clock.JST).date().isoformat(),
        impostor=request.state.get("impostor", ""),
        notice=_shown(notice),
        base_text=_lines(notice.common, language),
        purposes=[_purpose(purpose, notice, words) for purpose in Purpose],
        on_pc=_on_pc(request),
        early_url=_early_url(settings, path, _query(lang, furigana), only if only in ONLY else ""),
        phone_url=_liff_url(settings) if not settings.demo_door else f"{settings.public_url}{path}",
        words_json=_embedded({key: str(words(text)) for key, text in liff_words.SCRIPT.items()}),
        outside=areas.OUTSIDE,
        **_choices(words, language),
    )


def _shown(notice: Notice) -> dict[str, Any]:
    return {
        "version": notice.version,
        "language": notice.language,
        "tag": languages.BY_CODE[notice.language].tag,
        "months": notice.retention_months,
    }


def _purpose(purpose: Purpose, notice: Notice, words: Words) -> dict[str, Any]:
    return {
        "code": purpose.code,
        "title": words(purpose.label),
        "why": words(liff_words.WHY[purpose]),
        "text": _lines(notice.texts[purpose].text, words.language),
    }


def _choices(words: Words, language: PageLanguage) -> dict[str, Any]:
    """選択肢。保存される綴りと、その言語での呼び名。"""
    return {
        "towns": [
            {
                "code": town.code,
                "name": town.name,
                "kana": town.kana,
                "kana_shown": language.code == "ja",
                "label": words(town.name),
                "areas": json.dumps(
                    [[a.code, words(liff_words.CHOME[a.chome]) if a.chome else ""] for a in town.areas],
                    ensure_ascii=False,
                ),
            }
            for town in areas.TOWNS
        ],
        "age_bands": [{"code": band.value, "label": words(band.label)} for band in AgeBand],
        "topics": [{"code": topic.value, "label": words(topic.label)} for topic in Topic],
        "streams": [{"code": stream.value, "label": words(stream.label)} for stream in Stream],
        "slots": [{"code": slot.value, "label": words(slot.label)} for slot in Slot],
    }


def _lines(text: str, language: PageLanguage) -> list[Text]:
    """告知文の一行ずつ。文字の並びは変えない(P5)。"""
    return [written(line, language) for line in text.split("\n") if line.strip()]


def _query(lang: str, furigana: bool) -> str:
    """道を移っても、選んだページの言語を持っていく。"""
    if lang not in languages.BY_CODE:
        return ""
    return f"?lang={lang}" + ("&ruby=1" if furigana else "")


def _on_pc(request: Request[Any, Any, Any]) -> bool:
    """パソコンで、LINEの外で開いたか。枠の中に出るのは、お試しの模擬スマートフォンだけ(本番のCSPは枠を許さない)。"""
    framed = request.headers.get("sec-fetch-dest") == "iframe"
    return not framed and not any(mark in request.headers.get("user-agent", "").lower() for mark in _PHONES)


def _early_url(settings: Settings, path: str, query: str, only: str) -> str:
    """台本が動く前に押されたときの行き先: LINEを通って、同じ道に戻る。`pressed` が、押したことを覚えている。"""
    return f"{_liff_url(settings)}{path.removeprefix('/liff')}{query}{'&' if query else '?'}pressed=1{only and f'&only={only}'}"


def _liff_url(settings: Settings) -> str:
    """LINEのアプリで開く。お試しでは同じ出どころの扉を通る。"""
    return f"{'/line/liff' if settings.demo_door else 'https://liff.line.me'}/{settings.liff_id}"


def _embedded(words: dict[str, str]) -> Markup:
    """JSONの塊。`<` を逃がすので、塊はどこでも閉じない。"""
    return Markup(json.dumps(words, ensure_ascii=False).replace("<", "\\u003c"))  # noqa: S704


routes: list[ControllerRouterHandler] = [show]
