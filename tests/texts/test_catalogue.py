"""目録: 足りない文、余った文、欠けた差し込み、読みのない漢字があれば、出荷できない(issue 3の4)。"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from backend.account import policy
from backend.residents import liff_words
from backend.texts import catalogue, languages
from backend.texts.catalogue import EasyText, Words
from backend.ward.kinds import Kind

BACKEND = Path(catalogue.__file__).parents[1]
CATALOGUES = [language.catalogue for language in languages.LANGUAGES if language.code != "ja"]
_HOLE = re.compile(r"\{\w+\}")
_KANJI = re.compile(r"[一-鿿々]")


def asked_for() -> set[str]:
    """コードとテンプレートが目録に求める、日本語の文。"""
    found: set[str] = set()
    for template in sorted((BACKEND / "templates").rglob("*.html")):
        found |= {text for _, text, _, _ in extract_from_file("jinja2", template, keywords={"_": None})}
    for module in sorted(BACKEND.rglob("*.py")):
        marked = extract_from_file("python", module, keywords={"N_": None, "words": None})
        found |= {text for _, text, _, _ in marked if isinstance(text, str)}
    named = {*(kind.label for kind in Kind), *(version.words for version in policy.VERSIONS)}
    return found | named | {*liff_words.vocabulary()}


def messages(name: str) -> dict[str, str]:
    with (BACKEND / "texts" / f"{name}.po").open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id and not message.fuzzy}


def test_the_page_has_a_text_for_every_place() -> None:
    assert len(asked_for()) > 200


@pytest.mark.parametrize("name", CATALOGUES)
def test_no_missing_key_can_ship(name: str) -> None:
    have = messages(name)
    assert sorted(text for text in asked_for() if not have.get(text)) == []


def test_no_template_of_a_public_page_holds_words_outside_the_catalogue() -> None:
    """どの枝の文も訳される。開いて試せない枝(災害時、訳のない誤り)も含めて。"""
    pages = [
        path for path in (BACKEND / "templates").rglob("*.html") if '{% extends "public.html" %}' in path.read_text()
    ]
    pages += [BACKEND / "templates" / "public.html", *(BACKEND / "templates" / "residents").glob("*.html")]
    assert len(pages) > 25
    bare = {
        path.name: found
        for path in pages
        if (
            found := re.findall(
                r"[^\s>]*[ぁ-んァ-ヶ一-鿿々]+", re.sub(r"\{[#%{].*?[#%}]\}", "", path.read_text(), flags=re.DOTALL)
            )
        )
    }
    assert bare == {}


@pytest.mark.parametrize("name", CATALOGUES)
def test_no_forgotten_key_stays_behind(name: str) -> None:
    assert sorted(set(messages(name)) - asked_for()) == []


@pytest.mark.parametrize("name", CATALOGUES)
def test_every_translation_keeps_the_same_holes(name: str) -> None:
    wrong = [
        text for text, string in messages(name).items() if sorted(_HOLE.findall(text)) != sorted(_HOLE.findall(string))
    ]
    assert wrong == []


def test_every_kanji_in_easy_japanese_has_a_reading() -> None:
    bare = {
        text: string
        for text, string in messages("ja-easy").items()
        if _KANJI.search(re.sub(r"<ruby>.*?</ruby>", "", str(catalogue.ruby(string))))
    }
    assert bare == {}


def test_every_reading_belongs_to_exactly_the_word_before_it() -> None:
    """差し込む言葉が漢字でも、読みの付く語は伸びない。送りがなは読みの中にもある。"""
    wrong: list[str] = []
    for string in messages("ja-easy").values():
        filled = _HOLE.sub(
            "本郷",
            re.sub(r"\{(?:count|months|days|states|checks|number|older|id|year|month|version|time)\}", "3", string),
        )
        shown = str(catalogue.ruby(filled))
        for base, kana in re.findall(r"<ruby>(.*?)<rp>.*?<rt>(.*?)</rt>", shown):
            word = "".join("[ぁ-んー]+" if _KANJI.match(letter) else letter for letter in base)
            wrong += [] if re.fullmatch(word, kana) else [f"{base}({kana})"]
    assert wrong == []


@pytest.mark.parametrize("name", ["en", "ko"])
def test_english_and_korean_hold_no_leftover_japanese(name: str) -> None:
    assert [string for string in messages(name).values() if re.search(r"[ぁ-んァ-ヶ]", string)] == []


def test_a_reading_becomes_ruby_and_the_characters_stay_the_same() -> None:
    html = str(catalogue.ruby("お知らせ(おしらせ)を選ぶ(えらぶ)<b>"))
    assert re.sub(r"<[^>]+>", "", html) == "お知らせ(おしらせ)を選ぶ(えらぶ)&lt;b&gt;"
    assert "<ruby>お知らせ<rp>(</rp><rt>おしらせ</rt>" in html


def test_a_key_that_is_missing_is_an_error_and_never_silent_japanese() -> None:
    with pytest.raises(catalogue.Missing):
        Words(languages.BY_CODE["en"])("目録にない文")


def test_values_are_put_into_the_translation() -> None:
    assert Words(languages.BY_CODE["en"])("選んだ地域: {name}", name="Hongo") == "Chosen area: Hongo"


def test_only_easy_japanese_reads_parentheses_as_furigana() -> None:
    assert isinstance(Words(languages.BY_CODE["easy"])("選ぶ"), EasyText)
    assert not isinstance(Words(languages.JAPANESE)("選ぶ"), EasyText)


@pytest.mark.parametrize(
    ("asked", "accepted", "code"),
    [
        ("", "ja-JP,ja;q=0.9,en;q=0.8", "ja"),
        ("", "ko-KR,ko;q=0.9,ja;q=0.5", "ko"),
        ("", "zh-CN", "zh"),
        ("", "fr-FR,en;q=0.3", "en"),
        ("", "fr-FR", "ja"),
        ("easy", "en", "easy"),
        ("xx", "en;q=nonsense", "en"),
        ("", "", "ja"),
    ],
)
def test_the_page_language_follows_the_address_then_the_phone(asked: str, accepted: str, code: str) -> None:
    assert languages.choose(asked, accepted).code == code
