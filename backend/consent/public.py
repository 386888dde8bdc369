"""だれでも見る、告知文のすべての版 `/policy/consent`: いつから、どこが変わり、どの文だったか(POL 7)。"""

import difflib
from typing import Any

from litestar import get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from backend.consent import notices, publishing
from backend.consent.notices import BY_CODE, COMMON
from backend.errors import NotFound
from backend.web.render import page

NAMES = {COMMON: "すべての目的に共通の文", **{code: purpose.label for code, purpose in BY_CODE.items()}}
LANGUAGES = (("ja", "日本語(正文)"), ("easy", "やさしい日本語"), ("en", "English"), ("zh", "中文"), ("ko", "한국어"))
TAGS = {"ja": "ja", "easy": "ja", "en": "en", "zh": "zh-Hans", "ko": "ko"}


@get("/policy/consent")
async def index() -> Template:
    shown = [one for one in await publishing.versions() if one.published]
    return page("consent/public.html", title="受信設定の告知文(すべての版)", versions=shown)


@get("/policy/consent/{number:int}")
async def show(number: int, lang: str = "ja") -> Template:
    lang = lang if lang in notices.LANGUAGES else "ja"
    published = [one for one in await publishing.versions() if one.published]
    found = next((one for one in published if one.version == number), None)
    if found is None:
        raise NotFound("その告知文の版はありません。", next_step="一覧からお選びください。")
    older = next((one.version for one in published if one.version < number), None)
    before = (await publishing.texts(older))[lang] if older else None
    notice = await notices.get(number, lang)
    return page(
        "consent/public_version.html",
        title=f"受信設定の告知文 第{number}版",
        version=found,
        notice=notice,
        lang=lang,
        tag=TAGS[lang],
        languages=LANGUAGES,
        older=older,
        parts=_parts(notice, before),
    )


def _parts(notice: notices.Notice, before: dict[str, str] | None) -> list[dict[str, Any]]:
    rows = [(COMMON, notice.common, "")]
    rows += [(purpose.code, text.text, text.sha256) for purpose, text in notice.texts.items()]
    return [
        {
            "name": NAMES[part],
            "text": text,
            "sha256": digest,
            "changes": _difference(before[part], text) if before and before[part] != text else [],
        }
        for part, text, digest in rows
    ]


def _difference(old: str, new: str) -> list[tuple[str, str]]:
    """(same | del | ins, 一行)。消えた行と足された行。"""
    kinds = {" ": "same", "-": "del", "+": "ins"}
    return [
        (kinds[line[0]], line[2:]) for line in difflib.ndiff(old.splitlines(), new.splitlines()) if line[0] in kinds
    ]


routes: list[ControllerRouterHandler] = [index, show]
