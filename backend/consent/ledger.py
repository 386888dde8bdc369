"""同意台帳: 目的ごとの一件を書き足し、本人の札(subject)からいまの同意を読む。

札は、本人の行だけが持つ乱数の鍵でのHMAC。行が消えると鍵も消え、台帳は「だれか」の記録だけになる(P12)。
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from backend.consent.notices import Notice, Purpose
from backend.store import work
from backend.store.clock import JST

SCHEMA = 1
GRACE_DAYS = 90  # 内容の変わった告知文の発効日から、前の同意が終わるまで(RULES 38)
NONE = Purpose(0)
_SUBJECT = b"bunkyo-line/consent/subject/1"


class Action(StrEnum):
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"

    @property
    def label(self) -> str:
        return {"granted": "同意", "withdrawn": "取りやめ", "lapsed": "期限切れ"}[self.value]


class Channel(StrEnum):
    """どこから起きたか。職員が同意を作る道はない(P17)。"""

    LIFF = "liff"
    UNFOLLOW = "unfollow"
    FOLLOWERS = "followers"
    COUNTER = "counter"
    SWEEP = "sweep"
    RESTORE = "restore"
    DEMO = "demo"


@dataclass(frozen=True)
class Entry:
    """書き足す一件。"""

    subject: bytes
    purpose: Purpose
    action: Action
    notice_version: int
    language: str
    text_sha256: str
    channel: Channel
    guardian: bool = False


@dataclass(frozen=True)
class Grant:
    """いま生きている(またはいま終わった)一つの目的への同意。`until` はその終わり。"""

    event_id: UUID
    purpose: Purpose
    notice_version: int
    language: str
    text_sha256: str
    granted_at: datetime
    until: datetime
    guardian: bool


@dataclass(frozen=True)
class Event:
    """書かれた一件。時刻はデータベースが決めた。"""

    event_id: UUID
    subject: bytes
    purpose: Purpose
    action: Action
    at: datetime


def new_key() -> bytes:
    """一人のための乱数の鍵(32バイト)。本人の行だけに置く。"""
    return secrets.token_bytes(32)


def subject(key: bytes) -> bytes:
    """鍵から求める、台帳での札(32バイト)。"""
    return hmac.new(key, _SUBJECT, hashlib.sha256).digest()


def granted(
    who: bytes, purposes: Iterable[Purpose], notice: Notice, channel: Channel, *, guarded: Purpose = NONE
) -> list[Entry]:
    """`purposes` の一つずつへの同意。`guarded` は、保護者と読んだと答えた目的(P15)。"""
    return [
        Entry(
            who,
            purpose,
            Action.GRANTED,
            notice.version,
            notice.language,
            notice.texts[purpose].sha256,
            channel,
            bool(guarded & purpose),
        )
        for purpose in purposes
    ]


def ended(who: bytes, grants: Iterable[Grant], action: Action, channel: Channel) -> list[Entry]:
    """いまの同意を終える件。どの文への同意が終わったかも残す。"""
    return [
        Entry(who, g.purpose, action, g.notice_version, g.language, g.text_sha256, channel, g.guardian) for g in grants
    ]


_APPEND = """
insert into consent_event (schema_version, subject, purpose, action, notice_version, language, text_sha256, guardian, channel)
select $1, e.* from unnest($2::bytea[], $3::smallint[], $4::text[], $5::integer[], $6::text[], $7::bytea[], $8::boolean[],
                           $9::text[]) as e
returning event_id, subject, purpose, action, at
"""


async def append(entries: Sequence[Entry]) -> list[Event]:
    """まとめて書き足す。一件が一つの目的(P3)。"""
    if not entries:
        return []
    rows = await work.sql(
        _APPEND,
        SCHEMA,
        [e.subject for e in entries],
        [int(e.purpose) for e in entries],
        [e.action.value for e in entries],
        [e.notice_version for e in entries],
        [e.language for e in entries],
        [bytes.fromhex(e.text_sha256) for e in entries],
        [e.guardian for e in entries],
        [e.channel.value for e in entries],
    )
    return [
        Event(r["event_id"], bytes(r["subject"]), Purpose(r["purpose"]), Action(r["action"]), r["at"]) for r in rows
    ]


# 目的ごとの最後の件が「同意」なら、その終わりは、保存の月数と、後から内容の変わった版の発効日+90日の早い方。
_LIVE = """
select l.*, least(
    l.at + make_interval(months => n.retention_months),
    (select min((m.effective_on + $2::int)::timestamp at time zone 'Asia/Tokyo')
     from notice m join notice_decision d on d.version = m.version and d.published
     where m.version > l.notice_version and m.material & l.purpose <> 0)) as until
from unnest($1::bytea[]) s (subject)
cross join lateral (
    select distinct on (e.purpose) e.* from consent_event e where e.subject = s.subject order by e.purpose, e.id desc
) l
join notice n on n.version = l.notice_version
where l.action = 'granted'
order by l.purpose
"""


async def live(subjects: Sequence[bytes]) -> dict[bytes, dict[Purpose, Grant]]:
    """札ごと・目的ごとの、取りやめられていない同意。終わりを過ぎたものも含む(`until` を見る)。"""
    found: dict[bytes, dict[Purpose, Grant]] = {who: {} for who in subjects}
    for row in await work.sql(_LIVE, list(subjects), GRACE_DAYS) if subjects else []:
        grant = _grant(row)
        found[bytes(row["subject"])][grant.purpose] = grant
    return found


async def history(who: bytes) -> list[dict[str, Any]]:
    """一人の札のすべての件を古い順に(開示のため)。"""
    rows = await work.sql(
        "select event_id, purpose, action, notice_version, language, text_sha256, guardian, channel, at "
        "from consent_event where subject = $1 order by id",
        who,
    )
    return [
        {
            "event_id": str(row["event_id"]),
            "purpose": Purpose(row["purpose"]).code,
            "action": row["action"],
            "notice_version": row["notice_version"],
            "language": row["language"],
            "text_sha256": bytes(row["text_sha256"]).hex(),
            "guardian": row["guardian"],
            "channel": row["channel"],
            "at": row["at"].astimezone(JST).isoformat(),
        }
        for row in rows
    ]


def _grant(row: dict[str, Any]) -> Grant:
    return Grant(
        event_id=row["event_id"],
        purpose=Purpose(row["purpose"]),
        notice_version=row["notice_version"],
        language=row["language"],
        text_sha256=bytes(row["text_sha256"]).hex(),
        granted_at=row["at"],
        until=row["until"],
        guardian=row["guardian"],
    )
