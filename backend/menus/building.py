"""宣言からLINEのオブジェクトと絵を作る。"""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from backend.errors import Refused
from backend.menus import artwork, drawing, geometry, places, rules
from backend.menus.declaration import Bounds, Cell, Declaration, Finding, Parsed, Severity, Size, Tab
from backend.menus.places import Places
from backend.menus.roles import Role

PREVIEW_WIDTH = 1000


@dataclass(frozen=True)
class Image:
    """一枚の絵。"""

    alias: str
    body: bytes
    content_type: str

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.body).digest()


@dataclass(frozen=True)
class Built:
    """描いた組。`findings` は規則と絵の、すべての指摘。"""

    images: tuple[Image, ...]
    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        return any(finding.severity is Severity.BLOCK for finding in self.findings)


async def build(parsed: Parsed, where: Places, role: Role, *, small: bool = False) -> Built:
    """点検し、描けるだけ描く。描くのは別の糸(一枚に約0.5秒かかる)。`small` は下見のための小さい絵(約0.1秒)。"""
    findings = rules.check(parsed, where, role)
    if parsed.declaration is None or any(f.path[:1] == ("size",) or f.path[-1:] == ("palette",) for f in findings):
        return Built((), tuple(findings))
    images: list[Image] = []
    for index, tab in enumerate(parsed.declaration.tabs):
        picture = await artwork.body(tab.artwork) if tab.artwork else None
        if tab.artwork and picture is None:
            findings.append(_lined(parsed, _no_artwork(tab, index)))
            continue
        wanted = _smaller(parsed.declaration) if small else parsed.declaration
        drawn = await asyncio.to_thread(drawing.draw, wanted, index, picture)
        findings += [_lined(parsed, finding) for finding in drawn.findings]
        if tab.artwork and not any(cell.text for cell in tab.cells):
            findings.append(_lined(parsed, _unmeasured(index)))
        if len(drawn.image) > rules.IMAGE_BYTES:
            findings.append(_lined(parsed, _heavy(len(drawn.image), index)))
        images.append(Image(tab.alias, drawn.image, drawn.content_type))
    return Built(tuple(images), tuple(sorted(findings, key=lambda f: (f.severity is Severity.WARN, f.line))))


def objects(declaration: Declaration, where: Places) -> list[dict[str, Any]]:
    """タブごとのLINEのオブジェクト(名前を除く)。使えない行き先があれば `Refused`。"""
    return [_object(declaration, tab, where) for tab in declaration.tabs]


def _object(declaration: Declaration, tab: Tab, where: Places) -> dict[str, Any]:
    plan = geometry.layout(declaration, tab)
    areas = [_switch(bounds, other, tab) for bounds, other in zip(plan.strip, declaration.tabs, strict=False)]
    for number, (cell, bounds) in enumerate(zip(tab.cells, plan.cells, strict=True), 1):
        try:
            action = places.line_action(cell.action, cell.label, where, places.source(tab.alias, number))
        except places.Misplaced as wrong:
            raise Refused(wrong.message, next_step=wrong.remedy) from wrong
        areas.append({"bounds": _bounds(bounds), "action": action})
    return {
        "size": {"width": declaration.size.width, "height": declaration.size.height},
        "selected": declaration.selected,
        "chatBarText": declaration.chatBarText,
        "areas": areas,
    }


def _switch(bounds: Bounds, other: Tab, shown: Tab) -> dict[str, Any]:
    action = {
        "type": "richmenuswitch",
        "richMenuAliasId": other.alias,
        "data": f"tab={other.alias}",
        "label": switch_label(other, shown),
    }
    return {"bounds": _bounds(bounds), "action": action}


def switch_label(other: Tab, shown: Tab) -> str:
    """タブの帯の、読み上げの言葉。題は10文字までなので、20文字に収まる。"""
    return f"{other.title}(表示中)" if other.alias == shown.alias else f"{other.title}に切り替える"


def _smaller(declaration: Declaration) -> Declaration:
    """幅を下見の大きさにした宣言。升の位置も同じ割合で縮める。"""
    scale = PREVIEW_WIDTH / declaration.size.width
    if scale >= 1:
        return declaration
    size = Size(PREVIEW_WIDTH, round(declaration.size.height * scale))
    tabs = [
        msgspec.structs.replace(tab, cells=[_scaled(cell, scale) for cell in tab.cells]) for tab in declaration.tabs
    ]
    return msgspec.structs.replace(declaration, size=size, tabs=tabs)


def _scaled(cell: Cell, scale: float) -> Cell:
    if cell.bounds is None:
        return cell
    x, y, right, bottom = (
        round(v * scale) for v in (cell.bounds.x, cell.bounds.y, cell.bounds.right, cell.bounds.bottom)
    )
    return msgspec.structs.replace(cell, bounds=Bounds(x, y, max(1, right - x), max(1, bottom - y)))


def _bounds(bounds: Bounds) -> dict[str, int]:
    return {"x": bounds.x, "y": bounds.y, "width": bounds.width, "height": bounds.height}


def _lined(parsed: Parsed, finding: Finding) -> Finding:
    return Finding(finding.severity, parsed.line(*finding.path), finding.message, finding.remedy, finding.path)


def _no_artwork(tab: Tab, index: int) -> Finding:
    remedy = "「絵を取り込む」で登録するか、名前を確かめます。"
    return Finding(
        Severity.BLOCK, 0, f"「{tab.artwork}」という絵は登録されていません。", remedy, ("tabs", index, "artwork")
    )


def _unmeasured(index: int) -> Finding:
    remedy = "白黒にしても読めるか、小さな画面で目で確かめます。"
    return Finding(Severity.WARN, 0, "絵の中の文字の濃さは、機械では測れません。", remedy, ("tabs", index, "artwork"))


def _heavy(size: int, index: int) -> Finding:
    message = f"絵が{size / 1_000_000:.1f}MBあります。LINEに付けられるのは1MBまでです。"
    return Finding(Severity.BLOCK, 0, message, "写真を減らすか、単純な絵にします。", ("tabs", index))
