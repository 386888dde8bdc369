"""一枚の絵に描く: 地と絵を先に、文字は最後にまとめて置き、置いた後の画素で濃さを測る。"""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from backend.menus import arranging, contrast, fonts, painting, pictograms, tightness
from backend.menus.arranging import LEAST_TEXT, Line, inset
from backend.menus.declaration import Bounds, Cell, Declaration, Finding, Tab
from backend.menus.palettes import PALETTES, Colour, Palette
from backend.menus.yaml_lines import Path

_BASE = 2500


@dataclass(frozen=True)
class Words:
    """描いた一行。`frame` は出てはならない枠、`box` は墨の乗った所、`ratio` は描いた画素で測った濃さの差。"""

    text: str
    frame: Bounds
    box: Bounds
    size: int
    ratio: float
    path: Path


@dataclass(frozen=True)
class Drawing:
    """描き上がった絵。`findings` は、入らない文字と薄い文字。"""

    image: bytes
    content_type: str
    words: tuple[Words, ...]
    findings: tuple[Finding, ...]


@dataclass
class _Placed:
    text: str
    frame: Bounds
    centre: tuple[int, int]
    size: int
    bold: bool
    colour: Colour
    path: Path


class Canvas:
    """一枚の絵。地と絵を先に描き、文字は最後にまとめて置いて測る。"""

    def __init__(self, declaration: Declaration, tab: Tab, artwork: bytes | None) -> None:
        self._size = declaration.size
        self._palette: Palette = PALETTES[tab.palette]
        self._unit = declaration.size.width / _BASE
        self._pictured = artwork is not None
        self._image = painting.ground(declaration.size, self._palette.ground, artwork)
        self._pen = ImageDraw.Draw(self._image)
        self._lines: list[_Placed] = []
        self._findings: list[Finding] = []

    def tab(self, bounds: Bounds, tab: Tab, path: Path, *, shown: bool) -> None:
        """選ばれたタブは濃く塗り、下の太い線とつながる。ほかは淡い板。"""
        other, own = PALETTES[tab.palette], self._palette
        rule = self._px(22)
        self._pen.rectangle(_corners(bounds), fill=(255, 255, 255))
        side, top = self._px(18), self._px(24)
        plate = Bounds(bounds.x + side, bounds.y + top, bounds.width - 2 * side, bounds.height - top - rule)
        if not shown:
            painting.rounded(
                self._image, Bounds(plate.x, plate.y, plate.width, plate.height - side), self._px(52), other.ground
            )
        else:
            painting.rounded(self._image, plate, self._px(52), own.accent)
            square = Bounds(plate.x, plate.y + plate.height // 2, plate.width, plate.height - plate.height // 2)
            self._pen.rectangle(_corners(square), fill=own.accent)
        self._pen.rectangle(_corners(Bounds(bounds.x, bounds.bottom - rule, bounds.width, rule)), fill=own.accent)
        ink = own.on_accent if shown else other.accent
        centre = (plate.x + plate.width // 2, plate.y + (plate.height - (0 if shown else side)) // 2)
        self._put(tab.title, inset(plate, self._px(30)), centre, 138 if shown else 122, ink, path)

    def band(self, bounds: Bounds, text: str, *, strong: bool) -> None:
        """見出し(濃い)と注意書き(白い)。"""
        palette = self._palette
        self._pen.rectangle(_corners(bounds), fill=palette.accent if strong else (255, 255, 255))
        ink = palette.on_accent if strong else palette.ink
        where = ("heading",) if strong else ("notice",)
        room = inset(bounds, self._px(36), self._px(8))
        self._put(text, room, _centre(bounds), 112 if strong else 86, ink, where)

    def cell(self, bounds: Bounds, cell: Cell, path: Path) -> None:
        card = inset(bounds, self._px(18))
        if any(cell.text) or cell.picture or not self._pictured:
            fill = self._palette.accent if cell.strong else self._palette.card
            painting.rounded(self._image, card, self._px(52), fill)
        lines = [Line(text, index == 0) for index, text in enumerate(cell.text[:2]) if text.strip()]
        lines = [line for line in lines if self._writable(line, card, path)]
        pictured = cell.picture in pictograms.NAMES
        found = arranging.arrange(card, lines, self._size.width, pictured=pictured)
        if found is None:
            self._findings.append(tightness.low([line.text for line in lines], path))
            return
        if found.disc:
            self._picture(cell, found.disc)
        elif pictured:
            self._findings.append(tightness.dropped(cell, path))
        ink = self._palette.on_accent if cell.strong else self._palette.ink
        soft = self._palette.on_accent if cell.strong else self._palette.soft
        for spot in found.spots:
            colour = ink if spot.line.main else soft
            self._lines.append(_Placed(spot.line.text, spot.room, spot.centre, spot.size, spot.line.main, colour, path))

    def _writable(self, line: Line, card: Bounds, path: Path) -> bool:
        """書体にあり、いちばん広い置き方でなら入る言葉か。どちらでもなければ、指摘にして描かない。"""
        room, least = arranging.room(card, self._size.width), self._px(LEAST_TEXT)
        if absent := fonts.unknown(line.text, bold=line.main):
            self._findings.append(tightness.unknown(line.text, absent, path))
        elif fonts.width(line.text, least, most=room.width, bold=line.main) > room.width:
            self._findings.append(tightness.narrow(line.text, room.width // least, path))
        else:
            return True
        return False

    def _picture(self, cell: Cell, disc: Bounds) -> None:
        painting.rounded(self._image, disc, disc.width // 2, self._palette.wash)
        side = round(disc.width * 0.68)
        drawn = pictograms.draw(cell.picture, side, self._palette.accent)
        centre = disc.x + disc.width // 2, disc.y + disc.width // 2
        self._image.paste(drawn, (centre[0] - side // 2, centre[1] - side // 2), drawn)

    def _put(self, text: str, frame: Bounds, centre: tuple[int, int], largest: int, colour: Colour, path: Path) -> None:
        """帯の一行。"""
        if not text.strip():
            return
        least = self._px(LEAST_TEXT)
        if absent := fonts.unknown(text, bold=True):
            self._findings.append(tightness.unknown(text, absent, path))
            return
        size = fonts.fitted(text, frame, centre, largest=max(self._px(largest), least), least=least, bold=True)
        if size is None:
            self._findings.append(
                tightness.narrow(text, frame.width // least, path, "帯" if len(path) == 1 else "タブ")
            )
            return
        self._lines.append(_Placed(text, frame, centre, size, True, colour, path))

    def finish(self) -> Drawing:
        """文字を置き、置いた後の画素で濃さを測り、1MBに収める。"""
        self._make_even()
        masks = [self._place(line) for line in self._lines]
        words = tuple(
            Words(line.text, line.frame, box, line.size, contrast.measured(self._image, mask, box), line.path)
            for line, (mask, box) in zip(self._lines, masks, strict=True)
        )
        faint = [tightness.faint(word.text, word.ratio, word.path) for word in words if word.ratio < contrast.ENOUGH]
        body, content_type = painting.encoded(self._image, flat=not self._pictured)
        return Drawing(body, content_type, words, tuple(self._findings + faint))

    def _make_even(self) -> None:
        """升の大きい行は、いちばん小さく収まった大きさにそろえる(2割より小さくはしない)。"""
        for bold in (True, False):
            lines = [line for line in self._lines if line.path[-1] == "text" and line.bold is bold]
            largest = max((line.size for line in lines), default=0)
            least = min((line.size for line in lines if line.size >= largest * 0.8), default=largest)
            for line in lines:
                line.size = min(line.size, least)

    def _place(self, line: _Placed) -> tuple[Image.Image, Bounds]:
        box = fonts.ink(line.text, line.size, line.centre, bold=line.bold)
        font = fonts.font(line.size, bold=line.bold)
        left, top, *_ = (round(edge) for edge in font.getbbox(line.text))
        mask = Image.new("L", (box.width, box.height), 0)
        ImageDraw.Draw(mask).text((-left, -top), line.text, fill=255, font=font)
        self._image.paste(line.colour, (box.x, box.y), mask)
        return mask, box

    def _px(self, length: float) -> int:
        return round(length * self._unit)


def _corners(bounds: Bounds) -> tuple[int, int, int, int]:
    return bounds.x, bounds.y, bounds.right - 1, bounds.bottom - 1


def _centre(bounds: Bounds) -> tuple[int, int]:
    return bounds.x + bounds.width // 2, bounds.y + bounds.height // 2
