"""だれでも見る、告知文のすべての版 `/policy/consent`: いつから、どこが変わり、どの文だったか(POL 7)。"""

import difflib
from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.response import Template
from litestar.types import ControllerRouterHandler

from backend.consent import keys, notices, publishing, translations
from backend.consent.notices import BY_CODE, COMMON
from backend.errors import NotFound
from backend.settings import Settings
from backend.texts.catalogue import N_, written
from backend.texts.languages import BY_CODE as LANGUAGES
from backend.texts.languages import PageLanguage
from backend.texts.reading import reader
from backend.web.render import page

NAMES = {COMMON: N_("すべての目的に共通の文"), **{code: purpose.label for code, purpose in BY_CODE.items()}}


@get("/policy/consent")
async def index(settings: Settings) -> Template:
    return page(
        "consent/public.html",
        title=N_("告知文のすべての版"),
        versions=await publishing.shown(),
        keys=keys.published(settings),
    )


@get("/policy/consent/keys.json", sync_to_thread=False)
def key_file(settings: Settings) -> Response[dict[str, Any]]:
    """レシートを確かめる公開鍵のファイル。"""
    name = {"Content-Disposition": 'attachment; filename="bunkyo-line-receipt-keys.json"'}
    return Response(keys.as_file(keys.published(settings)), media_type=MediaType.JSON, headers=name)


@get("/policy/consent/{number:int}")
async def show(request: Request[Any, Any, Any], number: int) -> Template:
    language = reader(request).language
    published = await publishing.shown()
    found = next((one for one in published if one.version == number), None)
    if found is None:
        raise NotFound(N_("その告知文の版はありません。"), next_step=N_("一覧からお選びください。"))
    older = next((one.version for one in published if one.version < number), None)
    notice = await notices.get(number, language.code)
    before = (await publishing.texts(older))[notice.language] if older else None
    shown = LANGUAGES[notice.language]  # 訳の記録がない言語では、日本語の文(RULES 47)
    return page(
        "consent/public_version.html",
        title=N_("告知文 第{number}版"),
        values={"number": number},
        version=found,
        older=older,
        shown=shown,
        translated=(await translations.of(number)).get(shown.code),
        parts=_parts(notice, before, shown),
    )


def _parts(notice: notices.Notice, before: dict[str, str] | None, language: PageLanguage) -> list[dict[str, Any]]:
    rows = [(COMMON, notice.common, "")]
    rows += [(purpose.code, text.text, text.sha256) for purpose, text in notice.texts.items()]
    return [
        {
            "name": NAMES[part],
            "lines": [written(line, language) for line in text.split("\n") if line.strip()],
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


routes: list[ControllerRouterHandler] = [index, key_file, show]
