"""絵の中の場所: タブの帯、見出し、押せる場所、下の注意書きを、大きさから決める。"""

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass

from backend.menus.declaration import Bounds, Declaration, Size, Tab

PHONE_WIDTH = 320  # いちばん狭い電話の幅(CSSの画素)
SMALLEST_TOUCH = 44  # 指で押せる小さい辺(同)
_BASE = 2500
_HEADING, _NOTICE = 190, 168


@dataclass(frozen=True)
class Layout:
    """`cells` は宣言の並びのまま。`spare` は押せなくてよい所(見出しと注意書き)。"""

    strip: tuple[Bounds, ...]
    heading: Bounds | None
    cells: tuple[Bounds, ...]
    notice: Bounds | None

    @property
    def spare(self) -> tuple[Bounds, ...]:
        return tuple(bounds for bounds in (self.heading, self.notice) if bounds)


def smallest(size: Size) -> int:
    """320pxの電話で44pxになる、絵の上の長さ。"""
    return math.ceil(SMALLEST_TOUCH * size.width / PHONE_WIDTH)


def layout(declaration: Declaration, tab: Tab) -> Layout:
    """宣言の一枚の割り付け。升目の数が足りないときも、あるだけ割り付ける。"""
    size = declaration.size
    top, bottom = 0, size.height
    strip: tuple[Bounds, ...] = ()
    heading = notice = None
    if len(declaration.tabs) > 1:
        top = smallest(size)
        strip = tuple(_row(0, 0, size.width, top, len(declaration.tabs)))
    if declaration.heading:
        height = _scaled(_HEADING, size)
        heading = Bounds(0, top, size.width, height)
        top += height
    if declaration.notice:
        bottom -= _scaled(_NOTICE, size)
        notice = Bounds(0, bottom, size.width, size.height - bottom)
    grid = iter(_grid(tab.rows, Bounds(0, top, size.width, bottom - top)))
    cells = tuple(cell.bounds or next(grid, Bounds(0, top, 1, 1)) for cell in tab.cells)
    return Layout(strip, heading, cells, notice)


def inside(bounds: Bounds, size: Size) -> bool:
    """絵の中に収まっているか。"""
    return bounds.x >= 0 and bounds.y >= 0 and bounds.right <= size.width and bounds.bottom <= size.height


def uncovered(size: Size, covered: Iterable[Bounds]) -> float:
    """どこにも入らない面積の割合(0から1)。重なりは一度だけ数える。大きさは `rules` の通るもの(0ではない)。"""
    boxes = list(covered)
    xs = sorted({0, size.width, *(edge for b in boxes for edge in (b.x, b.right) if 0 <= edge <= size.width)})
    total = 0
    for left, right in itertools.pairwise(xs):
        spans = sorted((max(0, b.y), min(size.height, b.bottom)) for b in boxes if b.x <= left and b.right >= right)
        reach = 0
        for low, high in spans:
            total += max(0, high - max(low, reach)) * (right - left)
            reach = max(reach, high)
    return 1 - total / (size.width * size.height)


def _grid(rows: list[int], frame: Bounds) -> Iterable[Bounds]:
    for index, count in enumerate(rows):
        top = frame.y + round(frame.height * index / len(rows))
        bottom = frame.y + round(frame.height * (index + 1) / len(rows))
        yield from _row(frame.x, top, frame.width, bottom - top, count)


def _row(x: int, y: int, width: int, height: int, count: int) -> Iterable[Bounds]:
    for index in range(count):
        left, right = x + round(width * index / count), x + round(width * (index + 1) / count)
        yield Bounds(left, y, right - left, height)


def _scaled(length: int, size: Size) -> int:
    return round(length * size.width / _BASE)
