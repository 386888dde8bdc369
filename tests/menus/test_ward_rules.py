"""区の決まり: 読めないという注意書き、災害時の電話、本当にある行き先、見える言葉。"""

import pytest

from backend.app import create_app
from backend.menus import declaration, rules, targets, wording
from backend.menus.places import Places
from backend.menus.roles import Role
from tests.house.test_doors import NoLine
from tests.menus.making import WHERE, cell, emergency, tab, text


def findings(source, role=Role.RESIDENT):
    return rules.check(declaration.parse(source), WHERE, role)


def blocked(source, role=Role.RESIDENT):
    return " ".join(f"{f.message} {f.remedy}" for f in rules.blocking(findings(source, role)))


@pytest.mark.parametrize(
    "notice",
    [
        "読めません",
        "区は読めません。緊急は119・110",
        "文字が読めませんか?お電話を119・110",
        "ここに書いた文字が読めませんか? 緊急は119・110へ",
        "ここに書いてください。字が小さくて読めません。119・110",
    ],
)
def test_a_notice_that_does_not_say_writing_is_unread_is_refused(notice):
    assert "書き込みを区が読めないことを知らせていません" in blocked(text(tab("a", cell()), notice=f"'{notice}'"))


@pytest.mark.parametrize(
    ("notice", "absent"),
    [
        ("ここに書いても区は読めません", "119・110"),
        ("ここに書いても区は読めません。緊急は119へ", "110"),
        ("ここに書いても区は読めません。緊急は1190・110へ", "119"),
    ],
)
def test_a_notice_without_the_numbers_for_an_emergency_is_refused(notice, absent):
    assert f"緊急の番号({absent})がありません" in blocked(text(tab("a", cell()), notice=notice))


@pytest.mark.parametrize(
    "notice",
    [
        "ここに書いても区は読めません。命の危険は119・110へ",
        "ここに 書いても 区は 読めません。１１９・１１０へ",
        "このトークに送られたメッセージは、区は読んでいません。緊急は110か119",
        "ここに書かれたことを、区は見ることができません。緊急は119・110",
    ],
)
def test_a_notice_in_other_words_is_taken(notice):
    assert findings(text(tab("a", cell()), notice=notice)) == []


@pytest.mark.parametrize("number", ["'1'", "0000", "'000'", "12345", "03-1234-5678", "'999'", "電話"])
def test_a_disaster_menu_whose_telephone_cannot_be_dialled_is_refused(number):
    source = text(tab("s", cell("避難情報を見る"), cell("電話する", f"{{tel: {number}}}"), grid="2", palette="kinkyu"))
    assert "かけられる電話のボタンがありません" in blocked(source, Role.EMERGENCY)
    assert "電話番号" in blocked(source)


def test_a_disaster_menu_whose_cell_has_two_targets_has_no_telephone():
    source = emergency().replace("{tel: 03-3812-7111}", "{tel: 03-3812-7111, page: /menu}")
    assert "かけられる電話のボタンがありません" in blocked(source, Role.EMERGENCY)


@pytest.mark.parametrize(
    "number",
    ["'119'", "'110'", "'#7119'", "03-3812-7111", "0120-000-113", "0570-00-0110", "090-1234-5678", "0800-123-4567"],
)
def test_a_number_that_can_be_dialled_is_taken(number):
    assert findings(text(tab("a", cell(action=f"{{tel: {number}}}")))) == []


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ("{tel: 0000}", "電話番号「0000」にはかけられません"),
        ("{page: /nai}", "「/nai」というページはありません"),
        ("{page: /verify/12}", "「/verify/12」というページはありません"),
        ("{liff: nai}", "受信設定に「nai」という画面はありません"),
    ],
)
def test_a_target_that_does_not_exist_is_refused_with_those_that_do(action, said):
    assert said in blocked(text(tab("a", cell(action=action))))


def test_our_own_page_written_as_an_address_must_exist_too():
    ours = Places("https://line.example.jp", WHERE.liff_id)
    for path, sound in (("/menu", True), ("/menu/", True), ("", True), ("/nai", False)):
        source = text(tab("a", cell(action=f"{{uri: 'https://line.example.jp{path}'}}")))
        assert (rules.check(declaration.parse(source), ours) == []) is sound, path


def test_every_target_offered_is_a_door_of_this_house(settings):
    doors = {route.path for route in create_app(settings, NoLine()).routes}
    assert set(targets.PAGES) <= doors
    assert {f"/liff/{name}" for name in targets.LIFF_PAGES} <= doors


@pytest.mark.parametrize(
    "blank", ["", " ", "\u3000", "\u200b", "\u3164", "\u2800", "\ufeff", "\u00ad", "\uffa0", "\u200b \u2060", "\u0301"]
)
def test_words_no_one_can_see_or_hear_are_no_words(blank):
    assert not wording.visible(blank)
    plain = text(tab("a", cell()))
    for before, name in (
        ("label: 区のサイトを開く", "読み上げの言葉"),
        ("chatBarText: メニュー", "トークの下に出る文字"),
        ("name: 試験のメニュー", "名前"),
        ("title: a", "タブの題"),
    ):
        hidden = blank.encode("unicode_escape").decode().replace("\\x", "\\u00")
        source = plain.replace(before, f'{before.split(":")[0]}: "{hidden}"')
        assert f"{name}がありません" in blocked(source)


@pytest.mark.parametrize("seen", ["あ", "1", "・", "🚒", "か\u3099", "\u200bごみ", "👨‍👩‍👧‍👦"])
def test_one_visible_character_is_enough(seen):
    assert wording.visible(seen)


def test_rights_that_no_one_can_read_are_no_rights():
    rights = '{owner: "\\u3164", permission: 自作}'
    assert "絵の持ち主と許し" in blocked(text(tab("a", cell(), artwork="haru.png", rights=rights)))


def bounds(x, y, width, height):
    return {"bounds": f"{{x: {x}, y: {y}, width: {width}, height: {height}}}"}


def test_a_cell_over_the_notice_is_refused():
    assert "「区のサイトを開く」が「下の注意書き」と重なっています" in blocked(
        text(tab("a", cell(**bounds(0, 0, 800, 540))))
    )


def test_a_cell_over_the_heading_is_refused():
    assert "「見出し」と重なっています" in blocked(text(tab("a", cell(**bounds(0, 0, 800, 400))), heading="春"))


def test_a_cell_that_ends_where_the_notice_begins_is_taken():
    assert findings(text(tab("a", cell(**bounds(0, 0, 800, 486))))) == []


@pytest.mark.parametrize("size", ["{width: 800, height: 0}", "{width: 0, height: 0}", "{width: -5, height: 540}"])
def test_a_size_of_nothing_is_a_finding(size):
    assert "絵の" in blocked(text(tab("a", cell()), size=size))
