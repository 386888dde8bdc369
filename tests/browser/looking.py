"""画面を調べる道具: axe、押す所の大きさ、はみ出し、キーボードでの移り、写真。"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from playwright.async_api import Page

from backend.home import accessibility
from backend.home.accessibility import State
from backend.texts.languages import LANGUAGES

ROOT = Path(__file__).parents[2]
AXE = ROOT / "liff_static" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "tests" / "screenshots"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Look = tuple[int, int, Literal["light", "dark"]]
"""(幅, 文字の大きさ%, 明るさ)。"""
_CONTROLS = {
    "link",
    "button",
    "textbox",
    "searchbox",
    "checkbox",
    "radio",
    "combobox",
    "switch",
    "spinbutton",
    "DisclosureTriangle",
}
_DATES = {"Date", "DateTime", "InputTime"}
_JAPANESE = re.compile(r"[ぁ-んァ-ヶ一-鿿々]")
_CODE = re.compile(r"[\w@.:/ -]*\d[\w@.:/ -]*|@\w+", re.ASCII)
_LANGUAGES = {language.name for language in LANGUAGES}
_SMALL = """least => [...document.querySelectorAll(
  'a[href], button, input:not([type=hidden]), select, summary, [role=button], [tabindex="0"]')]
  .filter(e => e.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true }) && !e.closest('.skip, [aria-hidden=true]')
    && !(e.matches('a') && getComputedStyle(e).display === 'inline'))
  .map(e => [e, [e, ...(e.labels || [])].map(one => one.getBoundingClientRect()).filter(box => box.width > 0)])
  .filter(([e, boxes]) => boxes.length && boxes.every(box => box.width < least - .5 || box.height < least - .5))
  .map(([e, boxes]) => [e, boxes[0]])
  .map(([e, box]) => `${e.tagName} ${e.id || e.textContent.trim().slice(0, 20)} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
_FOCUS = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const box = e.getBoundingClientRect();
  const bar = document.querySelector('.bar');
  const cover = bar && bar.checkVisibility() && getComputedStyle(bar).position === 'sticky' && !bar.contains(e)
    ? bar.getBoundingClientRect() : null;
  const style = getComputedStyle(e.matches('.option input') ? e : e);
  return {
    name: e.id || e.getAttribute('aria-label') || e.textContent.trim().slice(0, 30) || e.value,
    hidden: box.bottom <= 0 || box.top >= innerHeight || Boolean(cover && box.bottom > cover.top + 1 && box.top < cover.bottom),
    ringed: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
  };
}"""


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


async def violations(page: Page) -> list[str]:
    """axeの違反。一つにつき一行: 規則と、その要素。"""
    if not await page.evaluate("typeof window.axe === 'object'"):
        await page.evaluate(_axe())
    found = await page.evaluate(
        "async tags => (await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']}))"
        ".violations.map(v => [v.id, v.nodes.map(n => n.target.join(' ') + ' ' + n.failureSummary.split('\\n').slice(1, 2))])",
        TAGS,
    )
    return [f"{rule}: {node}" for rule, nodes in found for node in nodes]


async def tool(page: Page) -> str:
    if not await page.evaluate("typeof window.axe === 'object'"):
        await page.evaluate(_axe())
    return f"axe-core {await page.evaluate('axe.version')}"


async def small_targets(page: Page, least: int = 44) -> list[str]:
    """`least` ピクセルに足りない、押す所。文の中のリンクは数えない。"""
    return await page.evaluate(_SMALL, least)


async def overflow(page: Page) -> int:
    """横にはみ出しているピクセル。"""
    return await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


async def bigger(page: Page, percent: int = 200) -> None:
    """文字だけを大きくする。"""
    await page.evaluate("percent => { document.documentElement.style.fontSize = `${percent}%`; }", percent)


async def tab_walk(page: Page, limit: int = 120) -> list[dict[str, Any]]:
    """Tabで最後まで移り、止まった所を返す。"""
    await page.evaluate("() => { document.activeElement?.blur(); window.scrollTo(0, 0); }")
    stops: list[dict[str, Any]] = []
    for _ in range(limit):
        await page.keyboard.press("Tab")
        stop = await page.evaluate(_FOCUS)
        if stop is None:
            break
        stops.append(stop)
    return stops


async def picture(page: Page, name: str) -> None:
    """`PICTURES=1` のときだけ、画面の写真を残す。"""
    if os.environ.get("PICTURES"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


async def nameless(page: Page) -> list[str]:
    """名前に日本語のない、押す所と書く所。言語の名、番号や英字だけのもの(確認番号、アカウントのID)は除く。"""
    session = await page.context.new_cdp_session(page)
    nodes = (await session.send("Accessibility.getFullAXTree"))["nodes"]
    await session.detach()
    # 日付や時刻の欄の中は、ブラウザが自分の言語で名づける。
    inside = {child for node in nodes if node.get("role", {}).get("value") in _DATES for child in node["childIds"]}
    for node in nodes:
        if node["nodeId"] in inside:
            inside.update(node.get("childIds", ()))
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and node["nodeId"] not in inside and node.get("role", {}).get("value") in _CONTROLS
    ]
    return [
        f"日本語の名前がない {role} 「{name}」"
        for role, name in named
        if not _JAPANESE.search(name) and not _CODE.fullmatch(name) and name not in _LANGUAGES
    ]


async def every_look(page: Page, looks: Sequence[Look], least: int) -> list[list[str]]:
    """見かけを変えながら調べた、一つの見かけごとの、悪いところ。終わると、はじめの見かけに戻す。"""
    found: list[list[str]] = []
    for width, percent, scheme in looks:
        await page.set_viewport_size({"width": width, "height": 844})
        await page.emulate_media(color_scheme=scheme)
        await bigger(page, percent)
        wrong = await violations(page) + await small_targets(page, least)
        if extra := await overflow(page):
            wrong.append(f"横に{extra}pxはみ出す")
        if not found:
            wrong += await nameless(page)
        found.append([f"{width}px {percent}% {scheme} {one}" for one in wrong])
    await page.set_viewport_size({"width": looks[0][0], "height": 844})
    await page.emulate_media(color_scheme=looks[0][2])
    await bigger(page, looks[0][1])
    return found


@dataclass
class Findings:
    """一つの試験が調べた、画面 → 見かけごとの悪いところの数。"""

    tool: str = ""
    states: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    async def look(self, page: Page, group: str, name: str, looks: Sequence[Look], least: int) -> list[str]:
        self.tool = self.tool or await tool(page)
        found = await every_look(page, looks, least)
        self.states[group, name] = [len(wrong) for wrong in found]
        return [one for wrong in found for one in wrong]

    def print(self, routes: int) -> None:
        checks, wrong = (sum(f(found) for found in self.states.values()) for f in (len, sum))
        print(f"A1: 道{routes}、画面{len(self.states)}、見かけを変えて{checks}回、違反{wrong}件({self.tool})")

    def write(self, path: Path, ran_at: datetime) -> None:
        states = [State(group, name, len(found), sum(found)) for (group, name), found in self.states.items()]
        accessibility.write(path, ran_at, self.tool, states)
