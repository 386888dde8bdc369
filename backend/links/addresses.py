"""行き先のきまり: https、電話、LINEの友だち追加とLIFFだけ(CHECKS 4「Links」)。データベースもネットワークも知らない。"""

import re
from collections.abc import Sequence
from enum import StrEnum
from urllib.parse import SplitResult, urlsplit

from backend.errors import Refused
from backend.line import limits
from backend.line.message import utf16_length
from backend.ward import account

EXTERNAL = "openExternalBrowser=1"
_TEL = re.compile(r"tel:\+?[0-9][0-9-]{2,18}")
_HOST = re.compile(r"(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])")
_PLAIN = re.compile(r"[!-~]+")
_PRIVATE = re.compile(r"(^|\.)(localhost|local|internal|lan|home|test|example|invalid|arpa)$")
_WARD = (urlsplit(account.WARD_SITE).hostname or "").removeprefix("www.")


class Sort(StrEnum):
    """行き先の種類。住民に、どこからどこへ移ったかを言葉で言うため。"""

    WARD = "ward"
    LINE = "line"
    TELEPHONE = "telephone"
    OUTSIDE = "outside"


def tidy(url: str) -> str:
    """使える行き先ならそのまま返す。使えなければ `Refused` に理由と直し方。"""
    if url.startswith("tel:"):
        if not _TEL.fullmatch(url):
            raise Refused("電話番号を読み取れません。", next_step="「tel:03-5803-1111」のように書いてください。")
        return url
    if not _PLAIN.fullmatch(url) or re.search(r"%(?![0-9A-Fa-f]{2})|[<>\"\\^`{|}]", url):
        raise Refused(
            "行き先に、そのままでは使えない文字があります。",
            next_step="ブラウザで開き、アドレスの欄から写し直してください。",
        )
    if utf16_length(url) > limits.URI:
        raise Refused(f"行き先が長すぎます({limits.URI:,}字まで)。", next_step="短いアドレスのページを選んでください。")
    _judge(url)
    return url


def hosts(url: str, more: str) -> list[str]:
    """移ってもよいホスト名: 行き先のものと、`more`(空白か改行で区切る)のもの。"""
    named = [host_of(url), *(word.strip().lower().rstrip(".") for word in re.split(r"[\s,、]+", more))]
    found = list(dict.fromkeys(name for name in named if name))
    for name in found:
        if not is_public_name(name):
            raise Refused(
                f"「{name}」は使えないホスト名です。", next_step="www.city.bunkyo.lg.jp のように書いてください。"
            )
    return found[:10]


def host_of(url: str) -> str:
    """https のホスト名。電話なら空。"""
    return (urlsplit(url).hostname or "").lower() if url.startswith("https://") else ""


def page(url: str) -> str:
    """同じページかを比べる形。外のブラウザで開く印、`#` の後ろ、名前の大文字、443番を問わない。読めないものは空。"""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return ""
    query = "&".join(word for word in parts.query.split("&") if word and word != EXTERNAL)
    return f"{parts.scheme}://{parts.hostname}{parts.path or '/'}{'?' if query else ''}{query}"


def host_in(url: str) -> str:
    """書かれたままの文字からのホスト名。httpsでないもの、読めないものは空。"""
    parts = _split(url)
    return (parts.hostname or "") if parts and parts.scheme == "https" else ""


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port in (None, 443) else None
    except ValueError:
        return None


def is_ward(host: str) -> bool:
    return host == _WARD or host.endswith(f".{_WARD}")


def all_ward(url: str, names: Sequence[str]) -> bool:
    """区のサイトか電話、または区のアカウントの友だち追加だけか。LINEの中には、だれのページもある。"""
    return url == account.ADD_FRIEND_URL or all(is_ward(name) for name in names)


def sort_of(url: str) -> Sort:
    """行き先の種類。"""
    host = host_of(url)
    if not host:
        return Sort.TELEPHONE
    if is_ward(host):
        return Sort.WARD
    return Sort.LINE if host in ("line.me", "liff.line.me") else Sort.OUTSIDE


def is_public_name(host: str) -> bool:
    """だれの電話からも引けそうな名前か。数字だけのアドレスや、内向きの名前は違う。"""
    return bool(_HOST.fullmatch(host)) and not _PRIVATE.search(host)


def _judge(url: str) -> None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" or not host:
        raise Refused("この行き先は使えません。", next_step="https:// か tel: で始まる行き先にしてください。")
    if "@" in parts.netloc or port not in (None, 443) or not is_public_name(host):
        raise Refused(f"「{host}」は、住民の電話からは開けません。", next_step="公開しているページにしてください。")
    if host == "line.me" and not parts.path.startswith("/R/"):
        raise Refused("LINEのこの行き先は使えません。", next_step="https://line.me/R/ で始まるものにしてください。")
