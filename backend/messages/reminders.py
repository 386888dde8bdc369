"""続けるかのお知らせ: 前の同意が終わる60日・30日・7日前の一通(RULES 38)と、期限の来る同意の一通(CHECKS P14)。

いつ・だれに・どんな文かは、公開された告知文と暦から毎回求める。覚えるのは、どの一通の下書きを作ったかだけなので、
作りかけも二重もない。下書きは広報課の人が一度押して作る: 書いた人のいない原稿はなく、その後はふつうの依頼と同じ道
(提出、二人目の承認、配信予約)を通り、ひとりでには何も出ない(POL 5(4))。

期限で終わる同意は、期限の来る月ごとにまとめる。一人ずつの日に合わせると個人あての連絡になり(POL 5(5))、
承認済みの文を自動で送り続けると、だれも読まない文が出る。月に三通なら、区の人が毎回読める。
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.consent import publishing
from backend.errors import Refused
from backend.messages import desk, reminder_words, workflow
from backend.messages.desk import Request
from backend.messages.reminder_plan import Planned, plan
from backend.permissions import Actor, Permission
from backend.segments import audience
from backend.store import clock, work

OPENS = timedelta(days=45)
"""これより前には作らない: 早く承認した原稿は、送るころには古い(配信のブレーキは92日)。"""
_LOCK = "select pg_advisory_xact_lock(hashtext('reminder'))"


@dataclass(frozen=True)
class Reminder:
    """一通のいま。`count` は丸めた言葉、`enough` は送れる人数か、`request` は作った依頼。"""

    planned: Planned
    count: str
    enough: bool
    request: Request | None
    now: datetime

    @property
    def missed(self) -> bool:
        return self.request is None and self.planned.send_at <= self.now

    @property
    def open(self) -> bool:
        """いま下書きを作れる。"""
        early = self.planned.send_at - OPENS > self.now
        return self.request is None and self.enough and not self.missed and not early

    @property
    def opens_at(self) -> datetime:
        return self.planned.send_at - OPENS


async def listing(actor: Actor, minimum: int) -> list[Reminder]:
    """これからの一通を、送る日の順に。人数は決まった条件のものなので、尋ねた回数には数えない。

    `minimum` に足りない月は並べない: だれもいない月まで、用事にしない。
    """
    actor.require(Permission.REVIEW)
    now = await clock.now()
    made = await _made(actor)
    counts: dict[tuple[str, int | str], int] = {}
    found: list[Reminder] = []
    for one in plan(await publishing.versions(), now):
        what = one.field, one.value
        if what not in counts:
            counts[what] = await audience.count(one.criteria)
        enough = counts[what] >= minimum
        shown = one.field == "not_renewed" or (enough and one.send_at > now)
        if shown or one.key in made:
            found.append(Reminder(one, audience.wording(counts[what]), enough, made.get(one.key), now))
    return sorted(found, key=lambda reminder: reminder.planned.send_at)


async def prepare(actor: Actor, key: str, page: str, minimum: int) -> int:
    """一通の下書きを作り、依頼の番号を返す。もうあればその番号。`page` は「続ける」のある受信設定のアドレス。"""
    actor.require(Permission.REVIEW)
    await work.sql(_LOCK)
    found = next((one for one in await listing(actor, minimum) if one.planned.key == key), None)
    if found and found.request:
        return found.request.id
    if found is None or not found.open:
        raise Refused(
            "このお知らせは、いまは用意できません。", next_step="一覧で、用意できる日と人数を確かめてください。"
        )
    request_id = await workflow.draft(actor, reminder_words.manuscript(found.planned, page))
    await work.sql("update delivery_request set reminder = $2 where id = $1", request_id, key)
    return request_id


async def superseded_by(request: Request) -> int | None:
    """この依頼が尋ねる目的を、後からまた変えた版。続けるかのお知らせでなければNone。"""
    if request.reminder is None:
        return None
    planned = plan(await publishing.versions(), request.now)
    return next((one.superseded_by for one in planned if one.key == request.reminder), None)


async def _made(actor: Actor) -> dict[str, Request]:
    """作った依頼。取り下げたものは数えず、もう一度作れる。"""
    rows = await work.sql(
        "select id, reminder from delivery_request where reminder is not null and state <> 'withdrawn' "
        "and created_at > ward_now() - interval '1 year'"
    )
    return {row["reminder"]: await desk.find(actor, row["id"]) for row in rows}
