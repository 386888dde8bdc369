"""最初の告知文: `texts/1/` のファイルから、移行が入れる。以後の版はコンソールで作る。"""

import os
from pathlib import Path

from backend.consent.notices import COMMON, LANGUAGES, PARTS, fingerprint
from backend.consent.translations import TRANSLATED

FOLDER = Path(__file__).parent / "texts" / "1"
PUBLISHED_ON = "2026-11-24"
TRANSLATOR = "このシステムの開発者"


def sql() -> str:
    """第1版を入れる文。保存の月数(`WARD_RETENTION_MONTHS`)は文に書き込まれ、以後の設定の変更では変わらない。"""
    months = int(os.environ.get("WARD_RETENTION_MONTHS", "24"))
    rows = [
        f"(1, '{language}', '{part}', {_quoted(text)}, '\\x{digest.hex()}')"
        for language in LANGUAGES
        for part, (text, digest) in hashed(read(language, months)).items()
    ]
    translations = [f"(1, '{language}', '{TRANSLATOR}', '')" for language in TRANSLATED]
    return (  # 値は下で引用した文と、数と、決まった綴りだけ
        "insert into notice (version, published_on, effective_on, material, retention_months, reason) values "  # noqa: S608  値は引用した文
        f"(1, '{PUBLISHED_ON}', '{PUBLISHED_ON}', 63, {months}, '最初の告知文');\n"
        "insert into notice_text (version, language, part, text, sha256) values\n" + ",\n".join(rows) + ";\n"
        "insert into notice_translation (version, language, translator, checker) values "
        + ", ".join(translations)
        + ";\n"
        "insert into notice_decision (version, published) values (1, true);\n"
    )


def read(language: str, months: int) -> dict[str, str]:
    """一つの言語の、部分 → 文。ファイルは `# 部分` の行で区切られている。"""
    source = (FOLDER / f"{language}.txt").read_text(encoding="utf-8")
    parts: dict[str, str] = {}
    for chunk in source.split("\n# ")[1:]:
        name, _, text = chunk.partition("\n")
        parts[name.strip()] = text.strip().replace("{months}", str(months))
    if set(parts) != set(PARTS):
        raise ValueError(f"告知文 {language} の部分が足りないか、余っています: {sorted(set(parts) ^ set(PARTS))}")
    return parts


def hashed(parts: dict[str, str]) -> dict[str, tuple[str, bytes]]:
    """部分 → (文, sha256)。目的のハッシュは、画面に出る順に共通の文とつないだものから求める(P5)。"""
    return {part: (text, fingerprint(parts[COMMON], "" if part == COMMON else text)) for part, text in parts.items()}


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
