"""お試しの始めに、出荷時のリッチメニューを反映する。"""

from backend.settings import Settings


async def apply(settings: Settings) -> None:
    """`richmenu/` の宣言を読み、違いがあれば反映する。違いがなければ何もしない。"""
    from backend.line.gateway import Gateway
    from backend.menus import command

    line = Gateway.from_settings(settings)
    try:
        await command.load_and_apply(settings, line)
    finally:
        await line.close()
