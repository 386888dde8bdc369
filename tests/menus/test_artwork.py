"""取り込む絵: 敵意のあるファイルは開かれず、余計な情報は残らない。"""

import io
import struct
import time
import zlib

import pytest
from PIL import Image
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
