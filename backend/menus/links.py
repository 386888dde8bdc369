"""リンク台帳から、メニューの選べる行き先を読む。"""

from backend.links import register
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
    )


def codes(declaration: Declaration) -> list[str]:
    """宣言が使う台帳の名前。"""
    used = [cell.action.link for tab in declaration.tabs for cell in tab.cells if cell.action.link]
    return list(dict.fromkeys(used))
