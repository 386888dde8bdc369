"""原稿のフォーム: 欄の文字と原稿を行き来する。読めない値は「まだ選んでいない」になり、点検が指摘する。"""

from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec

from backend.messages.manuscript import Audience, Manuscript, Timing
from backend.segments import picker
from backend.segments.picker import Picked
from backend.store.clock import JST
from backend.ward.kinds import Kind

E = TypeVar("E", bound=StrEnum)
LATENESS = {30: "30分まで", 60: "1時間まで", 120: "2時間まで", 180: "3時間まで"}
# 長すぎる文も読み取り、点検が指摘する。断って打った文章を失わせない。
Line = Annotated[str, msgspec.Meta(max_length=5_000)]
Long = Annotated[str, msgspec.Meta(max_length=100_000)]


class Entry(Picked, kw_only=True):
    """フォームの欄。日付は `2026-11-24`、時刻は `18:00`(日本時間)、`late` は分。"""

    version: int = 0
    do: Line = "save"
    kind: Line = ""
    title: Line = ""
    body: Long = ""
    body_en: Long = ""
    contact: Line = ""
    audience: Line = ""
    timing: Line = ""
    send_date: Line = ""
    send_time: Line = ""
    late: Line = ""
    until_date: Line = ""
    until_time: Line = ""
    silent: Line = ""
    source_note: Long = ""


def manuscript(entry: Entry) -> Manuscript:
    """欄から原稿へ。選ばれていないものはNoneのまま。"""
    timing = _member(Timing, entry.timing)
    audience = _member(Audience, entry.audience)
    send_at = _moment(entry.send_date, entry.send_time) if timing is Timing.AT else None
    return Manuscript(
        kind=_member(Kind, entry.kind),
        title=_text(entry.title).replace("\n", " "),
        body=_text(entry.body),
        body_en=_text(entry.body_en),
        contact=_text(entry.contact).replace("\n", " "),
        audience=audience,
        criteria=picker.criteria_of(entry) if audience is Audience.CRITERIA else None,
        timing=timing,
        send_at=send_at,
        expires_at=_expiry(entry, timing, send_at),
        silent=bool(entry.silent),
        source_note=_text(entry.source_note),
    )


def entry(source: Manuscript, version: int = 0) -> Entry:
    """原稿から欄へ。"""
    sent, until = _local(source.send_at), _local(source.expires_at)
    late = (
        int((source.expires_at - source.send_at) / timedelta(minutes=1)) if source.send_at and source.expires_at else ""
    )
    on_approval = source.timing is Timing.ON_APPROVAL
    picked = picker.picked(source.criteria)
    return Entry(
        **{field: getattr(picked, field) for field in Picked.__struct_fields__},
        version=version,
        kind=source.kind or "",
        title=source.title,
        body=source.body,
        body_en=source.body_en,
        contact=source.contact,
        audience=source.audience or "",
        timing=source.timing or "",
        send_date=sent[0],
        send_time=sent[1],
        late=str(late),
        until_date=until[0] if on_approval else "",
        until_time=until[1] if on_approval else "",
        silent="1" if source.silent else "",
        source_note=source.source_note,
    )


def _expiry(entry: Entry, timing: Timing | None, send_at: datetime | None) -> datetime | None:
    if timing is Timing.ON_APPROVAL:
        return _moment(entry.until_date, entry.until_time)
    late = {str(minutes): minutes for minutes in LATENESS}.get(entry.late)
    if send_at and late:
        return send_at + timedelta(minutes=late)
    return None


def _moment(day: str, clock: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(day), time.fromisoformat(clock).replace(tzinfo=None), JST)
    except ValueError:
        return None


def _local(moment: datetime | None) -> tuple[str, str]:
    if moment is None:
        return "", ""
    local = moment.astimezone(JST)
    return local.date().isoformat(), f"{local:%H:%M}"


def _member(kind: type[E], value: str) -> E | None:
    return kind(value) if value in [member.value for member in kind] else None


def _text(value: str) -> str:
    """PostgreSQLに入らない文字だけを落とす。ほかの見えない文字は点検が指摘する。"""
    return value.replace("\x00", "")
