"""絵に書く文字の形: BIZ UDPゴシック(OFL)。npmの包みから読み、リポジトリには入れない(DESIGN 4)。"""

from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from backend.errors import Unavailable

_ROOT = Path(__file__).parent.parent.parent / "liff_static"
_FILES = {True: "BIZUDPGothic_700Bold.ttf", False: "BIZUDPGothic_400Regular.ttf"}


def path(*, bold: bool) -> Path:
    """書体のファイル。無ければ `Unavailable`。"""
    name = _FILES[bold]
    folder = _ROOT / "node_modules" / "@expo-google-fonts" / "biz-udpgothic"
    places = (
        folder / ("700Bold" if bold else "400Regular") / name,
        folder / name,
        _ROOT / "dist" / "fonts" / name,
    )
    for place in places:
        if place.is_file():
            return place
    raise Unavailable("メニューの絵に使う書体がありません。", next_step="`make build` を行ってください。")


@lru_cache(maxsize=64)
def font(size: int, *, bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path(bold=bold)), size)


def width(text: str, size: int, *, bold: bool) -> int:
    """実際に墨の乗る幅(画素)。"""
    left, _, right, _ = font(size, bold=bold).getbbox(text)
    return round(right - left)


def fitted(text: str, *, room: int, largest: int, least: int, bold: bool) -> int | None:
    """`room` に入るいちばん大きい字の大きさ。`least` でも入らなければNone。"""
    size = largest
    while size >= least:
        if width(text, size, bold=bold) <= room:
            return size
        size -= 2
    return None
