"""リンク台帳が知っていること: 使えないもの、確かめられていないもの、アドレスで書かれた台帳のページ。"""

from collections.abc import Iterator

from backend.links import addresses
from backend.menus import places
from backend.menus.declaration import Action, Severity
from backend.menus.places import Places
from backend.menus.wording import Found
from backend.menus.yaml_lines import Path

_CHOOSE = "台帳から選ぶと、開けなくなったときの知らせと、押された数が付きます(link:)。"


def check(action: Action, path: Path, where: Places) -> Iterator[Found]:
    """台帳から選んだものも、アドレスで書いた同じページも、同じように見る。"""
    if action.link:
        yield from _chosen(action.link, path, where)
    elif where.pages and places.is_ward(host := addresses.host_in(action.uri)) and host != own(where):
        yield from _typed(where.pages.get(addresses.page(action.uri), ""), path, where)


def own(where: Places) -> str:
    """この仕組みのホスト名。ここのページは、台帳を通らない。"""
    return addresses.host_in(where.public_url)


def _chosen(code: str, path: Path, where: Places) -> Iterator[Found]:
    if code in where.unusable:
        message = f"リンク「{code}」は、いま開けないか、使うのをやめたものです。"
        yield Severity.BLOCK, path, message, "リンクの部屋で直すか、ほかのリンクを選びます。"
    elif code in where.unsure:
        remedy = "押してみて、正しいページが開くことを確かめます。"
        yield Severity.WARN, path, "開けるかを、まだ機械では確かめられていないリンクです。", remedy


def _typed(code: str, path: Path, where: Places) -> Iterator[Found]:
    title = where.links[code][0] if code else ""
    if code in where.unusable:
        message = f"「{title}」のページは、いま開けないか、使うのをやめたものです。"
        yield Severity.BLOCK, path, message, "リンクの部屋で確かめるか、ほかのページにします。"
    elif code:
        yield Severity.WARN, path, f"このページは、リンク台帳に「{title}」としてあります。", _CHOOSE
    else:
        yield Severity.WARN, path, "リンク台帳にないページです。", f"リンクの部屋で登録します。{_CHOOSE}"
