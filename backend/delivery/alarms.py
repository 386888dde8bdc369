"""知らせ: 人がすぐに見るべきこと。画面の帯、メール、`/statusz` は、どれもここを読む(DESIGN 8)。"""

import asyncio
import logging
import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from backend.delivery.states import Reason
from backend.settings import Settings
from backend.store import work

SILENT_SECONDS = 30
SMTP_SECONDS = 20
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alarm:
    """一つの知らせ。`code` は同じことを二度知らせないための名。"""

    code: str
    words: str
    since: datetime
    path: str = "/console/deliveries"

    @property
    def kind(self) -> str:
        """配信の名を含まない、種類だけの言い方。"""
        return _KINDS[self.code.partition(":")[0]]


_KINDS = {
    "sender_silent": "送り手が動いていない",
    "brake": "自動配信のブレーキが開いている",
    "unknown": "不明の送信単位がある",
}


async def current() -> list[Alarm]:
    """いま鳴っている知らせを、起きた順に。"""
    found = [*await _silent(), *await _brakes(), *await _unknown()]
    return sorted(found, key=lambda alarm: alarm.since)


async def watch(settings: Settings) -> None:
    """鳴り始めた知らせを、一度だけメールで送る。収まったものは忘れ、また起きればまた送る。"""
    alarms = await current()
    await work.sql("delete from delivery_alarm where not code = any($1::text[])", [alarm.code for alarm in alarms])
    for alarm in alarms:
        fresh = await work.sql(
            "insert into delivery_alarm (code, words, since) values ($1, $2, $3) on conflict (code) do nothing returning 1",
            alarm.code,
            alarm.words,
            alarm.since,
        )
        if fresh:
            log.error("知らせ: %s", alarm.words)
            await _mail(settings, alarm)


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


async def _mail(settings: Settings, alarm: Alarm) -> None:
    """送れなくても、仕事は止めない。画面と `/statusz` には出ている。"""
    url = settings.smtp_url.get_secret_value()
    if not url or not settings.alert_email:
        return
    letter = EmailMessage()
    letter["Subject"] = f"【文京区LINE配信】{alarm.words}"
    letter["From"] = letter["To"] = settings.alert_email
    letter.set_content(f"{alarm.words}\n\n{settings.console_url}{alarm.path}\n")
    try:
        await asyncio.to_thread(_post, url, letter)
    except (OSError, smtplib.SMTPException) as error:
        log.error("知らせのメールを送れませんでした(%s)", type(error).__name__)


def _post(url: str, letter: EmailMessage) -> None:
    """`smtp://`(できればSTARTTLS)か `smtps://`。名前と合言葉はURLの中に書く。"""
    where = urlsplit(url)
    host = where.hostname or "localhost"
    if where.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, where.port or 465, timeout=SMTP_SECONDS, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, where.port or 25, timeout=SMTP_SECONDS)
    with server:
        if where.scheme == "smtp":
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
        if where.username:
            server.login(unquote(where.username), unquote(where.password or ""))
        server.send_message(letter)
