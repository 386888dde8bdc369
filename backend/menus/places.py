"""行き先: 宣言の行き先をLINEの言葉にする。区の外へ出るものは、台帳にあるものだけ。"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from backend.menus.declaration import Action
from backend.ward import account

URI_LENGTH = 1000
LIFF_HOST = "https://liff.line.me"
_WARD = (urlsplit(account.WARD_SITE).hostname or "").removeprefix("www.")
_ASCII_URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")


@dataclass(frozen=True)
class Places:
    """`links` はリンク台帳の名前から(題、押すアドレス)、`landings` は押した人がいま着く所。

    `unusable` は、新しい版に使えないもの(開けない、やめた)、`unsure` は、開けるか確かめられていないもの。
    `pages` は、登録したページから台帳の名前(アドレスで書いたときに見つけるため)。空なら、台帳を読んでいない。
    """

    public_url: str
    liff_id: str
    links: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    unusable: frozenset[str] = frozenset()
    landings: Mapping[str, str] = field(default_factory=dict)
    unsure: frozenset[str] = frozenset()
    pages: Mapping[str, str] = field(default_factory=dict)


class Misplaced(Exception):
    """使えない行き先。理由と直し方。"""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def source(alias: str, number: int) -> str:
    """リンク台帳が数える置き場所の名(`links` の `from`)。"""
    return f"menu-{alias[:15]}-{number}"


def line_action(action: Action, label: str, places: Places, source: str = "") -> dict[str, Any]:
    """LINEのaction。使えない行き先は `Misplaced`。`source` は、台帳が数える置き場所(`menu-kurashi-2`)。"""
    if len(action.kinds) != 1:
        raise Misplaced("行き先が一つに決まっていません。", "押したときの行き先を、一つだけ選びます。")
    if action.tab:
        return {"type": "richmenuswitch", "richMenuAliasId": action.tab, "data": f"tab={action.tab}", "label": label}
    uri = address(action, places)
    if action.link and source and not uri.startswith("tel:"):
        uri += f"{'&' if '?' in uri else '?'}from={source}"
    return {"type": "uri", "uri": uri, "label": label}


def address(action: Action, places: Places) -> str:
    """押したときに開くアドレス。"""
    if action.tel != "":
        return _telephone(str(action.tel))
    if action.liff:
        return _liff(action.liff, places)
    if action.page:
        return f"{places.public_url}{_path(action.page)}"
    if action.link:
        if action.link not in places.links:
            raise Misplaced(
                f"リンク台帳に「{action.link}」がありません。", "リンクの部屋で登録するか、名前を確かめます。"
            )
        return places.links[action.link][1]
    return _own_site(action.uri, places)


def is_ward(host: str) -> bool:
    return host == _WARD or host.endswith(f".{_WARD}")


def _telephone(number: str) -> str:
    plain = re.sub(r"[-‐－ー\s()]", "", number)
    if not re.fullmatch(r"\+?[0-9*#]{3,15}", plain):
        raise Misplaced(f"電話番号「{number}」を読み取れません。", "数字と「-」だけで書きます。")
    return f"tel:{quote(plain, safe='+*')}"


def _liff(page: str, places: Places) -> str:
    if not places.liff_id:
        raise Misplaced("LIFFのIDが設定されていません。", "WARD_LIFF_ID を設定してもらってください。")
    if not re.fullmatch(r"[a-z0-9/_-]{1,80}", page):
        raise Misplaced(f"受信設定のページ「{page}」を読み取れません。", "settings のように半角で書きます。")
    return f"{LIFF_HOST}/{places.liff_id}/{page.strip('/')}"


def _path(path: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9/_.-]*", path) or path.startswith(("//", "/console", "/liff")):
        raise Misplaced(f"公開ページ「{path}」を読み取れません。", "/menu のように「/」から書きます。")
    if "go" in path.split("/"):  # 台帳を通る行き先は、承認と一緒に見られる形でだけ書く(RULES 28)
        raise Misplaced("リンク台帳の行き先は、アドレスでは書けません。", "リンク台帳から選びます(link: の項目)。")
    return path


def _own_site(uri: str, places: Places) -> str:
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise Misplaced(f"アドレス「{uri}」を読み取れません。", "アドレスを貼り直します。") from error
    if parts.scheme != "https" or not host or "@" in parts.netloc:
        raise Misplaced(
            f"「{uri}」は使えません。", "https:// で始まるアドレスにします。電話は「電話をかける」を選びます(tel:)。"
        )
    if not _ASCII_URI.fullmatch(uri) or re.search(r"%(?![0-9A-Fa-f]{2})", uri):
        safe = quote(uri, safe="-._~:/?#[]@!$&'()*+,;=%")
        raise Misplaced("アドレスに、そのままでは使えない文字があります。", f"次のように書き換えます: {safe[:200]}")
    if len(uri.encode("utf-16-le")) // 2 > URI_LENGTH:
        raise Misplaced("アドレスが長すぎます(1,000文字まで)。", "区のページの短いアドレスを使います。")
    own = host == urlsplit(places.public_url).hostname
    if own:
        _path(parts.path or "/")
    if not is_ward(host) and not own:
        raise Misplaced(
            f"「{host}」は区のサイトではありません。", "区の外の行き先は、リンク台帳に登録して選びます(link:)。"
        )
    return uri
