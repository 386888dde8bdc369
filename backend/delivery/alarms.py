"""知らせ: 人がすぐに見るべきこと。画面の帯、メール、`/statusz` は、どれもここを読む(DESIGN 8)。"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from backend import letters
from backend.delivery.states import Reason
from backend.letters import Posted
from backend.settings import Settings
from backend.store import work

SILENT_SECONDS = 30
AGAIN_MINUTES = 10
"""メールを渡せなかったとき、次に試すまで。"""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alarm:
    """一つの知らせ。`code` は同じことを二度知らせないための名。"""

    code: str
    words: str
    since: datetime
    path: str = "/console/deliveries"
    unmailed: bool = False
    """メールで知らせようとして、できていない。"""
    kind_words: str = ""
    """上の部屋の知らせの、だれでも開ける道で言ってよい言い方。"""

    @property
    def kind(self) -> str:
        """配信の名を含まない、種類だけの言い方。"""
        return self.kind_words or _KINDS[self.code.partition(":")[0]]


_KINDS = {
    "sender_silent": "送り手が動いていない",
    "brake": "自動配信のブレーキが開いている",
    "unknown": "不明の送信単位がある",
}


async def current() -> list[Alarm]:
    """いま鳴っている配信の知らせを、起きた順に。"""
    found = [*await _silent(), *await _brakes(), *await _unknown()]
    return sorted(await told(found), key=lambda alarm: alarm.since)


async def told(alarms: Iterable[Alarm]) -> list[Alarm]:
    """メールで知らせられたかどうかを書き入れた知らせ。"""
    rows = await work.sql("select code from delivery_alarm where mail = $1", Posted.FAILED.value)
    failed = {row["code"] for row in rows}
    return [replace(alarm, unmailed=alarm.code in failed) for alarm in alarms]


async def watch(settings: Settings, more: Iterable[Alarm] = ()) -> None:
    """鳴り始めた知らせを、一度だけメールで送る。収まったものは忘れ、また起きればまた送る。

    `more` は、上の部屋の知らせ(開けないリンク)。渡せなかったメールは、鳴っている間、`AGAIN_MINUTES` ごとに試す。
    """
    alarms = [*await current(), *more]
    await work.sql("delete from delivery_alarm where not code = any($1::text[])", [alarm.code for alarm in alarms])
    outcome = Posted.OFF
    for alarm in alarms:
        if await _begins(alarm):
            log.error("知らせ: %s", alarm.words)
        if await _to_mail(alarm):
            if outcome is not Posted.FAILED:  # 閉じた郵便局を一通ずつ待って、次の知らせを遅らせない
                outcome = await letters.send(settings, alarm.words, alarm.path)
            await work.sql("update delivery_alarm set mail = $2 where code = $1", alarm.code, outcome)


async def _begins(alarm: Alarm) -> bool:
    """いま鳴り始めたか。鳴っていることは、メールより先に書く。"""
    return bool(
        await work.sql(
            "insert into delivery_alarm (code, words, since) values ($1, $2, $3) on conflict (code) do nothing returning 1",
            alarm.code,
            alarm.words,
            alarm.since,
        )
    )


async def _to_mail(alarm: Alarm) -> bool:
    """このプロセスがメールを試す番か。二つのワーカーが同じものを送らない。"""
    return bool(
        await work.sql(
            "update delivery_alarm set tried_at = ward_now() where code = $1 and mail <> 'sent' "
            "and (tried_at is null or tried_at <= ward_now() - make_interval(mins => $2)) returning 1",
            alarm.code,
            AGAIN_MINUTES,
        )
    )


async def _silent() -> list[Alarm]:
    rows = await work.sql(
        "select beat_at, epoch, clock_timestamp() - beat_at > make_interval(secs => $1) as silent from delivery_sender",
        SILENT_SECONDS,
    )
    if rows and (not rows[0]["silent"]):
        return []
    words = f"配信の送り手が{SILENT_SECONDS}秒以上動いていません。配信は出ません。"
    return [Alarm("sender_silent", words, rows[0]["beat_at"])] if rows else []


async def _brakes() -> list[Alarm]:
    rows = await work.sql("select feed, reason, opened_at from delivery_brake where closed_at is null")
    return [
        Alarm(f"brake:{row['feed']}", f"自動の配信を止めています。{Reason(row['reason']).label}", row["opened_at"])
        for row in rows
    ]


async def _unknown() -> list[Alarm]:
    rows = await work.sql(
        "select d.id, d.title, coalesce(min(b.settled_at), d.finished_at) as since from delivery d "
        "left join delivery_batch b on b.delivery_id = d.id and b.state = 'unknown' "
        "where d.finished_at is not null and (d.state = 'unknown' or b.state = 'unknown') group by d.id"
    )
    return [
        Alarm(
            f"unknown:{row['id']}",
            f"「{row['title']}」に、LINEが受け付けたか分からない分があります。",
            row["since"],
            f"/console/deliveries/{row['id']}",
        )
        for row in rows
    ]
