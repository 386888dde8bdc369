"""宣言: どの規則も、行と直し方を日本語で言う。"""

from pathlib import Path

import pytest

from backend.menus import declaration, graphemes, rules, yaml_lines
from backend.menus.roles import Role
from tests.menus.making import WHERE, cell, emergency, tab, text, two_tabs

SHIPPED = sorted((Path(__file__).parent.parent.parent / "richmenu").glob("*.yaml"))


def findings(source, role=Role.RESIDENT):
    return rules.check(declaration.parse(source), WHERE, role)


def said(source, role=Role.RESIDENT):
    return " ".join(f"{f.line}行目 {f.message} {f.remedy}" for f in findings(source, role))


def test_a_sound_declaration_has_no_findings():
    assert findings(two_tabs()) == []


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_the_writer_writes_is_read_back_byte_for_byte(file):
    source = file.read_text(encoding="utf-8")
    read = declaration.parse(source).declaration
    assert read
    assert declaration.write(read) == source


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (text(tab("a", cell(label="''"))), "読み上げの言葉がありません"),
        (text(tab("a", cell(label="あ" * 21))), "読み上げの言葉が長すぎます(21文字)"),
        (text(tab("a", *[cell()] * 21, grid="4+4+4+5")), "並べ方は17個分、ボタンは21個"),
        (text(tab("a", cell(action="{uri: 'https://example.com/'}"))), "「example.com」は区のサイトではありません"),
        (text(tab("a", cell(action="{uri: 'http://www.city.bunkyo.lg.jp/'}"))), "https://"),
        (text(tab("a", cell(action="{uri: 'https://www.city.bunkyo.lg.jp/ごみ'}"))), "%E3%81%94%E3%81%BF"),
        (text(tab("a", cell(action="{uri: 'https://www.city.bunkyo.lg.jp.evil.jp/'}"))), "区のサイトではありません"),
        (text(tab("a", cell(action="{uri: 'https://www.city.bunkyo.lg.jp@evil.jp/'}"))), "使えません"),
        (text(tab("a", cell(action="{uri: 'javascript:alert(1)'}"))), "使えません"),
        (text(tab("a", cell(action="{tel: 電話}"))), "電話番号「電話」を読み取れません"),
        (text(tab("a", cell(action="{link: nai}"))), "リンク台帳に「nai」がありません"),
        (text(tab("a", cell(action="{tab: nai}"))), "「nai」というタブはありません"),
        (text(tab("a", cell(action="{tel: '119', page: /menu}"))), "行き先が一つに決まっていません"),
        (text(tab("Ａ", cell())), "別名「Ａ」は使えません"),
        (text(tab("a", cell()), tab("a", cell())), "別名「a」が二度使われています"),
        (text(tab("a", cell()), notice="こんにちは"), "書き込みを区が読めない"),
        (text(tab("a", cell()), size="{width: 2501, height: 1686}"), "800から2,500まで"),
        (text(tab("a", cell()), size="{width: 800, height: 249}"), "絵の高さは250から"),
        (text(tab("a", cell()), size="{width: 800, height: 600}"), "縦に長すぎます"),
        (text(tab("a", cell(), palette="niji")), "「niji」という色の組はありません"),
        (text(tab("a", cell(picture="unicorn"))), "「unicorn」という絵はありません"),
        (text(tab("a", cell(), artwork="haru.png")), "絵の持ち主と許しが書かれていません"),
        (text(tab("a", cell()), name="あ" * 61), "名前が長すぎます(61文字)"),
        (
            text(tab("a", cell())).replace("chatBarText: メニュー", f"chatBarText: {'あ' * 15}"),
            "下に出る文字が長すぎます(15文字)",
        ),
        (text(tab("a", cell(), title="あ" * 11)), "タブの題が長すぎます(11文字)"),
        (text(tab("a" * 33, cell(), title="く")), "32文字まで"),
        (text(*(tab(f"t{n}", cell()) for n in range(6))), "タブは5枚までです(いま6枚)"),
        (text(tab("a", cell(words="[一, 二, 三]"))), "絵に書く言葉は二行までです"),
        (text(tab("a", cell(action=f"{{uri: 'https://www.city.bunkyo.lg.jp/{'a' * 980}'}}"))), "アドレスが長すぎます"),
        (text(tab("a", cell(), cell(), grid="いろは")), "ボタンの並べ方が決まっていません"),
        (text(tab("a", cell(action="{}"))), "行き先が一つに決まっていません"),
    ],
)
def test_each_rule_names_the_fault_and_the_remedy(source, words):
    assert words in said(source)


