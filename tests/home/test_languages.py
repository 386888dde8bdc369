"""公開ページの五つの言語: どのページも、その言語だけで読める。職員の書いた文だけが、日本語と断って残る(issue 3の4、RULES 47)。"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import pytest_asyncio

from backend.account import state, warning
from backend.menus.roles import Role
from backend.store import work
from backend.texts.catalogue import Words
from backend.texts.languages import BY_CODE, LANGUAGES
from tests import pages
from tests.cast import Cast
from tests.console_fixtures import app, people
from tests.menus import making
from tests.messages import requests

__all__ = ["app", "people"]
TRANSLATED = [language.code for language in LANGUAGES if language.code != "ja"]
ADDRESSES = {
    "/": ["/"],
    "/accessibility": ["/accessibility"],
    "/go/{code:str}": ["/go/nothing"],
    "/menu": ["/menu"],
    "/policy": ["/policy"],
    "/policy/consent": ["/policy/consent"],
    "/policy/consent/{number:int}": ["/policy/consent/1", "/policy/consent/99"],
    "/privacy": ["/privacy"],
    "/verify": ["/verify"],
    "/verify/{number:str}": ["/verify/B-2611-9999", "/verify/x"],
    "": ["/nothing-here"],
}
"""道の型 → 開くアドレス。道のないアドレスも、一つのページ。"""
PATHS = [path for paths in ADDRESSES.values() for path in paths]
_FOREIGN = {
    "easy": re.compile(r"[一-鿿々]"),  # 読みのない漢字
    "en": re.compile(r"[ぁ-んァ-ヶ一-鿿々]"),
    "zh": re.compile(r"[ぁ-んァ-ヶ]"),
    "ko": re.compile(r"[ぁ-んァ-ヶ一-鿿々]"),
}
_VOID = {"meta", "link", "input", "br", "path", "img"}


@dataclass
class Seen(HTMLParser):
    """画面の文字を、断りのある言語ごとに分けて読む。ページの言語の文字は空の印。ルビと、その読みは数えない。"""

    page: str
    texts: list[tuple[str, str]] = field(default_factory=list)
    plain: list[tuple[str, str]] = field(default_factory=list)  # 題と属性。ルビを持てない
    links: list[str] = field(default_factory=list)
    _open: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        lang = (tag != "html" and named.get("lang")) or (self._open[-1][1] if self._open else "")
        self.plain += [(lang, words) for name in ("aria-label", "content", "title") if (words := named.get(name))]
        if tag == "a" and (target := named.get("href")):
            self.links.append(target)
        if tag not in _VOID:
            self._open.append((tag, lang))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = {tag for tag, _ in self._open}
        if data.strip() and not inside & {"ruby", "rt"}:
            place = self.plain if "title" in inside else self.texts
            place.append((self._open[-1][1] if self._open else "", data.strip()))


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(app: Any, people: Cast) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
        yield client


def test_every_public_page_is_looked_at_in_every_language(app: Any) -> None:
    assert sorted(path for path in ADDRESSES if path) == pages.of_public(app)


@pytest.mark.parametrize("mode", ["normal", "disaster", "stopped"])
@pytest.mark.parametrize("code", TRANSLATED)
async def test_no_word_of_another_language_stands_on_a_public_page(
    visitor: httpx.AsyncClient, people: Cast, code: str, mode: str
) -> None:
    if mode == "disaster":
        await work.run(state.enter_disaster, people.watanabe)
    elif mode == "stopped":
        await work.run(state.stop, people.ito, everything=True)
    wrong: list[tuple[str, str]] = []
    for path in PATHS:
        seen = Seen((await visitor.get(f"{path}?lang={code}")).text)
        assert seen.texts
        wrong += [
            (path, words)
            for lang, words in (seen.texts if code == "easy" else seen.texts + seen.plain)
            if not lang and _FOREIGN[code].search(words)
        ]
    print(f"{code} {mode}: {len(PATHS)}ページ、ほかの言語のまま残る文 {len(wrong)}")
    assert wrong == []


@pytest.mark.parametrize("path", PATHS)
async def test_the_language_is_said_to_people_and_to_machines(visitor: httpx.AsyncClient, path: str) -> None:
    for language in LANGUAGES:
        answer = await visitor.get(path, headers={"accept-language": language.tag}, params={"lang": language.code})
        assert f'<html lang="{language.tag}">' in answer.text
        assert answer.headers["content-language"] == language.tag
        assert "Accept-Language" in answer.headers["vary"]
        assert "set-cookie" not in answer.headers
        links = Seen(answer.text).links
        assert [f"?lang={one.code}" for one in LANGUAGES] == [one for one in links if re.fullmatch(r"\?lang=\w+", one)]
        pages = [one for one in links if one.startswith("/") and not one.endswith(".json")]
        inside = [one for one in pages if f"lang={language.code}" not in one]
        assert inside == [], "頼んだ言語を忘れるリンク"


async def test_the_browser_chooses_when_nobody_asked(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/verify", headers={"accept-language": "ko-KR,ko;q=0.9,ja;q=0.5"})
    assert '<html lang="ko">' in answer.text
    assert 'href="/privacy"' in answer.text, "頼まれていない言語を、アドレスに書かない"


@pytest.mark.parametrize("code", TRANSLATED)
async def test_a_translation_says_that_the_japanese_text_is_authoritative(
    visitor: httpx.AsyncClient, code: str
) -> None:
    sentence = Words(BY_CODE[code])("これは訳です。日本語が正文です。").__html__()
    for path in PATHS:
        assert sentence in (await visitor.get(f"{path}?lang={code}")).text, path
        assert "日本語が正文です。</p>\n" not in (await visitor.get(f"{path}?lang=ja")).text.split("<h2>")[0]


async def test_furigana_is_a_choice_kept_in_the_address(visitor: httpx.AsyncClient) -> None:
    assert '<body data-ruby="0">' in (await visitor.get("/privacy?lang=easy")).text
    chosen = (await visitor.get("/privacy?lang=easy&ruby=1")).text
    assert '<body data-ruby="1">' in chosen
    assert 'href="/verify?lang=easy&amp;ruby=1"' in chosen


async def test_looking_up_a_number_keeps_the_language(visitor: httpx.AsyncClient) -> None:
    assert 'name="lang" value="en"' in (await visitor.get("/verify?lang=en")).text
    answer = await visitor.get("/verify", params={"number": "b26110042", "lang": "en"})
    assert answer.headers["location"] == "/verify/B-2611-0042?lang=en"


async def test_what_officers_wrote_stays_as_written_and_is_marked_japanese(
    visitor: httpx.AsyncClient, people: Cast
) -> None:
    number = await _sent(people)
    await warning.show(people.sato, "偽物が見つかりました。")
    seen = Seen((await visitor.get(f"/verify/{number}?lang=en")).text)
    japanese = [words for lang, words in seen.texts if lang == "ja"]
    assert "本郷のまつり" in japanese
    assert "子育て支援課" in japanese
    assert "偽物が見つかりました。" in japanese
    assert any("本郷で開きます。" in words for words in japanese)
    listed = Seen((await visitor.get("/verify?lang=ko")).text)
    assert ("ja", "本郷のまつり") in listed.texts
    assert not [words for lang, words in [*seen.texts, *listed.texts] if not lang and "本郷" in words]


async def test_an_english_version_of_a_message_is_marked_english(visitor: httpx.AsyncClient, people: Cast) -> None:
    number = await _sent(people, body_en="The festival is on December 5.")
    assert '<blockquote class="sent-text" lang="en">' in (await visitor.get(f"/verify/{number}")).text


async def test_a_telephone_is_offered_in_the_language(visitor: httpx.AsyncClient) -> None:
    await work.sql("update link set url = 'tel:03-5803-1111' where code = 'koe'")
    label = (await work.sql("select label from link where code = 'koe'"))[0]["label"]
    page = (await visitor.get("/go/koe?lang=en")).text
    assert "Call 03-5803-1111" in page
    assert [lang for lang, words in Seen(page).texts if words == label] == ["ja"]


async def test_the_menu_in_words_stays_as_the_officers_wrote_it(visitor: httpx.AsyncClient) -> None:
    shown = await making.version(Role.RESIDENT, making.two_tabs())
    await work.sql("insert into menu_current (role, version_id) values ('resident', $1)", shown.id)
    seen = Seen((await visitor.get("/menu?lang=zh")).text)
    assert ("ja", "区のサイトを開く") in seen.texts
    assert not [words for lang, words in seen.texts if not lang and _FOREIGN["zh"].search(words)]


async def _sent(people: Cast, **changes: str) -> str:
    """LINEが受け付けた一つのお知らせの番号。"""
    request = await requests.submitted(
        people.tanaka, title="本郷のまつり", body="12月5日(土)に本郷で開きます。", **changes
    )
    await requests.approve(people.sato, request)
    rows = await work.sql(
        "update delivery set first_accepted_at = ward_now(), state = 'sent', finished_at = ward_now() "
        "where source = $1 returning public_number",
        f"message:{request}",
    )
    return rows[0]["public_number"]
