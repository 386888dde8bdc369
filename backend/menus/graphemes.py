"""書記素(人が一文字と見るもの)の数。LINEの名前・タブの文字・ラベルはこの数で数える(LINE.md 1.1)。"""

import unicodedata

_JOINER = "\u200d"


def count(text: str) -> int:
    """濁点の重ね書き、絵文字のつなぎ・肌の色・国旗を、それぞれ一つと数える。"""
    total = 0
    joined = flag_open = False
    before = ""
    for character in text:
        if _extends(character):
            joined = character == _JOINER
        elif joined or (before == "\r" and character == "\n") or _jamo_follows(before, character):
            joined = False
        elif _regional(character) and flag_open:
            flag_open = False
        else:
            total += 1
            flag_open = _regional(character)
            joined = False
        before = character
    return total


def _extends(character: str) -> bool:
    """前の文字に付くもの: 結合文字、つなぎ、異体字の選択、肌の色、タグ。"""
    code = ord(character)
    return (
        unicodedata.category(character) in ("Mn", "Me", "Mc")
        or character == _JOINER
        or 0xFE00 <= code <= 0xFE0F
        or 0x1F3FB <= code <= 0x1F3FF
        or 0xE0020 <= code <= 0xE007F
        or code in (0xFF9E, 0xFF9F)
    )


def _regional(character: str) -> bool:
    return 0x1F1E6 <= ord(character) <= 0x1F1FF


def _jamo_follows(before: str, character: str) -> bool:
    """ばらばらに書かれたハングルの、中声と終声。"""
    return bool(before) and 0x1100 <= ord(before) <= 0x11FF and 0x1160 <= ord(character) <= 0x11FF
