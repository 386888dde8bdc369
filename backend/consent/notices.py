"""利用目的と告知文: 同意の前に示す文の版。文は版ごと・言語ごと・目的ごとにsha256で動かないようにする(P5)。"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntFlag

from backend.errors import Refused
from backend.store import work

LANGUAGES = ("ja", "easy", "en", "zh", "ko")
COMMON = "common"


class Purpose(IntFlag):
    """利用目的。一つの属性は一つの目的だけに属する。値は保存されるので、後から変えない。"""

    AREA = 1
    AGE = 2
    PARENTING = 4
    TOPICS = 8
    GARBAGE = 16
    LANGUAGE = 32

    @property
    def label(self) -> str:
        """一つの目的の呼び名。"""
        return _LABELS[self]

    @property
    def code(self) -> str:
        """APIと告知文での綴り: 「area」。"""
        return str(self.name).lower()


_LABELS = {
    Purpose.AREA: "地域のお知らせ",
    Purpose.AGE: "年代別のお知らせ",
    Purpose.PARENTING: "妊娠・子育てのお知らせ",
    Purpose.TOPICS: "関心のあるお知らせ",
    Purpose.GARBAGE: "ごみ・資源の収集日",
    Purpose.LANGUAGE: "お知らせの言語",
}
ALL = Purpose(63)
BY_CODE = {purpose.code: purpose for purpose in Purpose}
PARTS = (COMMON, *BY_CODE)


@dataclass(frozen=True)
class PurposeText:
    """一つの目的の文。`sha256`(16進)は、共通の文とつないで画面に出すとおりの文のもの。"""

    text: str
    sha256: str


@dataclass(frozen=True)
class Notice:
    """一つの版の、一つの言語の告知文。`material` は内容の変わった目的。

    `language` は文の言語。訳の記録のない言語を頼んだときは「ja」になる(RULES 47)。
    """

    version: int
    language: str
    published_on: date
    effective_on: date
    material: Purpose
    retention_months: int
    common: str
    texts: Mapping[Purpose, PurposeText]

    def rendered(self, purpose: Purpose) -> str:
        """同意のときに画面に出る、その目的の文の全体。"""
        return rendered(self.common, self.texts[purpose].text)


_CURRENT = """
select max(n.version) as version from notice n join notice_decision d on d.version = n.version and d.published
where n.published_on <= (ward_now() at time zone 'Asia/Tokyo')::date
"""


async def current(language: str = "ja") -> Notice:
    """いま示す版。公開日を過ぎた中で最も新しい版。知らない言語は日本語(正文)になる。"""
    rows = await work.sql(_CURRENT)
    if rows[0]["version"] is None:
        raise Refused("告知文がまだ公開されていません。何も保存していません。")
    return await get(rows[0]["version"], language)


async def changed_since(versions: Sequence[int]) -> dict[int, Purpose]:
    """版 → その版より後に公開された版で、内容の変わった目的(続けるかを尋ねるもの)。"""
    rows = await work.sql(
        "select v.version, coalesce(bit_or(n.material), 0) as material from unnest($1::int[]) v (version) "
        "left join notice n on n.version > v.version and n.published_on <= (ward_now() at time zone 'Asia/Tokyo')::date "
        "and exists (select 1 from notice_decision d where d.version = n.version and d.published) group by 1",
        sorted(set(versions)),
    )
    return {row["version"]: Purpose(row["material"]) for row in rows}


_TEXTS = """
select part, text, sha256, language from notice_text where version = $1
and language = coalesce((select t.language from notice_translation t where t.version = $1 and t.language = $2), 'ja')
"""


async def get(version: int, language: str = "ja") -> Notice:
    """一つの版。ハッシュが文と合わなければ `Refused`: 書き換わった文では同意を受けない。"""
    head = await work.sql("select * from notice where version = $1", version)
    if not head:
        raise Refused("その告知文の版はありません。")
    rows = await work.sql(_TEXTS, version, language if language in LANGUAGES else "ja")
    parts = {row["part"]: (row["text"], bytes(row["sha256"])) for row in rows}
    if set(parts) != set(PARTS) or not _intact(parts):
        raise Refused("告知文の記録に誤りがあります。何も保存していません。", next_step="区にお知らせください。")
    return Notice(
        version=version,
        language=rows[0]["language"],
        published_on=head[0]["published_on"],
        effective_on=head[0]["effective_on"],
        material=Purpose(head[0]["material"]),
        retention_months=head[0]["retention_months"],
        common=parts[COMMON][0],
        texts={purpose: PurposeText(parts[code][0], parts[code][1].hex()) for code, purpose in BY_CODE.items()},
    )


def rendered(common: str, text: str) -> str:
    """画面に出す順につないだ、正確な文。"""
    return f"{common}\n\n{text}" if text else common


def fingerprint(common: str, text: str) -> bytes:
    """画面に出る文のsha256。"""
    return hashlib.sha256(rendered(common, text).encode()).digest()


def _intact(parts: dict[str, tuple[str, bytes]]) -> bool:
    common = parts[COMMON][0]
    return all(fingerprint(common, "" if part == COMMON else text) == digest for part, (text, digest) in parts.items())
