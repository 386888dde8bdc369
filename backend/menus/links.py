"""リンク台帳から、メニューの選べる行き先と、押した人がいま着く所を読む。"""

from collections.abc import Mapping
from datetime import datetime

from backend.links import addresses, register, repoint
from backend.links.register import Link, State
from backend.links.repoint import Change
from backend.menus.declaration import Declaration
from backend.menus.places import Places
from backend.settings import Settings


async def places(settings: Settings) -> Places:
    """いまの台帳での行き先。開けなくなったリンクも、もう出ているメニューのために含む。"""
    found = await register.listing()
    return Places(
        settings.public_url,
        settings.liff_id,
        {link.code: (link.label, register.address(link, settings.public_url)) for link in found},
        frozenset(link.code for link in found if not link.state.usable),
        {link.code: _landing(link, {one.code: one for one in found}) for link in found},
        frozenset(link.code for link in found if link.state in (State.UNSEEN, State.SUSPECT)),
        {page: link.code for page, link in register.by_page(found).items()},
    )


def codes(declaration: Declaration) -> list[str]:
    """宣言が使う台帳の名前。"""
    used = [cell.action.link for tab in declaration.tabs for cell in tab.cells if cell.action.link]
    return list(dict.fromkeys(used))


async def targets(declaration: Declaration) -> tuple[tuple[str, str], ...]:
    """宣言の使う台帳の名前と、押した人がいま着く所。名前の順。承認はこれにも結び付く(RULES 28)。"""
    book = {link.code: link for link in await register.listing()}
    return tuple((code, _landing(book[code], book) if code in book else "") for code in sorted(codes(declaration)))


async def unusable(declaration: Declaration) -> list[Link]:
    """宣言の使う、開けないかやめたリンク。アドレスで書いた登録のページも。承認と反映の間際に、もう一度見る。"""
    found = await register.listing()
    book, pages = {link.code: link for link in found}, register.by_page(found)
    typed = [addresses.page(cell.action.uri) for tab in declaration.tabs for cell in tab.cells if cell.action.uri]
    used = [book.get(code) for code in codes(declaration)] + [pages.get(page) for page in typed]
    return [link for link in used if link and not link.state.usable]


async def moved(declaration: Declaration, since: datetime, until: datetime | None = None) -> list[Change]:
    """`since` からあと(`until` まで)に、宣言の使うリンクへ起きた変更。古い順。"""
    changes = [change for code in codes(declaration) for change in await repoint.history(code)]
    found = [
        change
        for change in changes
        if since < change.at and (until is None or change.at < until)
        if change.elsewhere or change.what in ("retire", "revive")
    ]
    return sorted(found, key=lambda change: change.at)


def words(change: Change) -> str:
    """何が変わったか。"""
    if change.elsewhere:
        return f"リンク「{change.title}」の行き先が変わりました({change.url_before} から {change.url_after} へ)。"
    return f"リンク「{change.title}」が変わりました({change.label})。"


def _landing(link: Link, book: Mapping[str, Link]) -> str:
    """押した人が着く所。やめたリンクは代わりへ、代わりがなければどこへも着かない。"""
    for _ in range(3):
        if link.state is not State.RETIRED:
            return link.url
        if link.replacement is None or link.replacement not in book:
            return ""
        link = book[link.replacement]
    return ""
