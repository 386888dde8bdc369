"""メニューの絵を描く: 升目、タブの帯、見出し、注意書き。文字は升に合わせて小さくし、濃さは描いた画素で確かめる。"""

from backend.menus import geometry
from backend.menus.canvas import Canvas, Drawing
from backend.menus.declaration import Declaration


def draw(declaration: Declaration, index: int, artwork: bytes | None = None) -> Drawing:
    """宣言の `index` 枚目を描く。`artwork` は背景にする写真や絵(取り込み済みのもの)。

    宣言は `rules.check` を通ったもの(少なくとも大きさと色の組が正しいもの)を渡す。
    """
    canvas = Canvas(declaration, declaration.tabs[index], artwork)
    plan = geometry.layout(declaration, declaration.tabs[index])
    for place, bounds in enumerate(plan.strip):
        canvas.tab(bounds, declaration.tabs[place], ("tabs", place, "title"), shown=place == index)
    if plan.heading:
        canvas.band(plan.heading, declaration.heading, strong=True)
    for place, (cell, bounds) in enumerate(zip(declaration.tabs[index].cells, plan.cells, strict=True)):
        if geometry.inside(bounds, declaration.size):  # 外に出た升は `rules` が止める。大きさも分からないので描かない
            canvas.cell(bounds, cell, ("tabs", index, "cells", place, "text"))
    if plan.notice:
        canvas.band(plan.notice, declaration.notice, strong=False)
    return canvas.finish()
