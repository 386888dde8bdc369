"""確定: 送る相手をいまの同意で決め、500人までの送信単位に分ける。"""

from typing import Any

from backend.approval import foureyes
from backend.audit import trail
from backend.delivery import audience, brakes, facts, outbox, plans
from backend.delivery.audience import Clause
from backend.delivery.brakes import Expired, Held, Wait
from backend.delivery.states import Reason
from backend.errors import Refused
from backend.line import limits
from backend.store import listen, work


async def freeze(delivery_id: int, minimum: int) -> bool:
    """予約を一つ、一つの取引で確定・見合わせ・期限切れのどれかにする。確定したら真。

    `minimum` は人が書いた条件で送れる最少の人数。ほかの取引が触っている行には手を出さない。
    """
    rows = await work.sql(_DUE, delivery_id)
    if not rows:
        return False
    row = rows[0]
    known = await facts.of(row)
    verdict = brakes.decide(known)
    match verdict:
        case Expired():
            await finish(delivery_id, "expired")
        case Held(reason=reason):
            await _hold_feed(known, reason)
            await hold(delivery_id, reason)
        case Wait(until=until):
            await work.sql("update delivery set not_before = $2 where id = $1", delivery_id, until)
        case _:
            return await _cut(row, known, minimum)
    return False


async def hold(delivery_id: int, reason: Reason) -> bool:
    """見合わせにして真。人が決めるまで出ない。もう終わったか見合わせていれば、何もせず偽。"""
    rows = await work.sql(
        "update delivery set state = 'held', reason = $2, released = '' where id = $1 and finished_at is null and state <> 'held' returning id",
        delivery_id,
        reason.value,
    )
    if not rows:
        return False
    await trail.record(None, "delivery.hold", f"delivery:{delivery_id}", reason=reason.value)
    await listen.notify(outbox.MOVED, str(delivery_id))
    return True


async def finish(delivery_id: int, state: str, reason: Reason | None = None) -> None:
    """送らずに終える。数は `accounts.close` が書く。"""
    await work.sql(
        "update delivery set state = $2, reason = $3, finished_at = ward_now() where id = $1",
        delivery_id,
        state,
        reason.value if reason else "",
    )
    await trail.record(None, f"delivery.{state}", f"delivery:{delivery_id}", reason=reason.value if reason else "")
    await listen.notify(outbox.MOVED, str(delivery_id))


async def _cut(row: dict[str, Any], known: brakes.Facts, minimum: int) -> bool:
    delivery_id: int = row["id"]
    package = await outbox.stored(row)
    if not await approved(row, package) or await _already_cut(delivery_id):
        await hold(delivery_id, Reason.UNAPPROVED)
        return False
    if known.to_everyone:
        await work.sql("insert into delivery_batch (delivery_id, position, language) values ($1, 1, 'ja')", delivery_id)
        people = None
    else:
        try:
            wanted = await audience.clause(row, 4)
        except Refused:
            await hold(delivery_id, Reason.UNREADABLE)
            return False
        await work.sql("savepoint whole")
        people = await _batches(row, wanted, list(package.bodies))
        if people == 0 and not brakes.too_few(known, 0, minimum):
            await finish(delivery_id, "stopped", Reason.NOBODY)
            return False
        if brakes.too_few(known, people, minimum):
            await work.sql("rollback to savepoint whole")
            await hold(delivery_id, Reason.MINIMUM)
            return False
    await work.sql(
        "update delivery set state = 'frozen', reason = '', frozen = $2, frozen_at = ward_now() where id = $1",
        delivery_id,
        people,
    )
    await listen.notify(outbox.MOVED, str(delivery_id))
    return True


async def _already_cut(delivery_id: int) -> bool:
    """確定の前からある送信単位は、よそから差し込まれたもの。"""
    return bool(await work.sql("select 1 from delivery_batch where delivery_id = $1 limit 1", delivery_id))


async def _batches(row: dict[str, Any], wanted: Clause, languages: list[str]) -> int:
    """条件に合う人を送信単位に分け、人数を返す。言語を選んだ人にはその言語の、ほかの人には日本語の本文。

    一つの送信単位には、表の近いところにいる人を入れる: 番号の順では、送るたびに表のあちこちを読むことになる
    (百万人で、宛先を引くのに15ms対2ms)。
    """
    tried = ""
    if row["address"] == "recipients":
        tried = _ACCEPTED_OF.format(delivery_id=int(row["recipients_of"]))
    where = f"{tried}({wanted.text})"
    over = "" if languages == ["ja"] else "partition by language order by place"
    await work.sql("select set_config('work_mem', '128MB', true)")  # この取引の間だけ。並べ替えをディスクに出さない
    query = _CUT.format(where=where, over=over)
    rows = await work.sql(query, row["id"], languages, limits.MULTICAST_IDS, *wanted.values)
    return int(rows[0]["people"])


# 訂正は、もとの配信の返事がすべて出そろってから。そうでないと、届いた人が漏れる。
_DUE = """
select *, ward_now() as now from delivery d
where id = $1 and state = 'scheduled' and not_before <= ward_now()
  and (recipients_of is null or expires_at <= ward_now()
       or exists (select 1 from delivery o where o.id = d.recipients_of and o.accepted is not null))
for update skip locked
"""
_ACCEPTED_OF = "r.number in (select unnest(numbers) from delivery_batch where delivery_id = {delivery_id} and state = 'accepted') and "
_CUT = """
with chosen as (
  select r.number, r.ctid as place, case when r.language = any($2::text[]) then r.language else 'ja' end as language
  from resident r where {where}
), placed as (
  select number, language, (row_number() over ({over}) - 1) / $3 as chunk from chosen
), cut as (
  insert into delivery_batch (delivery_id, position, language, size, numbers)
  select $1, row_number() over (order by language = 'ja' desc, language, chunk), language, count(*),
         array_agg(number)
  from placed group by language, chunk
  returning size
)
select coalesce(sum(size), 0) as people from cut
"""


async def approved(row: dict[str, Any], package: outbox.Package) -> bool:
    """承認が、いまも、この包み(または、これの入った計画)のものか。書き換えられた行や本文はここで止まる(I4)。"""
    seen, subject, digest = outbox.digest(package), row["approval_subject"], row["approval_digest"]
    if seen != row["digest"] or not await plans.authorises(subject, digest, row["source"], seen):
        return False
    return await foureyes.valid(row["approval_id"], subject, digest)


async def _hold_feed(known: brakes.Facts, reason: Reason) -> None:
    if known.feed and reason in (Reason.STALE, Reason.FLOOD):
        await work.sql(
            "insert into delivery_brake (feed, reason) values ($1, $2) on conflict (feed) where closed_at is null do nothing",
            known.feed,
            reason.value,
        )
