"""漏えいの記録: いつ見つけ、だれの何が、不正かどうか。報告の時計は、報告を終えたと書くまで止まらない(RULES 42)。

個人設定を閉じる・開くこととは別に動く: 開き直しても、報告の期限はなくならない。
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from backend.audit import trail
from backend.consent.notices import Purpose
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission
from backend.store import clock, work

LINE_ID = 64
ITEMS = {**{int(purpose): purpose.label for purpose in Purpose}, LINE_ID: "LINEの利用者ID(暗号)"}
FIRST_DAYS = (3, 5)
FULL_DAYS, FULL_DAYS_MALICIOUS = 30, 60
MAX_TEXT = 2000
_LOCK = 4_131_073  # 二人が同時に始めても、同じ番号にならないための印


@dataclass(frozen=True)
class Clocks:
    """報告の期限の日(日本)。速報は3〜5日目、確報は30日目(不正の目的のおそれがあれば60日目)。"""

    first_from: date
    first_until: date
    full_until: date


def clocks(found_at: datetime, malicious: bool | None) -> Clocks:
    """見つけた日を1日目と数える。休日でも延ばさない: どの数え方でも、期限を過ぎない側に置く。"""
    found = found_at.astimezone(clock.JST).date()
    full = FULL_DAYS_MALICIOUS if malicious else FULL_DAYS
    return Clocks(*(found + timedelta(days=days - 1) for days in (*FIRST_DAYS, full)))


@dataclass(frozen=True)
class Sheet:
    """記録の欄。分からないものはNone。`unneeded` は、報告を要しないと決めた理由。"""

    found_at: datetime
    summary: str
    people: int | None = None
    items: int = 0
    malicious: bool | None = None
    first_on: date | None = None
    full_on: date | None = None
    unneeded: str = ""


@dataclass(frozen=True)
class Record:
    """一件のいまの記録。`at` は最後に書いた時刻。"""

    number: int
    at: datetime
    by_staff: int
    sheet: Sheet
    ended: bool

    @property
    def clocks(self) -> Clocks:
        return clocks(self.sheet.found_at, self.sheet.malicious)

    @property
    def sensitive(self) -> bool:
        """特に注意のいる項目(妊娠・子育て)を含むか。含めば、一人でも報告する。"""
        return bool(self.sheet.items & Purpose.PARENTING)


async def begin(actor: Actor, found_at: datetime, summary: str) -> int:
    """記録を始め、番号を返す。見つけた時刻から時計が動く。"""
    actor.require(Permission.CLOSE_PERSONAL)
    await work.sql("select pg_advisory_xact_lock($1)", _LOCK)
    number = (await work.sql("select coalesce(max(number), 0) + 1 as number from incident_report"))[0]["number"]
    await _insert(actor, number, Sheet(found_at, summary.strip()), ended=False)
    await trail.record(actor, "rights.incident_begin", f"incident:{number}")
    return number


async def write(actor: Actor, number: int, sheet: Sheet) -> None:
    """記録を書き直す。前に書いたものも残る。"""
    actor.require(Permission.CLOSE_PERSONAL)
    _open(await record(number))
    await _insert(actor, number, sheet, ended=False)
    await trail.record(actor, "rights.incident_write", f"incident:{number}")


async def end(actor: Actor, number: int) -> None:
    """時計を止める。速報と確報の日、または報告を要しない理由がなければ止まらない。"""
    actor.require(Permission.CLOSE_PERSONAL)
    found = await record(number)
    _open(found)
    if not found.sheet.unneeded and not (found.sheet.first_on and found.sheet.full_on):
        raise Refused(
            "まだ終えられません。速報と確報を出した日がそろっていません。",
            next_step="出した日を書くか、報告を要しない理由を書いてください。",
        )
    await _insert(actor, number, found.sheet, ended=True)
    await trail.record(actor, "rights.incident_end", f"incident:{number}")


async def records() -> list[Record]:
    """すべての記録。終わっていないものが先、その中では見つけた順。"""
    rows = await work.sql("select distinct on (number) * from incident_report order by number, id desc")
    return sorted(map(_record, rows), key=lambda one: (one.ended, one.sheet.found_at))


async def record(number: int) -> Record:
    rows = await work.sql("select * from incident_report where number = $1 order by id desc limit 1", number)
    if not rows:
        raise NotFound("その漏えいの記録はありません。")
    return _record(rows[0])


async def running() -> list[Record]:
    """時計の動いている記録。"""
    return [one for one in await records() if not one.ended]


def _open(found: Record) -> None:
    if found.ended:
        raise Refused(
            "この記録は、もう終わっています。", next_step="新しいことが分かったら、新しい記録を始めてください。"
        )


async def _insert(actor: Actor, number: int, sheet: Sheet, *, ended: bool) -> None:
    await _check(sheet)
    await work.sql(
        "insert into incident_report (number, by_staff, found_at, people, malicious, items, summary, first_on, full_on, "
        "unneeded, ended) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        number,
        actor.staff_id,
        sheet.found_at,
        sheet.people,
        sheet.malicious,
        sheet.items,
        sheet.summary,
        sheet.first_on,
        sheet.full_on,
        sheet.unneeded,
        ended,
    )


async def _check(sheet: Sheet) -> None:
    now = await clock.now()
    found, today = sheet.found_at.astimezone(clock.JST).date(), now.astimezone(clock.JST).date()
    if sheet.found_at > now:
        raise Refused("見つけた日時が、いまより後です。", next_step="見つけた日時を確かめてください。")
    if not sheet.summary or max(len(sheet.summary), len(sheet.unneeded)) > MAX_TEXT:
        raise Refused(f"何が起きたかを、{MAX_TEXT}字までで書いてください。")
    if sheet.people is not None and not 0 <= sheet.people < 2**31:
        raise Refused("人数を確かめてください。")
    if sheet.items & ~sum(ITEMS):
        raise Refused("知らない項目があります。")
    if any(day and not found <= day <= today for day in (sheet.first_on, sheet.full_on)):
        raise Refused("報告した日は、見つけた日から今日までの日にしてください。")


def _record(row: dict[str, Any]) -> Record:
    names = ("found_at", "summary", "people", "items", "malicious", "first_on", "full_on", "unneeded")
    return Record(row["number"], row["at"], row["by_staff"], Sheet(**{name: row[name] for name in names}), row["ended"])
