"""取り込む絵: PNGとJPEGだけを、開く前に大きさを確かめ、余計な情報を落として描き直す。権利を一緒に残す。"""

import hashlib
import io
import re
import struct
import warnings
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image, UnidentifiedImageError

from backend.audit import trail
from backend.errors import NotFound, Refused
from backend.menus.wording import visible
from backend.permissions import Actor, Permission
from backend.store import work

BYTES = 1_000_000
PIXELS = 12_000_000
_KEPT = 4_000_000
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,60}\.(?:png|jpg)")
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


@dataclass(frozen=True)
class Clean:
    """描き直した絵。元のファイルのバイトは一つも残らない。"""

    body: bytes
    content_type: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        return "png" if self.content_type == "image/png" else "jpg"


@dataclass(frozen=True)
class Artwork:
    id: int
    name: str
    content_type: str
    width: int
    height: int
    owner: str
    permission: str
    credit: str
    staff_name: str
    created_at: datetime


def clean(sent: bytes) -> Clean:
    """送られたファイルを、安全な絵にする。だめなら `Refused`。

    画素の数はファイルの頭から読み、大きすぎれば展開しない(小さなファイルから巨大な画像を作る攻撃)。
    """
    if len(sent) > BYTES:
        raise Refused(
            f"ファイルが{len(sent) / 1_000_000:.1f}MBあります。1MBまでです。", next_step="小さくしてから送ります。"
        )
    size = _png_size(sent) if sent.startswith(_PNG) else _jpeg_size(sent) if sent.startswith(_JPEG) else None
    if size is None:
        raise Refused("PNGかJPEGの絵ではありません。", next_step="PNGかJPEGで保存し直して送ります。")
    if size[0] * size[1] > PIXELS or min(size) < 200:
        message = f"絵の大きさ({size[0]}×{size[1]})が合いません。"
        raise Refused(message, next_step="幅2500、高さ1686くらいにして送ります。")
    return _redrawn(sent, "PNG" if sent.startswith(_PNG) else "JPEG")


def _redrawn(sent: bytes, kind: str) -> Clean:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            opened = Image.open(io.BytesIO(sent), formats=[kind])
            if getattr(opened, "n_frames", 1) > 1 or opened.width * opened.height > PIXELS:
                raise Refused("動く絵や、大きすぎる絵は使えません。", next_step="一枚の絵にして送ります。")
            pixels = _flat(_upright(opened))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, Warning) as error:
        raise Refused("絵を開けません。壊れているようです。", next_step="保存し直して送ります。") from error
    # 画素だけを新しい絵に移す。撮影場所、作者名、後ろに付けられた別のファイルは残らない。
    fresh = Image.new("RGB", pixels.size)
    fresh.paste(pixels)
    buffer = io.BytesIO()
    if kind == "PNG":
        fresh.save(buffer, "PNG", optimize=True)
    else:
        fresh.save(buffer, "JPEG", quality=92, optimize=True)
    if buffer.tell() > _KEPT:
        raise Refused("絵が細かすぎて、小さくできません。", next_step="JPEGで保存し直して送ります。")
    return Clean(buffer.getvalue(), f"image/{kind.lower()}", fresh.width, fresh.height)


def _upright(opened: Image.Image) -> Image.Image:
    """撮った向きの印(EXIF)どおりに起こす。印は描き直すと消えるので、先に従う。"""
    turned = _TURNS.get(opened.getexif().get(_ORIENTATION, 1))
    return opened if turned is None else opened.transpose(turned)


def _flat(picture: Image.Image) -> Image.Image:
    """透けた所を白にする。そのままでは黒くなる。"""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    clear = picture.convert("RGBA")
    white = Image.new("RGB", clear.size, "white")
    white.paste(clear, mask=clear.getchannel("A"))
    return white


def _png_size(sent: bytes) -> tuple[int, int] | None:
    if len(sent) < 33 or sent[12:16] != b"IHDR":
        return None
    width, height = struct.unpack(">II", sent[16:24])
    return width, height


def _jpeg_size(sent: bytes) -> tuple[int, int] | None:
    """SOFの印から、高さと幅を読む。"""
    at = 2
    while at + 9 < len(sent) and sent[at] == 0xFF:
        marker = sent[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        length = struct.unpack(">H", sent[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", sent[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None


async def add(actor: Actor | None, name: str, sent: Clean, *, owner: str, permission: str, credit: str) -> str:
    """絵を登録し、宣言に書く名前を返す。持ち主と許しがなければ `Refused`(POL 8)。"""
    if actor:
        actor.require(Permission.MANAGE_MENUS)
    if not (visible(owner) and visible(permission)):
        raise Refused(
            "絵の持ち主と、使ってよいという許しを書いてください。", next_step="自作なら「区・自作」と書きます。"
        )
    stem = re.sub(r"[^a-z0-9_-]", "", name.rsplit(".", 1)[0].lower()) or "picture"
    name = f"{stem[:50]}.{sent.extension}"
    rows = await work.sql("select sha256 from menu_artwork where name = $1", name)
    digest = hashlib.sha256(sent.body).digest()
    if rows and rows[0]["sha256"] == digest:
        return name
    if rows:
        name = f"{stem[:50]}-{digest.hex()[:8]}.{sent.extension}"
    await work.sql(
        "insert into menu_artwork (name, body, content_type, sha256, width, height, owner, permission, credit, staff_id, "
        "staff_name) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict (name) do nothing",
        name,
        sent.body,
        sent.content_type,
        digest,
        sent.width,
        sent.height,
        owner.strip(),
        permission.strip(),
        credit.strip(),
        actor.staff_id if actor else None,
        actor.name if actor else "運用者",
    )
    await trail.record(
        actor, "menu.artwork", f"menu-artwork:{name}", owner=owner.strip(), permission=permission.strip()
    )
    return name


async def body(name: str) -> bytes | None:
    rows = await work.sql("select body from menu_artwork where name = $1", name)
    return bytes(rows[0]["body"]) if rows else None


async def find(name: str) -> tuple[bytes, str]:
    rows = await work.sql("select body, content_type from menu_artwork where name = $1", name)
    if not rows:
        raise NotFound("その絵はありません。")
    return bytes(rows[0]["body"]), rows[0]["content_type"]


async def listing() -> list[Artwork]:
    rows: list[dict[str, Any]] = await work.sql(
        "select id, name, content_type, width, height, owner, permission, credit, staff_name, created_at "
        "from menu_artwork order by id desc"
    )
    return [Artwork(**row) for row in rows]


def name_is_plain(name: str) -> bool:
    return bool(_NAME.fullmatch(name))
