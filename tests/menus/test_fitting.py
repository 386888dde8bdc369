"""升に収める: どの並べ方でも、絵と言葉は升の縁を越えない。入らないものと描けない文字は、指摘になる。"""

import io

import pytest
from PIL import Image, ImageChops

from backend.menus import arranging, declaration, drawing, fonts, geometry, grids
from backend.menus.arranging import LEAST_TEXT, Line
from backend.menus.declaration import Severity
from tests.menus.making import cell, tab, text

LARGE, COMPACT = "{width: 2500, height: 1686}", "{width: 2500, height: 843}"
GRIDS = sorted({grid for count in range(1, 20) for grid in grids.grids(count)})
SHORT = ("ごみ", "収集日")
WORDS = [SHORT, ("高齢者の相談窓口", "あんしん相談センター"), ("gjpqy|Ｑ", "ÅÉȫ")]


def dense(grid, words=SHORT, *, size=LARGE, heading="", tabs=0, picture="bell"):
    """升をすべて埋めた一枚と、ほかのタブ。"""
    cells = [cell(f"ボタン{n}", words=f"[{', '.join(words)}]", picture=picture) for n in range(places(grid))]
    more = {"heading": heading} if heading else {}
    others = [tab(f"t{n}", cell()) for n in range(1, tabs)]
    found = declaration.parse(text(tab("t0", *cells, grid=grid), *others, size=size, **more)).declaration
    assert found
    return found


def places(grid):
    return sum(int(row) for row in grid.split("+"))


def smaller(whole, width=800):
    """速く描くための、同じ形の小さい絵。"""
    size = declaration.Size(width, round(whole.size.height * width / whole.size.width))
    return declaration.Declaration(
        whole.name, whole.chatBarText, size, whole.tabs, heading=whole.heading, notice=whole.notice
    )


@pytest.mark.parametrize("tabs", [0, 2, 5])
@pytest.mark.parametrize("heading", ["", "見出し"])
@pytest.mark.parametrize("size", [LARGE, COMPACT], ids=["large", "compact"])
@pytest.mark.parametrize("words", WORDS, ids=["short", "long", "tall"])
def test_no_word_and_no_picture_crosses_an_edge_in_any_grid(words, size, heading, tabs):
    for grid in GRIDS:
        whole = dense(grid, words, size=size, heading=heading, tabs=tabs)
        for bounds in set(geometry.layout(whole, whole.tabs[0]).cells):
            card = arranging.inset(bounds, 18)
            lines = [Line(words[0], main=True), Line(words[1], main=False)]
            found = arranging.arrange(card, lines, 2500, pictured=True)
            for spot in found.spots if found else ():
                # 升どうしをそろえるときに、2割までは小さくなる
                for one in (spot.size, round(spot.size * 0.9), round(spot.size * 0.8)):
                    box = fonts.ink(spot.line.text, one, spot.centre, bold=spot.line.main)
                    assert within(box, card), grid
            assert not (found and found.disc) or within(found.disc, card), grid


def within(box, frame):
    return frame.x <= box.x and box.right <= frame.right and frame.y <= box.y and box.bottom <= frame.bottom


DENSE = [("4+4+4", LARGE, "", 0), ("5+5+5", LARGE, "", 0), ("5+5+5+4", LARGE, "", 0), ("4+4", LARGE, "見出し", 2)]
DENSE += [("5", COMPACT, "見出し", 0), ("4+4", COMPACT, "", 0), ("5+5", COMPACT, "", 2), ("3+3", LARGE, "", 5)]


@pytest.mark.parametrize("words", WORDS, ids=["short", "long", "tall"])
@pytest.mark.parametrize(("grid", "size", "heading", "tabs"), DENSE)
def test_every_word_is_drawn_inside_its_frame_or_refused(grid, size, heading, tabs, words):
    drawn = drawing.draw(smaller(dense(grid, words, size=size, heading=heading, tabs=tabs)), 0)
    assert [one.text for one in drawn.words if not within(one.box, one.frame)] == []
    told = " ".join(finding.message for finding in drawn.findings if finding.severity is Severity.BLOCK)
    placed = {one.text for one in drawn.words}
    assert [line for line in words if line not in placed and f"「{line}」" not in told] == []


