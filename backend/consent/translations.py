"""告知文の訳の記録: だれが訳し、だれが、いつ確かめたか。記録のない言語では、日本語の文を見せる(RULES 47)。"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from backend.consent.notices import LANGUAGES
from backend.errors import Refused
from backend.store import work

TRANSLATED = tuple(language for language in LANGUAGES if language != "ja")
"""日本語は正文なので、訳の記録はない。"""
MAX_NAME = 80


@dataclass(frozen=True)
class Translation:
    """一つの版の、一つの言語の訳。人の名は公開のページに出るので、課や会社の名でもよい。

    最初の版だけは、区が確かめる前の訳で、`checker` が空、`checked_on` がNone。
    """

    translator: str
    checker: str
    checked_on: date | None

    def as_json(self) -> list[str]:
        return [self.translator, self.checker, self.checked_on.isoformat() if self.checked_on else ""]


async def of(version: int) -> dict[str, Translation]:
    """その版で、日本語のほかに見せる言語 → 訳の記録。"""
    rows = await work.sql(
        "select language, translator, checker, checked_on from notice_translation where version = $1", version
    )
    return {row["language"]: Translation(row["translator"], row["checker"], row["checked_on"]) for row in rows}


def check(made: Mapping[str, Translation], today: date) -> None:
    """訳した人とは別の人が、今日までに確かめていること。だめなら `Refused`。"""
    for language, one in made.items():
        names = (one.translator.strip(), one.checker.strip())
        if language not in TRANSLATED:
            raise Refused(f"訳の記録を書けない言語です({language})。")
        if not all(names) or one.checked_on is None or max(map(len, names)) > MAX_NAME:
            raise Refused(
                f"訳の記録が足りません({language})。",
                next_step="訳した人・確かめた人・確かめた日をそろえるか、三つとも空にして日本語の文を見せてください。",
            )
        if names[0] == names[1]:
            raise Refused(f"訳した人と確かめた人が同じです({language})。", next_step="ほかの人が確かめてください。")
        if one.checked_on > today:
            raise Refused(f"訳を確かめた日が、今日より後です({language})。")


async def write(version: int, made: Mapping[str, Translation]) -> None:
    await work.sql(
        "insert into notice_translation (version, language, translator, checker, checked_on) "
        "select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::date[])",
        version,
        [*made],
        [one.translator.strip() for one in made.values()],
        [one.checker.strip() for one in made.values()],
        [one.checked_on for one in made.values()],
    )
