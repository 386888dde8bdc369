"""宣言からLINEのオブジェクトと絵を作る。"""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from backend.errors import Refused
from backend.menus import artwork, drawing, geometry, places, rules
from backend.menus.declaration import Bounds, Declaration, Finding, Parsed, Severity, Tab
from backend.menus.places import Places
from backend.menus.roles import Role


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


async def build(parsed: Parsed, where: Places, role: Role) -> Built:
    """点検し、描けるだけ描く。描くのは別の糸(一枚に約0.5秒かかる)。"""
    findings = rules.check(parsed, where, role)
    if parsed.declaration is None or any(f.path[:1] == ("size",) or f.path[-1:] == ("palette",) for f in findings):
        return Built((), tuple(findings))
    images: list[Image] = []
    for index, tab in enumerate(parsed.declaration.tabs):
        picture = await artwork.body(tab.artwork) if tab.artwork else None
        if tab.artwork and picture is None:
            findings.append(_lined(parsed, _no_artwork(tab, index)))
            continue
        drawn = await asyncio.to_thread(drawing.draw, parsed.declaration, index, picture)
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
    for cell, bounds in zip(tab.cells, plan.cells, strict=True):
        try:
            action = places.line_action(cell.action, cell.label, where)
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
    label = f"{other.title}(表示中)" if other.alias == shown.alias else f"{other.title}に切り替える"
    action = {"type": "richmenuswitch", "richMenuAliasId": other.alias, "data": f"tab={other.alias}", "label": label}
    return {"bounds": _bounds(bounds), "action": action}


def _bounds(bounds: Bounds) -> dict[str, int]:
    return {"x": bounds.x, "y": bounds.y, "width": bounds.width, "height": bounds.height}


def _lined(parsed: Parsed, finding: Finding) -> Finding:
    return Finding(finding.severity, parsed.line(*finding.path), finding.message, finding.remedy, finding.path)


def _no_artwork(tab: Tab, index: int) -> Finding:
    remedy = "「絵を取り込む」で登録するか、名前を確かめます。"
    return Finding(Severity.BLOCK, 0, f"「{tab.artwork}」という絵は登録されていません。", remedy, ("tabs", index, "artwork"))


def _unmeasured(index: int) -> Finding:
    remedy = "白黒にしても読めるか、小さな画面で目で確かめます。"
    return Finding(Severity.WARN, 0, "絵の中の文字の濃さは、機械では測れません。", remedy, ("tabs", index, "artwork"))


def _heavy(size: int, index: int) -> Finding:
    message = f"絵が{size / 1_000_000:.1f}MBあります。LINEに付けられるのは1MBまでです。"
    return Finding(Severity.BLOCK, 0, message, "写真を減らすか、単純な絵にします。", ("tabs", index))
