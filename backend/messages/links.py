"""本文のリンクの点検: httpsだけ、区のページだけを黙って通す。"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from backend.messages.dates import Found
from backend.ward import account

_LINK = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s<>()\u3000-\u303f\uff00-\uff60]+")
_WARD_HOST = (urlsplit(account.WARD_SITE).hostname or "").removeprefix("www.")


def check(text: str) -> Iterator[Found]:
    """行ごとにリンクを読む。"""
    for line, words in enumerate(text.split("\n"), 1):
        for link in _LINK.findall(words):
            yield from _judge(link, line)


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
    elif not is_ward(host):
        yield "warn", line, f"「{host}」は区のサイトではありません。", "正しい相手か、区のページから案内できないかを確かめます。"
