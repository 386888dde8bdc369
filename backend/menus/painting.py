"""絵の地と板を塗り、1MBに収まるバイトにする。"""

import io

from PIL import Image, ImageDraw

from backend.menus.declaration import Bounds, Size
from backend.menus.palettes import Colour

PNG, JPEG = "image/png", "image/jpeg"


def encoded(image: Image.Image, *, flat: bool) -> tuple[bytes, str]:
    """PNG(平らな絵は色を減らして)か、写真なら1MBに収まるJPEG。同じ絵からは同じバイト。"""
    if flat:
        reduced = image.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        return _saved(reduced, "PNG", optimize=True), PNG
    body = b""
    for quality in (90, 84, 78, 70, 60):
        body = _saved(image, "JPEG", quality=quality, optimize=True)
        if len(body) <= 1_000_000:
            break
    return body, JPEG


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def ground(whole: Size, colour: Colour, artwork: bytes | None) -> Image.Image:
    """地: 無地か、切り抜いて広げた絵。"""
    size = (whole.width, whole.height)
    if artwork is None:
        return Image.new("RGB", size, colour)
    picture = Image.open(io.BytesIO(artwork)).convert("RGB")
    scale = max(size[0] / picture.width, size[1] / picture.height)
    grown = picture.resize((max(size[0], round(picture.width * scale)), max(size[1], round(picture.height * scale))))
    left, top = (grown.width - size[0]) // 2, (grown.height - size[1]) // 2
    return grown.crop((left, top, left + size[0], top + size[1]))


def rounded(image: Image.Image, bounds: Bounds, radius: int, fill: Colour) -> None:
    """角の丸い板。縁は二倍で描いて縮め、なめらかにする。"""
    width, height = max(2, bounds.width), max(2, bounds.height)
    mask = Image.new("L", (width * 2, height * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle([0, 0, width * 2 - 1, height * 2 - 1], radius * 2, fill=255)
    image.paste(fill, (bounds.x, bounds.y), mask.resize((width, height), Image.Resampling.BOX))
