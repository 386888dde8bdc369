"""行き先が本当にあるか: かからない電話、ない画面は、書き方が正しくても住民を行き止まりに連れて行く。"""

import re
from urllib.parse import unquote, urlsplit

from backend.menus import places
from backend.menus.declaration import Action
from backend.menus.places import Misplaced, Places

LIFF_PAGES = {"settings": "受信設定", "start": "はじめての登録", "stop": "お知らせを止める", "erase": "すべて消す"}
PAGES = {
    "/menu": "文字だけのメニュー",
    "/verify": "お知らせが本物か確かめる",
    "/policy": "運用方針",
    "/policy/consent": "同意の文",
    "/privacy": "個人情報の扱い",
    "/accessibility": "使いやすさ",
    "/": "はじめのページ",
}
# 三桁の番号、#7119など、市外局番からの番号(03の次は2から9)、携帯・IP・0800の11桁、国番号から。
_DIALLED = re.compile(
    r"110|118|119|171|188|189|#[78]\d{3}|03[2-9]\d{7}|0[124-9]\d{8}|0[5-9]0[1-9]\d{7}|0800\d{7}|\+81[1-9]\d{8,9}"
)


def require(action: Action, where: Places) -> None:
    """行き先がなければ `Misplaced`。書き方は `places.address` が先に見る。"""
    if action.tab or action.link:
        return  # タブとリンク台帳は、名前で確かめてある
    address = places.address(action, where)
    if action.tel != "" and not dialled(address):
        raise Misplaced(
            f"電話番号「{action.tel}」にはかけられません。", "市外局番からの番号か、119・110などにします(tel:)。"
        )
    if action.liff and action.liff.strip("/") not in LIFF_PAGES:
        raise Misplaced(
            f"受信設定に「{action.liff}」という画面はありません。", f"{'・'.join(LIFF_PAGES)} から選びます(liff:)。"
        )
    host, path = urlsplit(address).hostname, urlsplit(address).path
    if host and host == urlsplit(where.public_url).hostname and (path.rstrip("/") or "/") not in PAGES:
        raise Misplaced(
            f"この仕組みに「{path}」というページはありません。", f"{'・'.join(PAGES)} から選びます(page:)。"
        )


def dialled(address: str) -> bool:
    """`tel:` のアドレスが、電話のかかる番号か。"""
    return bool(_DIALLED.fullmatch(unquote(address.removeprefix("tel:"))))
