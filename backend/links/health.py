"""点検: 期限の来たリンクを、一つのサイトに一度に一つずつ開いてみる。ワーカーが `tick` を呼ぶ。

開けないリンクは持ち主に知らせ、新しい提出を止める(issue 4-6)。こちらの回線が切れているだけのときに、すべてを
「開けない」にしないため、つながらなかったものは、ほかのサイトが開けているときだけ数える。見回りを断るだけのサイトは数えない。
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from backend.audit import trail
from backend.links import addresses, probe
from backend.links.probe import Answer, Resolver, Verdict
from backend.links.register import Link
from backend.store import listen, work

CHANNEL = "links"
"""開けないリンクが現れる・直ると、この名で、リンクの名前を知らせる。"""
AT_ONCE = 4
"""同時に開くサイトの数。"""
LEASE = timedelta(minutes=10)
AGAIN = {
    Verdict.OK: timedelta(hours=24),
    Verdict.GONE: timedelta(hours=1),
    Verdict.UNSURE: timedelta(minutes=30),
    Verdict.UNREACHABLE: timedelta(minutes=30),
}
AFTER_REFUSAL = timedelta(hours=6)
"""見回りを断るサイトを、しつこく訪ねない。"""
PATIENCE = 3
"""相手の調子が悪いだけかもしれないとき、続けて何回で「開けない」とするか。"""
EVIDENCE = timedelta(hours=1)


@dataclass(frozen=True)
class _Due:
    code: str
    url: str
    allowed_hosts: tuple[str, ...]
    version: int


async def check(
    link: Link, *, resolver: Resolver | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> Answer:
    """一つのリンクを開いてみる。何も書かない。"""
    return await probe.check(link.url, link.allowed_hosts, resolver=resolver, transport=transport)


async def tick(
    now: datetime, *, resolver: Resolver | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> int:
    """期限の来たリンクを、サイトごとに一つ、`AT_ONCE` まで点検する。見た数を返す。取引の中から呼ばない。"""
    due = await work.run(_claim, now)

    async def one(link: _Due) -> None:
        answer = await probe.check(link.url, link.allowed_hosts, resolver=resolver, transport=transport)
        await work.run(_keep, link, answer, now)

    await asyncio.gather(*(one(link) for link in due))
    return len(due)


async def ask_again(code: str) -> None:
    """点検の順番を、いちばん前にする。"""
    await work.sql("update link_check set next_at = ward_now() where code = $1", code)


async def _claim(now: datetime) -> Sequence[_Due]:
    """期限の来たものを取り、ほかのワーカーが同じものを見ないように期限を延ばす。同じサイトからは一つだけ。"""
    await work.sql("select pg_advisory_xact_lock(hashtextextended('links.health', 0))")
    rows = await work.sql(
        "select l.code, l.url, l.allowed_hosts, l.version from link l join link_check c on c.code = l.code "
        "where not l.retired and l.url like 'https://%' and c.next_at <= $1 order by c.next_at, l.code limit 200",
        now,
    )
    chosen: dict[str, _Due] = {}
    for row in rows:
        host = addresses.host_of(row["url"])
        if len(chosen) < AT_ONCE and host not in chosen:
            chosen[host] = _Due(row["code"], row["url"], tuple(row["allowed_hosts"]), row["version"])
    codes = [due.code for due in chosen.values()]
    await work.sql("update link_check set next_at = $2 where code = any($1::text[])", codes, now + LEASE)
    return list(chosen.values())


async def _keep(link: _Due, answer: Answer, now: datetime) -> None:
    """結果を残す。点検の間に行き先が変わっていれば捨てる。"""
    rows = await work.sql(
        "select c.failures, c.verdict, c.dead_since is not null as dead from link_check c join link l on l.code = c.code "
        "where c.code = $1 and l.version = $2 for update of c",
        link.code,
        link.version,
    )
    if not rows:
        return
    was = rows[0]
    if was["dead"] and was["verdict"] == Verdict.GONE and answer.refused:
        await _look_later(link, answer, now)
        return
    failures = await _failures(was["failures"], link, answer, now)
    dead = _dead(answer, failures, before=was["dead"])
    await _write(link, answer, now, failures, dead=dead)
    if dead != was["dead"]:
        what = "link.dead" if dead else "link.alive"
        await trail.record(None, what, f"link:{link.code}", reason=answer.reason, status=answer.status)
        await listen.notify(CHANNEL, link.code)


def _dead(answer: Answer, failures: int, *, before: bool) -> bool:
    """開けないと分かったものは、開けるか、相手が動いていると分かるまで、そのまま。"""
    if answer.verdict is Verdict.OK or answer.refused:
        return False
    return before or answer.verdict is Verdict.GONE or failures >= PATIENCE


async def _look_later(link: _Due, answer: Answer, now: datetime) -> None:
    """ページがないと分かった後に断られても、あるとは言えない。分かったことと理由を残し、また見に行く。"""
    await work.sql(
        "update link_check set next_at = $2, checked_at = $3 where code = $1", link.code, now + _again(answer), now
    )


async def _write(link: _Due, answer: Answer, now: datetime, failures: int, *, dead: bool) -> None:
    await work.sql(
        "update link_check set next_at = $2, checked_at = $3, verdict = $4, status = $5, reason = $6, failures = $7, "
        "dead_since = case when $8 then coalesce(dead_since, $3) end, "
        "ok_at = case when $4 = 'ok' then $3 else ok_at end where code = $1",
        link.code,
        now + _again(answer),
        now,
        answer.verdict.value,
        answer.status,
        answer.reason,
        failures,
        dead,
    )


def _again(answer: Answer) -> timedelta:
    return AFTER_REFUSAL if answer.refused else AGAIN[answer.verdict]


async def _failures(before: int, link: _Due, answer: Answer, now: datetime) -> int:
    """続けて失敗した回数。つながらないときは、ほかのサイトが近ごろ開けていたときだけ増える。断られたら、相手は動いている。"""
    if answer.verdict is Verdict.OK or answer.refused:
        return 0
    if answer.verdict is Verdict.UNREACHABLE and not await _others_open(addresses.host_of(link.url), now):
        return before
    return before + 1


async def _others_open(host: str, now: datetime) -> bool:
    rows = await work.sql(
        "select l.url from link l join link_check c on c.code = l.code where c.verdict = 'ok' and c.ok_at > $1",
        now - EVIDENCE,
    )
    return any(addresses.host_of(row["url"]) != host for row in rows)
