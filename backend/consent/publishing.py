"""告知文の新しい版: 案を作り、作った人とは別の人が、文と「内容が変わる目的」の分け方ごと公開する(P10, RULES 38)。"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from backend.approval import foureyes
from backend.audit import trail
from backend.consent import translations
from backend.consent.first import hashed
from backend.consent.notices import LANGUAGES, PARTS, Purpose
from backend.consent.translations import Translation
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission
from backend.store import clock, work

MAX_TEXT = 4000
_LOCK = 4_131_072  # 二つの案が同じ番号にならないための印(表の鍵は、追記だけの役割には取れない)


@dataclass(frozen=True)
class Version:
    """一つの版の頭書き。`published` はNoneなら案、Falseなら取り下げ。"""

    version: int
    published_on: date
    effective_on: date
    material: Purpose
    retention_months: int
    reason: str
    proposed_by: int | None
    proposed_at: datetime
    published: bool | None
    decided_at: datetime | None

    @property
    def state(self) -> str:
        return {None: "案", True: "公開", False: "取り下げ"}[self.published]


_LIST = """
select n.version, n.published_on, n.effective_on, n.material, n.retention_months, n.reason, n.proposed_by, n.proposed_at,
       d.published, d.decided_at
from notice n left join notice_decision d on d.version = n.version order by n.version desc
"""


async def versions() -> list[Version]:
    """すべての版、新しい順。"""
    return [_version(row) for row in await work.sql(_LIST)]


async def shown() -> list[Version]:
    """だれでも見られる版、新しい順: 公開と決まり、公開日の来たもの。"""
    today = (await clock.now()).astimezone(clock.JST).date()
    return [one for one in await versions() if one.published and one.published_on <= today]


async def version(number: int) -> Version:
    found = next((one for one in await versions() if one.version == number), None)
    if found is None:
        raise NotFound("その告知文の版はありません。")
    return found


async def texts(number: int) -> dict[str, dict[str, str]]:
    """言語 → 部分 → 文。その版で見せない言語は空。"""
    rows = await work.sql("select language, part, text from notice_text where version = $1", number)
    found: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    for row in rows:
        found[row["language"]][row["part"]] = row["text"]
    return found


async def propose(
    actor: Actor,
    wanted: Mapping[str, Mapping[str, str]],
    *,
    translated: Mapping[str, Translation],
    published_on: date,
    effective_on: date,
    material: Purpose,
    reason: str,
) -> int:
    """案を作り、版の番号を返す。日本語と、`translated` に訳の記録のある言語の、すべての部分が要る。

    ほかの言語では日本語の文を見せる。文は後から変えられない: 直すなら新しい案を作る。
    """
    actor.require(Permission.PROPOSE_NOTICE)
    await work.sql("select pg_advisory_xact_lock($1)", _LOCK)
    known = await versions()
    if any(one.published is None for one in known):
        raise Refused("まだ決まっていない案があります。", next_step="先に、その案を公開するか取り下げてください。")
    today = (await clock.now()).astimezone(clock.JST).date()
    shown = {language: wanted.get(language, {}) for language in LANGUAGES if language in ("ja", *translated)}
    _check_texts(shown)
    translations.check(translated, today)
    _check_change(published_on, effective_on, material, reason, today)
    number = known[0].version + 1
    await work.sql(
        "insert into notice (version, published_on, effective_on, material, retention_months, reason, proposed_by) "
        "values ($1, $2, $3, $4, $5, $6, $7)",
        number,
        published_on,
        effective_on,
        int(material),
        known[0].retention_months,
        reason.strip(),
        actor.staff_id,
    )
    await _write_texts(number, shown)
    await translations.write(number, translated)
    await trail.record(actor, "notice.propose", f"notice:{number}", material=[p.code for p in material])
    return number


async def publish(actor: Actor, number: int) -> Version:
    """案を公開する。作った人にはできない。承認は、文のすべて・日付・分け方に結び付く。"""
    actor.require(Permission.PUBLISH_NOTICE)
    found = await version(number)
    if found.published is not None:
        raise Refused(f"この版は、もう{found.state}になっています。")
    if found.published_on < (await clock.now()).astimezone(clock.JST).date():
        raise Refused("公開日を過ぎています。", next_step="取り下げて、新しい日付の案を作ってください。")
    approval = await foureyes.approve(actor, f"notice:{number}", await digest(found), found.proposed_by or 0)
    await _decide(actor, number, published=True, approval_id=approval)
    return await version(number)


async def drop(actor: Actor, number: int) -> None:
    """案を取り下げる。一人でできる。"""
    actor.require(Permission.PROPOSE_NOTICE)
    found = await version(number)
    if found.published is not None:
        raise Refused(f"この版は、もう{found.state}になっています。")
    await _decide(actor, number, published=False, approval_id=None)


async def digest(found: Version) -> bytes:
    """承認が結び付くもの。"""
    body = {
        "version": found.version,
        "published_on": found.published_on.isoformat(),
        "effective_on": found.effective_on.isoformat(),
        "material": int(found.material),
        "texts": await texts(found.version),
        "translated": {code: one.as_json() for code, one in (await translations.of(found.version)).items()},
    }
    return hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).digest()


async def _decide(actor: Actor, number: int, *, published: bool, approval_id: int | None) -> None:
    await work.sql(
        "insert into notice_decision (version, published, approval_id, decided_by) values ($1, $2, $3, $4)",
        number,
        published,
        approval_id,
        actor.staff_id,
    )
    await trail.record(actor, "notice.publish" if published else "notice.drop", f"notice:{number}")


async def _write_texts(number: int, shown: Mapping[str, Mapping[str, str]]) -> None:
    lines = [(lang, part, *made) for lang, parts in shown.items() for part, made in hashed(_clean(parts)).items()]
    await work.sql(
        "insert into notice_text (version, language, part, text, sha256) "
        "select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::bytea[])",
        number,
        *(list(column) for column in zip(*lines, strict=True)),
    )


def _version(row: dict[str, Any]) -> Version:
    values: dict[str, Any] = {**row, "material": Purpose(row["material"])}
    return Version(**values)


def _clean(parts: Mapping[str, str]) -> dict[str, str]:
    return {part: parts[part].replace("\r\n", "\n").strip() for part in PARTS}


def _check_texts(shown: Mapping[str, Mapping[str, str]]) -> None:
    for language, parts in shown.items():
        for part in PARTS:
            text = parts.get(part, "").strip()
            if not text or len(text) > MAX_TEXT:
                raise Refused(
                    f"文が足りないか、長すぎます({language} / {part})。", next_step="その言語の文をそろえてください。"
                )


def _check_change(published_on: date, effective_on: date, material: Purpose, reason: str, today: date) -> None:
    if published_on < today:
        raise Refused("公開日は、今日からあとにしてください。")
    if effective_on < published_on:
        raise Refused("発効日は、公開日からあとにしてください。")
    if not 0 <= int(material) < 64:
        raise Refused("知らない目的があります。")
    if not reason.strip():
        raise Refused("変える理由を書いてください。公開ページに出ます。")