def test_twenty_one_areas_are_refused_because_line_takes_twenty():
    tabs = [tab("a", *[cell()] * 19, grid="5+5+5+4"), tab("b", cell())]
    assert "押せる場所は20か所まで" in said(text(*tabs, size="{width: 2500, height: 1686}"))


def bounds(x, y, width, height):
    return {"bounds": f"{{x: {x}, y: {y}, width: {width}, height: {height}}}"}


def test_overlapping_areas_are_refused():
    source = text(tab("a", cell(**bounds(0, 0, 400, 400)), cell(label="もう一つ", **bounds(399, 0, 400, 400))))
    assert "「もう一つ」が「区のサイトを開く」と重なっています" in said(source)


def test_an_area_outside_the_picture_is_refused():
    assert "絵の外に出ています" in said(text(tab("a", cell(**bounds(500, 0, 400, 400)))))


def test_an_area_under_44_px_on_a_small_phone_is_refused():
    assert "小さすぎて押せません" in said(text(tab("a", cell(**bounds(0, 0, 109, 400)))))
    assert "小さすぎて" not in said(text(tab("a", cell(**bounds(0, 0, 110, 400)))))


def test_a_place_that_does_nothing_is_only_a_warning():
    found = findings(text(tab("a", cell(**bounds(0, 0, 400, 400)))))
    assert [f.severity for f in found] == [declaration.Severity.WARN]


def test_a_finding_names_the_line_it_speaks_of():
    source = text(tab("a", cell(), cell(label="あ" * 30), grid="2"))
    line = next(n for n, words in enumerate(source.split("\n"), 1) if "あ" * 30 in words)
    assert [f.line for f in findings(source)] == [line]


def test_the_disaster_menu_needs_a_telephone_and_few_cells():
    assert findings(emergency(), Role.EMERGENCY) == []
    assert "かけられる電話のボタンがありません" in said(two_tabs(), Role.EMERGENCY)
    assert "ボタンが多すぎます" in said(text(tab("a", *[cell(action="{tel: '119'}")] * 5, grid="2+3")), Role.EMERGENCY)


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("name: x\nnanika: y\n", 2, "「nanika」という項目はありません"),
        ("name: x\nname: y\n", 2, "二度書かれています"),
        ("name: &a x\nchatBarText: *a\n", 1, "使えません"),
        ("name: [\n", 2, "YAMLの書き方に誤り"),
        ("name: x\n", 1, "ありません"),
        ("", 1, "何も書かれていません"),
        ("name: !!python/object/apply:os.system [ls]\n", 1, "使えません"),
        (text(tab("a", "      - action: {tel: '119'}\n        text: [x]\n")), 10, "「label」がありません"),
    ],
)
def test_what_cannot_be_read_names_its_line(source, line, words):
    found = declaration.parse(source).findings
    assert words in found[0].message
    assert found[0].line == line


def test_a_telephone_number_keeps_its_leading_zero():
    read = declaration.parse(text(tab("a", cell(action="{tel: 0338127111}")))).declaration
    assert read
    assert read.tabs[0].cells[0].action.tel == "0338127111"


def test_a_very_deep_or_long_declaration_is_refused():
    for source in ("[" * 500, "a: " * 100_000):
        with pytest.raises(yaml_lines.Unreadable):
            yaml_lines.read(source)


@pytest.mark.parametrize(
    ("words", "count"),
    [("あいう", 3), ("か\u3099", 1), ("👨‍👩‍👧‍👦", 1), ("👍🏽", 1), ("🇯🇵🇯🇵", 2), ("☎️", 1), ("각", 1), ("各", 1)],
)
def test_lengths_are_counted_as_people_see_them(words, count):
    assert graphemes.count(words) == count


def test_fourteen_emoji_families_fit_the_chat_bar():
    assert "トークの下に出る文字" not in said(
        two_tabs().replace("chatBarText: メニュー", f"chatBarText: {'👨‍👩‍👧‍👦' * 14}")
    )
