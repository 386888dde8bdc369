"""色の組。値はデジタル庁デザインシステムの色の段から。文字と地は、どの組でも7:1ほどの差がある。"""

from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """`ground` 升の間、`card` 升、`ink` 文字、`soft` 小さい文字、`accent` 絵と選ばれたタブ、`wash` 絵の後ろ、`strip` ほかのタブ。"""

    label: str
    ground: Colour
    card: Colour
    ink: Colour
    soft: Colour
    accent: Colour
    wash: Colour
    strip: Colour
    on_accent: Colour = (255, 255, 255)


def _hex(value: str) -> Colour:
    return int(value[0:2], 16), int(value[2:4], 16), int(value[4:6], 16)


def _palette(label: str, ground: str, accent: str, wash: str, strip: str) -> Palette:
    white, ink, soft = (255, 255, 255), _hex("1a1a1c"), _hex("3f4046")
    return Palette(label, _hex(ground), white, ink, soft, _hex(accent), _hex(wash), _hex(strip))


PALETTES: dict[str, Palette] = {
    "ai": _palette("藍", "d9e6ff", "0017c1", "e8f1fe", "00118f"),
    "wakaba": _palette("若葉", "c8ecd7", "115a36", "e6f5ec", "0c472a"),
    "daidai": _palette("橙", "ffdfca", "ac3e00", "ffeee2", "8b3200"),
    "fuji": _palette("藤", "ecddff", "5109ad", "f1eafa", "41048e"),
    "kinkyu": _palette("緊急", "ffdada", "a90000", "fdeeee", "8b0000"),
    "hai": _palette("灰", "dcdde1", "333333", "f2f2f2", "1a1a1c"),
}
