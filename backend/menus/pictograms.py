"""絵文字ではない絵: 100×100の升目に、同じ太さの線で自分たちで描いたもの。"""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from backend.menus.palettes import Colour

Point = tuple[float, float]
_FINE = 4  # 縁をなめらかにするために、この倍で描いて縮める
_STROKE = 6.5
_STEPS = 24

# 一筆の書き方: ("line", 点…) 折れ線、("curve", 始点, (制御, 制御, 終点)…) 曲線、("circle", 中心, 半径)、("dot", 中心, 半径)、
# ("arc", 中心, 半径, 始めの角, 終わりの角)、("box", 左上, 右下, 角の丸み)
_STROKES: dict[str, list[tuple[object, ...]]] = {
    "bell": [
        ("curve", (22, 72), ((32, 62), (28, 52), (28, 44)), ((28, 14), (72, 14), (72, 44)), ((72, 52), (68, 62), (78, 72))),
        ("line", (22, 72), (78, 72)),
        ("line", (50, 14), (50, 21)),
        ("arc", (50, 76), 9, 0, 180),
    ],
    "trash": [
        ("line", (27, 34), (33, 86), (67, 86), (73, 34)),
        ("line", (18, 34), (82, 34)),
        ("line", (39, 33), (39, 21), (61, 21), (61, 33)),
        ("line", (43, 48), (45, 72)),
        ("line", (57, 48), (55, 72)),
    ],
    "elder": [
        ("circle", (40, 22), 10),
        ("curve", (40, 38), ((28, 44), (30, 56), (34, 62))),
        ("line", (34, 62), (26, 86)),
        ("line", (34, 62), (48, 70), (48, 86)),
        ("line", (38, 42), (50, 54), (64, 52)),
        ("curve", (64, 88), ((64, 70), (64, 56), (64, 50)), ((64, 42), (76, 42), (76, 50))),
    ],
    "bus": [
        ("box", (17, 20), (83, 76), 9),
        ("line", (17, 50), (83, 50)),
        ("line", (50, 20), (50, 50)),
        ("dot", (31, 63), 4),
        ("dot", (69, 63), 4),
        ("line", (30, 77), (30, 86)),
        ("line", (70, 77), (70, 86)),
    ],
    "shield": [
        ("curve", (50, 12), ((60, 20), (70, 23), (82, 24)), ((84, 56), (74, 76), (50, 89)), ((26, 76), (16, 56), (18, 24))),
        ("curve", (18, 24), ((30, 23), (40, 20), (50, 12))),
        ("line", (34, 50), (46, 62), (67, 38)),
    ],
    "office": [
        ("line", (12, 86), (88, 86)),
        ("line", (22, 85), (22, 42)),
        ("line", (78, 85), (78, 42)),
        ("line", (14, 40), (50, 16), (86, 40), (14, 40)),
        ("line", (40, 84), (40, 54)),
        ("line", (60, 84), (60, 54)),
    ],
    "baby": [
        ("circle", (50, 54), 32),
        ("dot", (39, 50), 4),
        ("dot", (61, 50), 4),
        ("arc", (50, 58), 12, 20, 160),
        ("curve", (50, 22), ((42, 10), (60, 6), (60, 16))),
    ],
    "blocks": [
        ("box", (14, 52), (47, 85), 5),
        ("box", (53, 52), (86, 85), 5),
        ("box", (33, 15), (67, 48), 5),
        ("circle", (50, 31.5), 7),
        ("line", (24, 68.5), (37, 68.5)),
        ("line", (63, 62), (76, 75)),
        ("line", (76, 62), (63, 75)),
    ],
    "paper": [
        ("line", (26, 13), (59, 13), (76, 30), (76, 87), (26, 87), (26, 13)),
        ("line", (59, 13), (59, 30), (76, 30)),
        ("line", (38, 46), (64, 46)),
        ("line", (38, 59), (64, 59)),
        ("line", (38, 72), (54, 72)),
    ],
    "phone": [
        ("line", (24, 15), (38, 15), (45, 36), (34, 44)),
        ("curve", (34, 44), ((39, 54), (46, 61), (56, 66))),
        ("line", (56, 66), (64, 55), (85, 62), (85, 76)),
        ("curve", (85, 76), ((85, 82), (81, 85), (76, 85)), ((42, 83), (17, 58), (15, 24)), ((15, 19), (19, 15), (24, 15))),
    ],
    "shelter": [
        ("line", (12, 50), (50, 16), (88, 50)),
        ("line", (22, 44), (22, 86), (78, 86), (78, 44)),
        ("dot", (50, 48), 6.5),
        ("line", (50, 58), (50, 70)),
        ("line", (38, 61), (62, 61)),
        ("line", (50, 70), (42, 84)),
        ("line", (50, 70), (58, 84)),
    ],
    "flood": [
        ("line", (24, 52), (24, 40), (50, 15), (76, 40), (76, 52)),
        ("line", (50, 36), (50, 52)),
        ("curve", (12, 66), ((24, 56), (26, 56), (37, 66)), ((48, 76), (52, 76), (63, 66)), ((74, 56), (76, 56), (88, 66))),
        ("curve", (12, 84), ((24, 74), (26, 74), (37, 84)), ((48, 94), (52, 94), (63, 84)), ((74, 74), (76, 74), (88, 84))),
    ],
    "slope": [
        ("curve", (12, 16), ((40, 18), (40, 48), (56, 62)), ((66, 72), (78, 78), (88, 86))),
        ("line", (12, 16), (12, 86), (88, 86)),
        ("circle", (58, 34), 8),
        ("circle", (78, 54), 9),
        ("line", (28, 46), (28, 60)),
    ],
    "map": [
        ("line", (14, 27), (38, 17), (62, 28), (86, 18), (86, 74), (62, 84), (38, 73), (14, 83), (14, 27)),
        ("line", (38, 17), (38, 73)),
        ("line", (62, 28), (62, 84)),
    ],
    "siren": [
        ("curve", (28, 70), ((28, 26), (72, 26), (72, 70))),
        ("box", (18, 70), (82, 86), 4),
        ("line", (50, 12), (50, 24)),
        ("line", (18, 26), (27, 34)),
        ("line", (82, 26), (73, 34)),
        ("line", (50, 54), (50, 69)),
    ],
    "warning": [
        ("line", (50, 14), (90, 84), (10, 84), (50, 14)),
        ("line", (50, 40), (50, 60)),
        ("dot", (50, 72), 4.5),
    ],
    "calendar": [
        ("box", (16, 22), (84, 86), 8),
        ("line", (16, 42), (84, 42)),
        ("line", (34, 12), (34, 28)),
        ("line", (66, 12), (66, 28)),
        ("line", (34, 63), (46, 74), (67, 54)),
    ],
    "letter": [("box", (13, 24), (87, 78), 6), ("line", (15, 28), (50, 56), (85, 28))],
    "heart": [
        ("curve", (50, 84), ((8, 56), (12, 20), (34, 20)), ((44, 20), (50, 28), (50, 34))),
        ("curve", (50, 84), ((92, 56), (88, 20), (66, 20)), ((56, 20), (50, 28), (50, 34))),
    ],
    "sliders": [
        ("line", (14, 26), (86, 26)),
        ("line", (14, 50), (86, 50)),
        ("line", (14, 74), (86, 74)),
        ("dot", (62, 26), 9),
        ("dot", (34, 50), 9),
        ("dot", (68, 74), 9),
    ],
    "pause": [("circle", (50, 50), 35), ("line", (41, 37), (41, 63)), ("line", (59, 37), (59, 63))],
    "info": [("circle", (50, 50), 35), ("line", (50, 47), (50, 68)), ("dot", (50, 33), 4.5)],
}  # fmt: skip
NAMES = tuple(_STROKES)
LABELS = dict(
    zip(
        NAMES,
        "ベル ごみ箱 高齢の方 バス 盾 役所 赤ちゃん つみき 書類 電話 避難所 洪水 がけ 地図 サイレン 注意 暦 手紙 ハート つまみ 休止 案内".split(),
        strict=True,
    )
)


