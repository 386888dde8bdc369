"""升の中の置き方: 絵と二行までの言葉が、幅にも高さにも収まる大きさを探す。計算だけで、描かない。"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.menus import fonts
from backend.menus.declaration import Bounds

LEAST_TEXT = 60  # 幅2500の絵の上の画素(LOOK)
_BASE = 2500
# (絵の割合, 言葉の割合)。絵から先に縮める: 読めることのほうが大事。
_PICTURED = ((1, 1), (0.9, 1), (0.8, 1), (0.8, 0.9), (0.7, 0.9), (0.7, 0.8), (0.6, 0.8), (0.6, 0.7))
_PLAIN = tuple((0, words) for words in (1, 0.9, 0.8, 0.7, 0.6, 0.5))


@dataclass(frozen=True)
class Line:
    """升に書く一行。`main` は大きい行か。"""

    text: str
    main: bool


@dataclass(frozen=True)
class Spot:
    """一行を置く所。`room` は出てはならない枠。"""

    line: Line
    room: Bounds
    centre: tuple[int, int]
    size: int


@dataclass(frozen=True)
class Arrangement:
    """`disc` は絵の丸い地。絵がないか、入らずに省いたときはNone。"""

    disc: Bounds | None
    spots: tuple[Spot, ...]


@dataclass(frozen=True)
class _Frame:
    """一つの置き方の、枠と大きさ。`tops` は行の上の端。"""

    disc: Bounds | None
    room: Bounds
    sizes: tuple[int, ...]
    tops: tuple[int, ...]


def arrange(card: Bounds, lines: Sequence[Line], width: int, *, pictured: bool) -> Arrangement | None:
    """いちばん大きい置き方。絵を省いても、読める大きさで入らなければNone。`width` は絵全体の幅。"""
    for picture, words in (*(_PICTURED if pictured else ()), *_PLAIN):
        frame = _frame(card, lines, width / _BASE, picture, words)
        if not _low_enough(frame):
            continue
        if found := _filled(frame, lines, round(LEAST_TEXT * width / _BASE)):
            return found
    return None


def room(card: Bounds, width: int) -> Bounds:
    """絵がないときに、言葉を置ける枠。"""
    return _frame(card, (), width / _BASE, 0, 1).room


def _low_enough(frame: _Frame) -> bool:
    """積んだ高さが、枠に収まるか。"""
    discs = [(frame.disc.y, frame.disc.bottom)] if frame.disc else []
    edges = [*discs, *((top, top + size) for top, size in zip(frame.tops, frame.sizes, strict=True))]
    return all(frame.room.y <= top and bottom <= frame.room.bottom for top, bottom in edges)


def _filled(frame: _Frame, lines: Sequence[Line], least: int) -> Arrangement | None:
    """枠に言葉を置く。一つでも枠から出れば置けない。"""
    spots: list[Spot] = []
    for line, largest, top in zip(lines, frame.sizes, frame.tops, strict=True):
        centre = (frame.room.x + frame.room.width // 2, top + largest // 2)
        size = fonts.fitted(line.text, frame.room, centre, largest=largest, least=least, bold=line.main)
        if size is None:
            return None
        spots.append(Spot(line, frame.room, centre, size))
    return Arrangement(frame.disc, tuple(spots))


def _frame(card: Bounds, lines: Sequence[Line], unit: float, picture: float, words: float) -> _Frame:
    wide = card.height < card.width * 0.66
    return (_beside if wide else _stacked)(card, lines, unit, picture, words)


def _stacked(card: Bounds, lines: Sequence[Line], unit: float, picture: float, words: float) -> _Frame:
    """絵を上、言葉を下に。"""
    sizes = _sizes(lines, unit, words, 126, 78)
    disc = round(236 * unit * picture)
    gap = round(26 * unit * picture) if disc and lines else 0
    between = round(22 * unit * words)
    total = disc + gap + _tall(sizes, between)
    top = card.y + (card.height - total) // 2
    square = Bounds(card.x + card.width // 2 - disc // 2, top, disc, disc) if disc else None
    within = inset(card, round(26 * unit), round(10 * unit))
    return _Frame(square, within, sizes, tuple(_tops(top + disc + gap, sizes, between)))


def _beside(card: Bounds, lines: Sequence[Line], unit: float, picture: float, words: float) -> _Frame:
    """横に長い升では、絵を左、言葉を右に。"""
    large = unit * 560 < card.height
    sizes = _sizes(lines, unit, words, 168 if large else 130, 96 if large else 78)
    between = round(34 * unit * words)
    disc = max(0, min(round(320 * unit * picture), card.height - round(60 * unit))) if picture else 0
    square = Bounds(card.x + round(44 * unit), card.y + card.height // 2 - disc // 2, disc, disc) if disc else None
    left = card.x + (round(48 * unit) + disc if disc else 0)
    edge = round(10 * unit)
    across = max(1, card.right - left - round(62 * unit))
    within = Bounds(left + round(24 * unit), card.y + edge, across, max(1, card.height - 2 * edge))
    top = card.y + (card.height - _tall(sizes, between)) // 2
    return _Frame(square, within, sizes, tuple(_tops(top, sizes, between)))


def _sizes(lines: Sequence[Line], unit: float, words: float, main: int, sub: int) -> tuple[int, ...]:
    least = round(LEAST_TEXT * unit)
    return tuple(max(least, round((main if line.main else sub) * unit * words)) for line in lines)


def _tall(sizes: Sequence[int], between: int) -> int:
    return sum(sizes) + between * max(0, len(sizes) - 1)


def _tops(top: int, sizes: Sequence[int], between: int) -> Iterator[int]:
    for size in sizes:
        yield top
        top += size + between


def inset(bounds: Bounds, across: int, down: int | None = None) -> Bounds:
    down = across if down is None else down
    width, height = max(1, bounds.width - 2 * across), max(1, bounds.height - 2 * down)
    return Bounds(bounds.x + across, bounds.y + down, width, height)
