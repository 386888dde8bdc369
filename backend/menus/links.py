"""リンク台帳から、メニューの選べる行き先を読む。"""

from backend.menus.places import Places, from_settings
from backend.settings import Settings


async def places(settings: Settings) -> Places:
    """いまの台帳での行き先。"""
    return from_settings(settings, {})
