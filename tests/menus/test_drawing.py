"""作図: 文字は升から出ず、濃く、絵は1MBに収まる。"""

import io
import re
from pathlib import Path

import msgspec
import pytest
from PIL import Image, ImageChops

from backend.menus import artwork, building, contrast, declaration, drawing, geometry
from backend.menus.arranging import LEAST_TEXT
from backend.menus.palettes import PALETTES
from backend.menus.roles import Role
from tests.menus.making import WHERE, cell, tab, text, two_tabs

SHIPPED = sorted((Path(__file__).parent.parent.parent / "richmenu").glob("*.yaml"))
SHEETS = [(file, n) for file in SHIPPED for n in range(3 if file.stem == "resident" else 1)]


def read(source):
    found = declaration.parse(source).declaration
    assert found
    return found


def opened(drawn):
    return Image.open(io.BytesIO(drawn.image)).convert("RGB")


@pytest.mark.parametrize(("file", "sheet"), SHEETS, ids=lambda value: getattr(value, "stem", str(value)))
def test_no_glyph_of_the_shipped_menus_crosses_an_edge(file, sheet):
    """言葉のある絵とない絵の違い(=墨の乗った画素)が、どれも枠の中にある。"""
    whole = read(file.read_text(encoding="utf-8"))
    drawn = drawing.draw(whole, sheet)
    assert drawn.findings == ()
    for words in drawn.words:
        assert words.frame.x <= words.box.x, words.text
        assert words.box.right <= words.frame.right, words.text
        assert words.frame.y <= words.box.y, words.text
        assert words.box.bottom <= words.frame.bottom, words.text
    cells = [msgspec.structs.replace(c, text=["" for _ in c.text]) for c in whole.tabs[sheet].cells]
    tabs = [msgspec.structs.replace(t, title="") for t in whole.tabs]
    tabs[sheet] = msgspec.structs.replace(tabs[sheet], cells=cells)
    blank = drawing.draw(
        msgspec.structs.replace(whole, tabs=tabs, heading=" " * bool(whole.heading), notice=" "), sheet
    )
    ink = ImageChops.difference(opened(drawn), opened(blank)).convert("L").point(lambda v: 255 if v > 40 else 0)
    for words in drawn.words:  # 枠の中の墨を消していくと、最後には何も残らない
        frame = words.frame
        ink.paste(0, (frame.x, frame.y, frame.right, frame.bottom))
    assert ink.getbbox() is None


WORDS = ("ｗ" * 9, "WWWWWWWWWWWWWWWWWWWW", "gjpqy|Ｑ", "゛゜ヷ鬱", "1,234,567円", "Å É ȫ", "あ" * 20, "—————", "い")


@pytest.mark.parametrize("grid", ["1", "5", "3+3", "1+2+3", "5+5+5+4"])
@pytest.mark.parametrize("picture", ["", "bell"])
def test_no_glyph_of_any_word_crosses_an_edge_or_the_word_is_refused(grid, picture):
    count = sum(int(row) for row in grid.split("+"))
    cells = [
        cell(words=f"['{WORDS[n % 9]}', '{WORDS[(n * 5 + 3) % 9]}']", picture=picture or "''") for n in range(count)
    ]
    whole = read(text(tab("a", *cells, grid=grid), heading="'|gjpqy| 見出し'"))
    drawn = drawing.draw(whole, 0)
    for words in drawn.words:
        assert words.frame.x <= words.box.x, words.text
        assert words.box.right <= words.frame.right, words.text
        assert words.frame.y <= words.box.y, words.text
        assert words.box.bottom <= words.frame.bottom, words.text
    placed = {words.text for words in drawn.words}
    refused = "".join(finding.message for finding in drawn.findings)
    for one in whole.tabs[0].cells:
        for line in one.text:
            assert line in placed or f"「{line}」" in refused