def draw(name: str, side: int, colour: Colour) -> Image.Image:
    """`side` 画素の正方形の、透ける絵。"""
    scale = side * _FINE / 100
    mask = Image.new("L", (side * _FINE, side * _FINE), 0)
    brush = _Brush(ImageDraw.Draw(mask), scale)
    for kind, *values in _STROKES[name]:
        getattr(brush, str(kind))(*values)
    drawn = Image.new("RGBA", (side, side), (*colour, 0))
    drawn.putalpha(mask.resize((side, side), Image.Resampling.BOX))
    return drawn


class _Brush:
    """端と角の丸い、太さのそろった筆。"""

    def __init__(self, pen: ImageDraw.ImageDraw, scale: float) -> None:
        self._pen, self._scale = pen, scale
        self._width = round(_STROKE * scale)

    def line(self, *points: Point) -> None:
        places = [(x * self._scale, y * self._scale) for x, y in points]
        self._pen.line(places, fill=255, width=self._width, joint="curve")
        for x, y in places:
            self._spot(x, y, self._width / 2)

    def curve(self, start: Point, *bends: Sequence[Point]) -> None:
        points = [start]
        for first, second, end in bends:
            begin = points[-1]
            for step in range(1, _STEPS + 1):
                t = step / _STEPS
                a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
                points.append(
                    (
                        a * begin[0] + b * first[0] + c * second[0] + d * end[0],
                        a * begin[1] + b * first[1] + c * second[1] + d * end[1],
                    )
                )
        self.line(*points)

    def circle(self, centre: Point, radius: float) -> None:
        self.arc(centre, radius, 0, 360)

    def arc(self, centre: Point, radius: float, start: float, end: float) -> None:
        (x, y), outer = centre, radius + _STROKE / 2
        box = [
            (x - outer) * self._scale,
            (y - outer) * self._scale,
            (x + outer) * self._scale,
            (y + outer) * self._scale,
        ]
        self._pen.arc(box, start, end, fill=255, width=self._width)

    def dot(self, centre: Point, radius: float) -> None:
        self._spot(centre[0] * self._scale, centre[1] * self._scale, radius * self._scale)

    def box(self, corner: Point, other: Point, radius: float) -> None:
        half = _STROKE / 2
        box = [(corner[0] - half) * self._scale, (corner[1] - half) * self._scale]
        box += [(other[0] + half) * self._scale, (other[1] + half) * self._scale]
        self._pen.rounded_rectangle(box, radius * self._scale, outline=255, width=self._width)

    def _spot(self, x: float, y: float, radius: float) -> None:
        self._pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
