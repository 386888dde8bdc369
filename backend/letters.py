"""手紙: 職員へのメール。どの部屋も、ここから出す。宛先は設定の一つだけで、住民には出さない。"""

import asyncio
import logging
import smtplib
import ssl
from email.message import EmailMessage
from enum import StrEnum
from urllib.parse import unquote, urlsplit

from backend.settings import Settings

SMTP_SECONDS = 20
log = logging.getLogger(__name__)


class Posted(StrEnum):
    """SENT 渡せた、OFF 設定がない、FAILED 渡せなかった。"""

    SENT = "sent"
    OFF = "off"
    FAILED = "failed"


async def send(settings: Settings, words: str, path: str) -> Posted:
    """`words` を件名と本文に書き、`path`(コンソールの画面)を添えて送る。渡せなくても投げない。取引の中から呼ばない。"""
    url = settings.smtp_url.get_secret_value()
    if not url or not settings.alert_email:
        return Posted.OFF
    try:
        await asyncio.to_thread(_post, url, _letter(settings, words, path))
    except (OSError, smtplib.SMTPException, ValueError) as error:
        log.error("知らせのメールを送れませんでした(%s)", type(error).__name__)
        return Posted.FAILED
    return Posted.SENT


def _letter(settings: Settings, words: str, path: str) -> EmailMessage:
    line = " ".join(words.split())  # 改行のある件名は、書けない
    letter = EmailMessage()
    letter["Subject"] = f"【文京区LINE配信】{line}"
    letter["From"] = letter["To"] = settings.alert_email
    letter.set_content(f"{line}\n\n{settings.console_url}{path}\n")
    return letter


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
