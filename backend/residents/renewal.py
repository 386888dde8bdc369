"""告知文の切りかえ: 公開と同じ取引で、前の同意の終わり(発効日+90日)を本人の行にも写す(RULES 38)。"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from backend.consent import publishing
from backend.consent.ledger import GRACE_DAYS, Grant
from backend.consent.notices import Purpose
from backend.consent.publishing import Version
from backend.permissions import Actor
from backend.store import clock, work

ASK_DAYS = 102
"""期限の何日前から、ページで続けるかを尋ねるか。月ごとのお知らせは、早い人には100日ほど前に着く(messages.reminders)。"""


@dataclass(frozen=True)
class Progress:
    """ある版への、続けるかの進み。"""

    version: int
    ends_on: date
    renewed: int
    waiting: int


async def publish(actor: Actor, number: int) -> Version:
    """公開する。内容の変わる目的に前の版で同意している人は、発効日+90日で終わる。字句だけの直しでは何も変わらない(P10)。"""
    await work.sql("lock table resident in share row exclusive mode")  # 保存の途中の人を、漏らさず先に通す
    found = await publishing.publish(actor, number)
    if found.material:
        await work.sql(
            "update resident set live_until = least(live_until, ($1::date)::timestamp at time zone 'Asia/Tokyo') "
            "where purposes & $2 <> 0",
            ends_on(found),
            int(found.material),
        )
    return found


def ends_on(version: Version) -> date:
    """前の同意がこの日の0時に終わる。"""
    return version.effective_on + timedelta(days=GRACE_DAYS)


def is_ending(until: datetime, today: date) -> bool:
    """同意の終わりが近く、ページで続けるかを尋ねる間か(P14)。"""
    return until.astimezone(clock.JST).date() - today <= timedelta(days=ASK_DAYS)


_CAUGHT_UP = """
with shown as (
    select n.version, n.material from notice n join notice_decision d on d.version = n.version and d.published
    where n.published_on <= (ward_now() at time zone 'Asia/Tokyo')::date)
select g.version, g.purpose, coalesce(min(n.version) - 1, (select max(version) from shown)) as last
from unnest($1::int[], $2::int[]) g (version, purpose)
left join shown n on n.version > g.version and n.material & g.purpose <> 0 group by 1, 2
"""


async def caught_up(grants: Iterable[Grant]) -> dict[tuple[int, Purpose], int]:
    """(同意した版, 目的) → その同意が、内容としていまも追いついている、最も新しい版。

    「続ける」は目的ごとなので、一人の同意の版はそろわない。本人の行の `notice_version` は、これの最も小さいもの:
    内容の変わっていない目的が古い版のままでも、まだ続けていない人には数えない。
    """
    old = {(grant.notice_version, grant.purpose) for grant in grants}
    rows = await work.sql(_CAUGHT_UP, [version for version, _ in old], [int(purpose) for _, purpose in old])
    return {(row["version"], Purpose(row["purpose"])): row["last"] for row in rows}


async def progress() -> list[Progress]:
    """公開されて内容の変わった版ごとの、続けた人とまだの人の数。最初の版は数えない。"""
    found: list[Progress] = []
    for version in await publishing.versions():
        if version.published and version.material and version.version > 1:
            rows = await work.sql(
                "select count(*) filter (where notice_version >= $1) as renewed, "
                "count(*) filter (where notice_version < $1) as waiting from resident where purposes & $2 <> 0",
                version.version,
                int(Purpose(version.material)),
            )
            found.append(Progress(version.version, ends_on(version), rows[0]["renewed"], rows[0]["waiting"]))
    return found
