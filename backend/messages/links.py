"""本文のリンクの点検: 電話で正しく開けるhttpsだけ、区のページだけを黙って通す。"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from backend.links import register
from backend.links.register import Link
from backend.messages.dates import Found
from backend.ward import account

_LINK = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{0,30}://[^\s<>()\u3000-\u303f\uff00-\uff60]*")
_STRAY = re.compile(
    r"[\uff48\uff28][\uff54\uff34]{2}|h?ttps?[:;]/(?!/)|h?ttps?[;；]|(?<![\w/.@-])ttps?:|(?<![\w/.@-])www\.",
    re.IGNORECASE,
)
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_NOT_PUBLIC = re.compile(
    r"^(?:localhost|127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|.*\.(?:local|internal|test|example|lan)$)|(?:^|\.)(?:stg|staging|dev|test|preview)[.-]"
)
_SHORTENED = {
    "bit.ly",
    "t.co",
    "tinyurl.com",
    "x.gd",
    "00m.in",
    "goo.gl",
    "ow.ly",
    "is.gd",
    "cutt.ly",
    "onl.la",
    "onl.tw",
    "onl.sc",
    "qr.paps.jp",
}
_WARD_HOST = (urlsplit(account.WARD_SITE).hostname or "").removeprefix("www.")


def check(text: str) -> Iterator[Found]:
    """行ごとにリンクを読む。"""
    for line, words in enumerate(text.split("\n"), 1):
        for link in _LINK.findall(words):
            yield from _judge(link, line)
        if stray := _STRAY.search(_LINK.sub("", words)):
            yield (
                "block",
                line,
                f"「{stray.group()}」は、押せるリンクになりません。",
                "半角で、https:// から貼り直します。",
            )


async def unusable(text: str) -> list[Found]:
    """台帳で「開けない」か「使うのをやめた」リンク。直るまで、新しい提出を止める。"""
    return [found for found in await of_register(text) if found[0] == "block"]


async def of_register(text: str) -> list[Found]:
    """リンク台帳が知っていること: 使えないリンクと、外のブラウザで開くと決めた印の抜けたリンク。"""
    written = [(line, link) for line, words in enumerate(text.split("\n"), 1) for link in _LINK.findall(words)]
    known = await register.states_of(link for _, link in written)
    return [found for line, link in written if link in known and (found := _registered(known[link], link, line))]


def _registered(known: Link, link: str, line: int) -> Found | None:
    if not known.state.usable:
        what = f"「{known.label}」のリンクは、いま{known.state.label}ものです。"
        return "block", line, what, "リンクの部屋で行き先を確かめるか、ほかのリンクにします。"
    if known.external_browser and register.EXTERNAL not in link:
        what = f"「{known.label}」は、LINEの外のブラウザで開くと決めたリンクです。"
        page, mark, place = link.partition("#")
        outside = f"{page}{'&' if '?' in page else '?'}{register.EXTERNAL}{mark}{place}"
        return "warn", line, what, f"{outside} に書きかえます。"
    return None


def is_ward(host: str) -> bool:
    """区のホスト名、またはその下。"""
    return host == _WARD_HOST or host.endswith(f".{_WARD_HOST}")


def _judge(link: str, line: int) -> Iterator[Found]:
    try:
        parts = urlsplit(link)
        host = parts.hostname or ""
    except ValueError:
        yield "block", line, f"「{link}」を読み取れません。", "リンクを貼り直します。"
        return
    if parts.scheme != "https" or not host or "@" in parts.netloc:
        yield "block", line, f"「{link}」は使えません。", "https:// で始まる、正しいリンクにします。"
    elif _NOT_PUBLIC.search(host) or "." not in host:
        yield "block", line, f"「{host}」は、住民の電話からは開けません。", "公開しているページのリンクにします。"
    elif _JAPANESE.search(link):
        yield (
            "block",
            line,
            "リンクのすぐ後ろに文が続いています。",
            "リンクの後ろで改行します。続けると、違うページが開きます。",
        )
    elif host in _SHORTENED:
        yield "warn", line, f"「{host}」は短縮したリンクです。行き先が見えません。", "もとの長いリンクにします。"
    elif not is_ward(host):
        yield (
            "warn",
            line,
            f"「{host}」は区のサイトではありません。",
            "正しい相手か、区のページから案内できないかを確かめます。",
        )
