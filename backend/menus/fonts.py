"""絵に書く文字の形: BIZ UDPゴシック(OFL)。npmの包みから読み、リポジトリには入れない(DESIGN 4)。"""

import struct
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from backend.errors import Unavailable
from backend.menus.declaration import Bounds

_ROOT = Path(__file__).parent.parent.parent / "liff_static"
_FILES = {True: "BIZUDPGothic_700Bold.ttf", False: "BIZUDPGothic_400Regular.ttf"}
_FULL_REPERTOIRE = (3, 10)  # 文字表のうち、Unicodeのすべての面を持つもの(OpenType cmap)


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


def ink(text: str, size: int, centre: tuple[int, int], *, bold: bool) -> Bounds:
    """`centre` を真ん中にして置いたとき、墨の乗る所(画素)。

    上下は字の枠でそろえる。墨の高さでそろえると、行ごとに字の高さがずれて見える。
    """
    form = font(size, bold=bold)
    left, top, right, bottom = (round(edge) for edge in form.getbbox(text))
    ascent, descent = form.getmetrics()
    x, y = centre[0] - (right - left) // 2, centre[1] - (ascent + descent) // 2
    return Bounds(x, y + top, right - left, bottom - top)


def fitted(text: str, frame: Bounds, centre: tuple[int, int], *, largest: int, least: int, bold: bool) -> int | None:
    """`centre` に置いて `frame` から出ない、いちばん大きい字の大きさ。`least` でも出るならNone。"""
    # 一文字は必ず1画素より広い。長すぎる文を、何度も測らない。
    if len(text) > frame.width or not _inside(text, least, frame, centre, bold=bold):
        return None
    sizes = range(largest, least - 1, -2)
    return next((size for size in sizes if _inside(text, size, frame, centre, bold=bold)), least)


def width(text: str, size: int, *, most: int, bold: bool) -> int:
    """墨の乗る幅(画素)。`most` を超えると分かる長さの文は測らない。"""
    return ink(text[: most + 1], size, (0, 0), bold=bold).width


def unknown(text: str, *, bold: bool) -> list[str]:
    """書体に形のない文字。描くと、どれも同じ四角になる。"""
    known = _characters(bold=bold)
    return [character for character in dict.fromkeys(text) if ord(character) not in known]


def _inside(text: str, size: int, frame: Bounds, centre: tuple[int, int], *, bold: bool) -> bool:
    box = ink(text, size, centre, bold=bold)
    return box.width <= frame.width and box.y >= frame.y and box.bottom <= frame.bottom


@lru_cache(maxsize=2)
def _characters(*, bold: bool) -> frozenset[int]:
    """書体の文字表(OpenType cmap、形式12)にある文字。"""
    body = path(bold=bold).read_bytes()
    tables = (struct.unpack_from(">4sIII", body, 12 + 16 * n) for n in range(struct.unpack_from(">H", body, 4)[0]))
    start = next(int(offset) for tag, _, offset, _ in tables if tag == b"cmap")
    records = (
        struct.unpack_from(">HHI", body, start + 4 + 8 * n) for n in range(struct.unpack_from(">H", body, start + 2)[0])
    )
    at = start + next(int(offset) for *kind, offset in records if tuple(kind) == _FULL_REPERTOIRE)
    groups = struct.unpack_from(">I", body, at + 12)[0]
    spans = (struct.unpack_from(">II", body, at + 16 + 12 * n) for n in range(groups))
    return frozenset(code for first, last in spans for code in range(first, last + 1))