@pytest.mark.parametrize(("file", "sheet"), SHEETS, ids=lambda value: getattr(value, "stem", str(value)))
def test_the_shipped_menus_are_dark_large_and_light_enough(file, sheet):
    drawn = drawing.draw(read(file.read_text(encoding="utf-8")), sheet)
    assert min(words.ratio for words in drawn.words) >= contrast.ENOUGH
    assert min(words.size for words in drawn.words) >= LEAST_TEXT
    assert len(drawn.image) <= 1_000_000


def test_the_same_declaration_gives_the_same_bytes():
    assert drawing.draw(read(two_tabs()), 0).image == drawing.draw(read(two_tabs()), 0).image


@pytest.mark.parametrize("palette", PALETTES)
def test_every_palette_is_dark_enough_in_every_place(palette):
    source = text(
        tab(
            "a",
            cell(words="[大きい, 小さい]"),
            cell(words="[大きい, 小さい]", strong="true"),
            grid="2",
            palette=palette,
        ),
        *(tab(other, cell(), palette=other) for other in PALETTES if other != palette),
        heading="見出し",
    )
    drawn = drawing.draw(read(source), 0)
    assert {words.text: round(words.ratio, 1) for words in drawn.words if words.ratio < contrast.ENOUGH} == {}


async def test_faint_text_is_measured_on_the_drawn_pixels():
    image = Image.new("RGB", (200, 60), (200, 200, 200))
    mask = Image.new("L", (100, 30), 0)
    mask.paste(255, (20, 10, 60, 20))
    image.paste((160, 160, 160), (50, 15), mask)
    assert contrast.measured(image, mask, declaration.Bounds(50, 15, 100, 30)) < 2


def test_words_too_long_for_a_cell_are_a_finding_not_a_smaller_glyph():
    drawn = drawing.draw(read(text(tab("a", cell(words=f"[{'長' * 40}]"), cell(), grid="2"))), 0)
    assert "ボタンに入りません" in drawn.findings[0].message
    assert all(words.text != "長" * 40 for words in drawn.words)


def noise():
    """これ以上は小さくならない写真。"""
    picture = Image.merge("RGB", [Image.effect_noise((1600, 1080), 200) for _ in range(3)])
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=50)
    return out.getvalue()


def pictured(name):
    rights = "{owner: 区, permission: 自作}"
    return text(tab("a", cell(words="[]"), artwork=name, rights=rights), size="{width: 2500, height: 1686}")


def test_a_photograph_becomes_a_jpeg_under_a_megabyte():
    photo = io.BytesIO()
    Image.radial_gradient("L").resize((1600, 1080)).convert("RGB").save(photo, "PNG")
    drawn = drawing.draw(read(pictured("sora.png")), 0, photo.getvalue())
    assert drawn.content_type == "image/jpeg"
    assert len(drawn.image) <= 1_000_000


async def test_a_picture_over_a_megabyte_is_refused_with_its_size(database):
    name = await artwork.add(None, "noise.jpg", artwork.clean(noise()), owner="区", permission="自作", credit="")
    built = await building.build(declaration.parse(pictured(name)), WHERE, Role.RESIDENT)
    assert built.blocked
    assert re.search(r"絵が1\.\dMBあります。LINEに付けられるのは1MBまで", built.findings[0].message)


def test_the_strip_shows_where_one_is():
    whole = read(two_tabs())
    first, second = (opened(drawing.draw(whole, n)) for n in (0, 1))
    strip = geometry.layout(whole, whole.tabs[0]).strip
    middle = [(b.x + b.width // 2, b.y + b.height // 6) for b in strip]
    assert first.getpixel(middle[0]) != first.getpixel(middle[1])
    assert second.getpixel(middle[0]) != second.getpixel(middle[1])


def test_areas_cover_the_picture_without_gaps():
    whole = read(two_tabs())
    plan = geometry.layout(whole, whole.tabs[0])
    assert geometry.uncovered(whole.size, [*plan.strip, *plan.cells, *plan.spare]) == 0
