"""一枚の絵に描く: 地と絵を先に、文字は最後にまとめて置き、置いた後の画素で濃さを測る。"""

from dataclasses import dataclass

from PIL import Image, ImageDraw

from backend.menus import contrast, fonts, painting, pictograms
from backend.menus.declaration import Bounds, Cell, Declaration, Finding, Severity, Tab
from backend.menus.palettes import PALETTES, Colour, Palette

LEAST_TEXT = 60  # 幅2500の絵の上の画素(LOOK)
_BASE = 2500


@dataclass(frozen=True)
class Words:
    """描いた一行。`frame` は出てはならない枠、`box` は墨の乗った所、`ratio` は描いた画素で測った濃さの差。"""

    text: str
    frame: Bounds
    box: Bounds
    size: int
    ratio: float
    path: tuple[str | int, ...]


@dataclass(frozen=True)
class Drawing:
    """描き上がった絵。`findings` は、入らない文字と薄い文字。"""

    image: bytes
    content_type: str
    words: tuple[Words, ...]
    findings: tuple[Finding, ...]


@dataclass
class _Line:
    text: str
    frame: Bounds
    centre: tuple[int, int]
    size: int
    bold: bool
    colour: Colour
    path: tuple[str | int, ...]


class Canvas:
    """一枚の絵。地と絵を先に描き、文字は最後にまとめて置いて測る。"""

    def __init__(self, declaration: Declaration, tab: Tab, artwork: bytes | None) -> None:
        self._size = declaration.size
        self._palette: Palette = PALETTES[tab.palette]
        self._unit = declaration.size.width / _BASE
        self._pictured = artwork is not None
        self._image = painting.ground(declaration.size, self._palette.ground, artwork)
        self._pen = ImageDraw.Draw(self._image)
        self._lines: list[_Line] = []
        self._tight: list[Finding] = []

    def tab(self, bounds: Bounds, tab: Tab, *, shown: bool) -> None:
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
        self._put(tab.title, _inset(plate, self._px(30)), centre, 138 if shown else 122, True, ink, ("tabs",))

    def band(self, bounds: Bounds, text: str, *, strong: bool) -> None:
        """見出し(濃い)と注意書き(白い)。"""
        palette = self._palette
        self._pen.rectangle(_corners(bounds), fill=palette.accent if strong else (255, 255, 255))
        ink = palette.on_accent if strong else palette.ink
        where = ("heading",) if strong else ("notice",)
        room = _inset(bounds, self._px(36), self._px(8))
        self._put(text, room, _centre(bounds), 112 if strong else 86, True, ink, where)

    def cell(self, bounds: Bounds, cell: Cell, path: tuple[str | int, ...]) -> None:
        card = _inset(bounds, self._px(18))
        palette = self._palette
        if any(cell.text) or cell.picture or not self._pictured:
            fill = palette.accent if cell.strong else palette.card
            painting.rounded(self._image, card, self._px(52), fill)
        if card.height < card.width * 0.66:
            self._beside(card, cell, path)
        else:
            self._stacked(card, cell, path)

    def _stacked(self, card: Bounds, cell: Cell, path: tuple[str | int, ...]) -> None:
        """絵を上、言葉を下に。"""
        main, sub = self._sizes(cell, 126, 78)
        disc = self._px(236) if cell.picture else 0
        gap = self._px(26) if disc and cell.text else 0
        between = self._px(22) if sub else 0
        total = disc + gap + main + between + sub
        top = card.y + max(0, (card.height - total) // 2)
        middle = card.x + card.width // 2
        if disc:
            self._picture(cell, middle, top + disc // 2, disc)
        room = _inset(card, self._px(26), self._px(10))
        self._text(cell, room, middle, top + disc + gap, (main, sub, between), path)

    def _beside(self, card: Bounds, cell: Cell, path: tuple[str | int, ...]) -> None:
        """横に長い升では、絵を左、言葉を右に。"""
        tall = self._unit * 560 < card.height
        disc = min(self._px(320), card.height - self._px(60)) if cell.picture else 0
        main, sub = self._sizes(cell, 168 if tall else 130, 96 if tall else 78)
        between = self._px(34) if sub else 0
        left = card.x + (self._px(48) + disc if disc else 0)
        if disc:
            self._picture(cell, card.x + self._px(44) + disc // 2, card.y + card.height // 2, disc)
        room = Bounds(
            left + self._px(24), card.y + self._px(10), card.right - left - self._px(62), card.height - self._px(20)
        )
        top = card.y + (card.height - main - between - sub) // 2
        self._text(cell, room, room.x + room.width // 2, top, (main, sub, between), path)

    def _sizes(self, cell: Cell, main: int, sub: int) -> tuple[int, int]:
        lines = len(cell.text) if any(cell.text) else 0
        return (self._px(main) if lines else 0, self._px(sub) if lines > 1 else 0)

    def _text(
        self, cell: Cell, room: Bounds, middle: int, top: int, sizes: tuple[int, int, int], path: tuple[str | int, ...]
    ) -> None:
        main, sub, between = sizes
        palette = self._palette
        if cell.text:
            ink = palette.on_accent if cell.strong else palette.ink
            self._put(cell.text[0], room, (middle, top + main // 2), main, True, ink, path, scaled=True)
        if sub:
            ink = palette.on_accent if cell.strong else palette.soft
            where = (middle, top + main + between + sub // 2)
            self._put(cell.text[1], room, where, sub, False, ink, path, scaled=True)

    def _picture(self, cell: Cell, x: int, y: int, disc: int) -> None:
        palette = self._palette
        if cell.picture not in pictograms.NAMES:
            return
        painting.rounded(self._image, Bounds(x - disc // 2, y - disc // 2, disc, disc), disc // 2, palette.wash)
        side = round(disc * 0.68)
        drawn = pictograms.draw(cell.picture, side, palette.accent)
        self._image.paste(drawn, (x - side // 2, y - side // 2), drawn)

    def _put(
        self,
        text: str,
        frame: Bounds,
        centre: tuple[int, int],
        largest: int,
        bold: bool,
        colour: Colour,
        path: tuple[str | int, ...],
        *,
        scaled: bool = False,
    ) -> None:
        if not text.strip():
            return
        least = self._px(LEAST_TEXT)
        top = largest if scaled else self._px(largest)
        size = fonts.fitted(text, room=frame.width, largest=max(top, least), least=least, bold=bold)
        if size is None:
            room = frame.width // least
            remedy = f"全角で約{room}文字までにするか、ボタンを広げます。"
            self._tight.append(Finding(Severity.BLOCK, 0, f"「{text}」がボタンに入りません。", remedy, path))
            return
        self._lines.append(_Line(text, frame, centre, size, bold, colour, path))

    def finish(self) -> Drawing:
        """文字を置き、置いた後の画素で濃さを測り、1MBに収める。"""
        self._make_even()
        masks = [self._place(line) for line in self._lines]
        words = tuple(
            Words(line.text, line.frame, box, line.size, contrast.measured(self._image, mask, box), line.path)
            for line, (mask, box) in zip(self._lines, masks, strict=True)
        )
        faint = [_faint(word) for word in words if word.ratio < contrast.ENOUGH]
        body, content_type = painting.encoded(self._image, flat=not self._pictured)
        return Drawing(body, content_type, words, tuple(self._tight + faint))

    def _make_even(self) -> None:
        """升の大きい行は、いちばん小さく収まった大きさにそろえる(2割より小さくはしない)。"""
        for bold in (True, False):
            lines = [line for line in self._lines if line.path[-1] == "text" and line.bold is bold]
            largest = max((line.size for line in lines), default=0)
            least = min((line.size for line in lines if line.size >= largest * 0.8), default=largest)
            for line in lines:
                line.size = min(line.size, least)

    def _place(self, line: _Line) -> tuple[Image.Image, Bounds]:
        font = fonts.font(line.size, bold=line.bold)
        left, top, right, bottom = (round(edge) for edge in font.getbbox(line.text))
        # 上下は字の枠でそろえる。墨の高さでそろえると、行ごとに字の高さがずれて見える。
        ascent, descent = font.getmetrics()
        x = line.centre[0] - (right - left) // 2 - left
        y = line.centre[1] - (ascent + descent) // 2
        box = Bounds(x + left, y + top, right - left, bottom - top)
        mask = Image.new("L", (box.width, box.height), 0)
        ImageDraw.Draw(mask).text((-left, -top), line.text, fill=255, font=font)
        self._image.paste(line.colour, (box.x, box.y), mask)
        return mask, box

    def _px(self, length: float) -> int:
        return round(length * self._unit)


def _faint(word: Words) -> Finding:
    message = f"「{word.text}」の文字が薄くて読めません(差 {word.ratio:.1f}:1、要るのは4.5:1)。"
    return Finding(Severity.BLOCK, 0, message, "文字の後ろを無地にするか、色の組を変えます。", word.path)


def _corners(bounds: Bounds) -> tuple[int, int, int, int]:
    return bounds.x, bounds.y, bounds.right - 1, bounds.bottom - 1


def _inset(bounds: Bounds, across: int, down: int | None = None) -> Bounds:
    down = across if down is None else down
    width, height = max(1, bounds.width - 2 * across), max(1, bounds.height - 2 * down)
    return Bounds(bounds.x + across, bounds.y + down, width, height)


def _centre(bounds: Bounds) -> tuple[int, int]:
    return bounds.x + bounds.width // 2, bounds.y + bounds.height // 2
