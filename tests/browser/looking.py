"""画面を調べる道具: axe、押す所の大きさ、はみ出し、キーボードでの移り、写真。"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / "liff_static" / "node_modules" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "tests" / "screenshots"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_SMALL = """least => [...document.querySelectorAll(
  'a[href], button, input:not([type=hidden]), select, summary, [role=button], [tabindex="0"]')]
  .filter(e => e.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true }) && !e.closest('.skip')
    && !(e.matches('a') && getComputedStyle(e).display === 'inline'))
  .map(e => [e, e.getBoundingClientRect()])
  .filter(([e, box]) => box.width > 0 && (box.width < least - .5 || box.height < least - .5))
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


def write_result(path: Path, ran_at: str, tool_name: str, states: dict[str, list[int]]) -> None:
    """`/accessibility` が読む結果。`states` は 画面の名 → 一回ごとの違反の数。"""
    body = {
        "ran_at": ran_at,
        "tool": tool_name,
        "states": [{"name": name, "checks": len(found), "violations": sum(found)} for name, found in states.items()],
    }
    path.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
