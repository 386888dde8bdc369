"""原稿: 書かれた内容、配信の最後の文字、その指紋。"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.segments import criteria
from backend.segments.criteria import Criteria
from backend.ward.kinds import Kind

UNNUMBERED = "B-____-____"


class Audience(StrEnum):
    EVERYONE = "everyone"
    CRITERIA = "criteria"


class Timing(StrEnum):
    AT = "at"
    ON_APPROVAL = "on_approval"

    @property
    def label(self) -> str:
        return {"at": "日時を決めて送る", "on_approval": "承認されたらすぐ送る"}[self.value]


@dataclass(frozen=True)
class Manuscript:
    """書かれた内容。Noneと空文字は「まだ選んでいない・書いていない」。宛先と時刻に初めの値はない。"""

    kind: Kind | None = None
    title: str = ""
    body: str = ""
    body_en: str = ""
    contact: str = ""
    audience: Audience | None = None
    criteria: Criteria | None = None
    timing: Timing | None = None
    send_at: datetime | None = None
    expires_at: datetime | None = None
    silent: bool = False
    source_note: str = ""

    @property
    def languages(self) -> tuple[str, ...]:
        return ("ja", "en") if self.body_en else ("ja",)


def text(manuscript: Manuscript, number: str | None, language: str = "ja") -> str:
    """一つの吹き出しの最後の文字。末尾の行は必ず確認番号(POL 5(6), RULES 29)。"""
    body = manuscript.body if language == "ja" else manuscript.body_en
    parts = [body.strip()]
    if manuscript.contact:
        parts.append(f"{'問合せ' if language == 'ja' else 'Contact'}: {manuscript.contact}")
    parts.append(f"確認番号 {number or UNNUMBERED}")
    return "\n\n".join(parts)


def audience_words(manuscript: Manuscript) -> str:
    """宛先の言い方。"""
    if manuscript.audience is Audience.EVERYONE:
        return "友だち全員"
    return criteria.describe(manuscript.criteria) if manuscript.criteria else "まだ選ばれていません"


def fingerprint(manuscript: Manuscript, number: str | None, targets: tuple[tuple[str, str], ...] = ()) -> bytes:
    """確認した人が見たもののSHA-256: 文字、宛先、日時、送り方、リンクの行き先(POL 5(4)イ、RULES 28)。

    一字でも変われば変わる。`targets` は本文の `/go/名前` と、その行き先。
    """
    seen = {
        "texts": {language: text(manuscript, number, language) for language in manuscript.languages},
        "title": manuscript.title,
        "kind": manuscript.kind,
        "audience": manuscript.audience,
        "criteria": criteria.dump(manuscript.criteria) if manuscript.criteria else None,
        "timing": manuscript.timing,
        "send_at": _moment(manuscript.send_at),
        "expires_at": _moment(manuscript.expires_at),
        "silent": manuscript.silent,
        "source": manuscript.source_note,
        "targets": targets,
    }
    return hashlib.sha256(json.dumps(seen, ensure_ascii=False, sort_keys=True).encode()).digest()


def _moment(value: datetime | None) -> str | None:
    return str(value.timestamp()) if value else None