@pytest.mark.parametrize(("grid", "size", "heading", "tabs"), DENSE)
def test_what_is_drawn_stays_inside_the_cards(grid, size, heading, tabs):
    """言葉と絵のある絵とない絵の違い(=墨の乗った画素)が、どれも升の中にある。"""
    whole = dense(grid, size=size, heading=heading, tabs=tabs)
    bare = dense(grid, ("''", "''"), size=size, heading=heading, tabs=tabs, picture="''")
    full, empty = (Image.open(io.BytesIO(drawing.draw(one, 0).image)).convert("RGB") for one in (whole, bare))
    ink = ImageChops.difference(full, empty).convert("L").point(lambda value: 255 if value > 40 else 0)
    for bounds in geometry.layout(whole, whole.tabs[0]).cells:
        ink.paste(0, (bounds.x + 18, bounds.y + 18, bounds.right - 18, bounds.bottom - 18))
    assert ink.getbbox() is None


@pytest.mark.parametrize("grid", ["4+4+4", "5+5+5"])
def test_twelve_and_fifteen_buttons_keep_their_pictures_and_both_lines(grid):
    drawn = drawing.draw(dense(grid), 0)
    assert drawn.findings == ()
    assert len(drawn.words) == 2 * places(grid) + 1
    assert min(words.size for words in drawn.words) >= LEAST_TEXT


def test_a_picture_without_room_is_left_out_and_said():
    drawn = drawing.draw(dense("5+5+5+4", ("高齢の相談", "あんしん相談"), heading="見出し", tabs=2), 0)
    finding = drawn.findings[0]
    assert finding.severity is Severity.WARN
    assert "「ボタン0」の絵は、言葉と並べると入らない" in finding.message
    assert finding.path == ("tabs", 0, "cells", 0, "picture")


def test_words_too_tall_for_a_cell_are_refused_with_what_to_do():
    drawn = drawing.draw(dense("5+5+5+4", size=COMPACT), 0)
    finding = drawn.findings[0]
    assert (finding.severity, finding.path) == (Severity.BLOCK, ("tabs", 0, "cells", 0, "text"))
    assert finding.message == "「ごみ」と「収集日」がボタンの高さに入りません。"
    assert "段の少ない並べ方" in finding.remedy


def drawn_with(words, **more):
    found = declaration.parse(text(tab("a", cell(words=f"['{words}']")), **more)).declaration
    assert found
    return drawing.draw(found, 0)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("🎉お祭り", "「🎉」"),
        ("👶赤ちゃん", "「👶」"),
        ("𠮷野家", "「𠮷」"),
        ("한국어", "「한」「국」「어」"),
        ("简体字", "「简」"),
        ("見え\u200bない", "「見えない文字U+200B」"),
        ("葛\U000e0100飾", "「見えない文字U+E0100」"),
    ],
)
def test_a_character_the_typeface_lacks_is_refused_by_name(words, named):
    (finding,) = drawn_with(words).findings
    assert finding.severity is Severity.BLOCK
    assert f"「{words}」の{named}は、絵に描けない文字です。" == finding.message
    assert finding.path == ("tabs", 0, "cells", 0, "text")
    assert finding.remedy


def test_characters_the_typeface_has_are_no_finding():
    assert drawn_with("①㈱→★♪☎ｶﾅ髙﨑〜").findings == ()
    assert fonts.unknown("日本語 English 123", bold=True) == []


def test_the_heading_the_notice_and_the_tabs_may_not_hold_unknown_characters_either():
    found = declaration.parse(
        text(tab("a", cell(), title="🎉"), tab("b", cell()), heading="👶", notice="読めません🙏")
    ).declaration
    assert {finding.path for finding in drawing.draw(found, 0).findings} == {
        ("tabs", 0, "title"),
        ("heading",),
        ("notice",),
    }


def test_a_cell_outside_the_picture_is_not_drawn():
    """大きさの分からない升を描くと、記憶を使い切る。"""
    huge = {"bounds": "{x: 0, y: 0, width: 99999, height: 99999}"}
    found = declaration.parse(text(tab("a", cell(**huge)))).declaration
    assert [words.path for words in drawing.draw(found, 0).words] == [("notice",)]
