"""文字の濃さ: 描き上がった絵の画素で、墨の色と地の色の差を測る(WCAG 2.2の相対輝度)。"""

from PIL import Image

from backend.menus.declaration import Bounds

ENOUGH = 4.5
_MARGIN = 6
_SHARE = 0.02


def ratio(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def measured(image: Image.Image, mask: Image.Image, box: Bounds) -> float:
    """`box` の中の、墨の画素と地の画素の差。地がまだらなら、いちばん悪い所(面積の2%より広い色)で測る。"""
    area = (box.x, box.y, box.right, box.bottom)
    crop = image.crop(area).convert("RGB")
    ink, ground = _parted(crop, mask)
    wide = image.crop((box.x - _MARGIN, box.y - _MARGIN, box.right + _MARGIN, box.bottom + _MARGIN))
    ground = _common(ground) or _common(_counts(wide))
    return min((ratio(dark, light) for dark in _common(ink)[:1] for light in ground), default=1.0)


def _parted(
    crop: Image.Image, mask: Image.Image
) -> tuple[dict[tuple[int, int, int], int], dict[tuple[int, int, int], int]]:
    full = mask.point(lambda value: 255 if value == 255 else 0)  # type: ignore[operator]  # Pillowの型は点ごとの関数を知らない
    none = mask.point(lambda value: 255 if value == 0 else 0)  # type: ignore[operator]
    return _counts(crop, full), _counts(crop, none)


def _counts(image: Image.Image, mask: Image.Image | None = None) -> dict[tuple[int, int, int], int]:
    """色ごとの画素の数。写真の地は色が多いので、16段にならして数える。"""
    if mask is not None:
        holed = image.convert("RGBA")
        holed.putalpha(mask)
        image = holed
    colours = image.getcolors(1 << 20) or []
    found: dict[tuple[int, int, int], int] = {}
    for count, colour in colours:
        if len(colour) == 4 and colour[3] == 0:  # type: ignore[arg-type]
            continue
        red, green, blue = colour[:3]  # type: ignore[index]
        exact = (red, green, blue) if len(colours) <= 256 else (red & 0xF0 | 8, green & 0xF0 | 8, blue & 0xF0 | 8)
        found[exact] = found.get(exact, 0) + count
    return found


def _common(counts: dict[tuple[int, int, int], int]) -> list[tuple[int, int, int]]:
    total = sum(counts.values())
    return [c for c, n in sorted(counts.items(), key=lambda item: -item[1]) if n >= total * _SHARE]


def _luminance(colour: tuple[int, int, int]) -> float:
    parts = [value / 255 for value in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
