"""取り込む絵: 敵意のあるファイルは開かれず、余計な情報は残らない。"""

import io
import struct
import time
import zlib

import pytest
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from backend.errors import Refused
from backend.menus import artwork


def made(kind="PNG", size=(1200, 810), **more):
    out = io.BytesIO()
    Image.new("RGB", size, (0, 80, 160)).save(out, kind, **more)
    return out.getvalue()


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(width, height):
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_plain_picture_is_taken(kind):
    found = artwork.clean(made(kind))
    assert (found.width, found.height, found.content_type) == (1200, 810, f"image/{kind.lower()}")


def test_a_bomb_of_declared_pixels_is_refused_before_it_is_opened():
    bomb = png_header(60_000, 60_000) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    began = time.monotonic()
    with pytest.raises(Refused, match="大きさ"):
        artwork.clean(bomb)
    assert time.monotonic() - began < 0.1


def test_a_bomb_of_compressed_text_is_refused():
    body = made()
    text = chunk(b"zTXt", b"x\0\0" + zlib.compress(b"\0" * 80_000_000))
    with pytest.raises(Refused):
        artwork.clean(body[:33] + text + body[33:])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"GIF89a" + b"\0" * 100,
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.4",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\0\0\0\0WEBPVP8 ",
        png_header(1200, 810),
        b"\xff\xd8\xff\xe0" + b"\xff" * 500,
    ],
    ids=["empty", "gif", "svg", "pdf", "png-head", "jpeg-head", "webp", "png-cut", "jpeg-cut"],
)
def test_what_is_not_a_whole_png_or_jpeg_is_refused(body):
    with pytest.raises(Refused):
        artwork.clean(body)


def test_another_file_hidden_behind_the_picture_is_gone():
    for kind in ("PNG", "JPEG"):
        found = artwork.clean(made(kind) + b"PK\x03\x04<script>alert(1)</script>")
        assert b"script" not in found.body
        assert b"PK\x03\x04" not in found.body


def test_where_and_by_whom_it_was_taken_is_gone():
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "secret-place", "secret-author"
    info = PngInfo()
    info.add_text("Author", "secret-author")
    for body in (made("JPEG", exif=exif, comment=b"secret-comment"), made("PNG", pnginfo=info)):
        assert b"secret" in body
        assert b"secret" not in artwork.clean(body).body


def test_a_moving_picture_is_refused():
    out = io.BytesIO()
    frames = [Image.new("RGB", (400, 300), c) for c in ("red", "blue")]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    with pytest.raises(Refused, match="動く絵"):
        artwork.clean(out.getvalue())


def test_a_file_of_1_1_megabytes_is_refused_with_its_size():
    with pytest.raises(Refused, match=r"1\.1MB"):
        artwork.clean(made() + b"\0" * 1_100_000)


def opened(found):
    return Image.open(io.BytesIO(found.body))


def photo(kind, orientation):
    """上の帯が青、右上の角が黒の赤い写真に、撮った向きの印を付けたもの。"""
    picture = Image.new("RGB", (600, 400), "red")
    picture.paste((0, 0, 255), (0, 0, 600, 80))
    picture.paste((0, 0, 0), (520, 0, 600, 80))
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = io.BytesIO()
    picture.save(out, kind, exif=exif)
    return picture, out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright_before_the_mark_of_its_side_is_dropped(kind, orientation):
    _, sent = photo(kind, orientation)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(sent))).convert("RGB")
    found = opened(artwork.clean(sent))
    assert found.size == upright.size
    assert found.getexif() == {}
    corners = [(9, 9), (upright.width - 9, 9), (9, upright.height - 9), (upright.width - 9, upright.height - 9)]
    for corner in corners:
        assert found.getpixel(corner) == pytest.approx(upright.getpixel(corner), abs=12)


@pytest.mark.parametrize("mark", [0, 9, 999])
def test_an_unknown_mark_of_the_side_changes_nothing(mark):
    picture, sent = photo("PNG", mark)
    assert opened(artwork.clean(sent)).tobytes() == picture.tobytes()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_the_clear_parts_of_a_picture_become_white(mode):
    picture = Image.new("RGBA", (600, 400), (0, 0, 0, 0))
    picture.paste((0, 80, 160, 255), (300, 0, 600, 400))
    out = io.BytesIO()
    if mode == "RGB":  # 色を一つ、透ける色と決めるPNG
        picture.convert("RGB").save(out, "PNG", transparency=(0, 0, 0))
    else:
        picture.convert(mode).save(out, "PNG")
    found = opened(artwork.clean(out.getvalue()))
    assert found.mode == "RGB"
    assert found.getpixel((9, 9)) == (255, 255, 255)
    assert found.getpixel((590, 9)) != (255, 255, 255)


def test_a_half_clear_shadow_is_laid_on_white():
    out = io.BytesIO()
    Image.new("RGBA", (600, 400), (0, 0, 0, 128)).save(out, "PNG")
    assert opened(artwork.clean(out.getvalue())).getpixel((9, 9)) == (127, 127, 127)
