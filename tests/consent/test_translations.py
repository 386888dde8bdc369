"""訳の記録: 訳した人と確かめた人のある言語だけを見せ、ほかは日本語の文になる(RULES 47)。"""

from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from backend.consent import notices, publishing, translations
from backend.consent.translations import TRANSLATED, Translation
from backend.errors import Refused
from backend.residents.choices import Choices
from backend.store import clock, work
from tests.cast import Cast
from tests.consent.desk import form, proposal, publish
from tests.console_fixtures import Opening, app, console, people
from tests.residents.people import SAKURA, consented

__all__ = ["app", "console", "people"]


async def record(translator: str = "翻訳会社", checker: str = "国際交流担当", days_ago: int = 0) -> Translation:
    today = (await clock.now()).astimezone(clock.JST).date()
    return Translation(translator, checker, today - timedelta(days=days_ago))


async def test_who_translated_and_who_checked_is_kept_with_the_version(database):
    made = await record(days_ago=3)
    number = await publish(translated={"en": made})
    assert await translations.of(number) == {"en": made}


async def test_a_language_without_a_record_shows_the_japanese_text(database, keys, owner):
    """同意の件も、本人が読んだ日本語の文に結び付く。"""
    number = await publish(translated={"en": await record()})
    ja = await notices.get(number, "ja")
    assert (await notices.get(number, "en")).language == "en"
    for language in ("easy", "zh", "ko"):
        assert await notices.get(number, language) == ja
    await consented(keys, SAKURA, Choices(purposes=notices.Purpose.AREA, area=12), language="ko")
    event = await owner.fetchrow("select language, text_sha256 from consent_event")
    assert (event["language"], event["text_sha256"].hex()) == ("ja", ja.texts[notices.Purpose.AREA].sha256)


async def test_the_text_of_an_unchecked_language_is_not_even_stored(database):
    number = await publish(translated={})
    assert {language for language, parts in (await publishing.texts(number)).items() if parts} == {"ja"}


@pytest.mark.parametrize("lacking", ["translator", "checker", "checked_on"])
async def test_half_a_record_is_refused(database, lacking: str):
    empty = None if lacking == "checked_on" else " "
    with pytest.raises(Refused):
        await proposal(translated={"en": replace(await record(), **{lacking: empty})})


async def test_nobody_checks_their_own_translation(database):
    with pytest.raises(Refused):
        await proposal(translated={"en": await record("翻訳会社", " 翻訳会社")})


async def test_a_check_in_the_future_or_of_the_japanese_text_is_refused(database):
    for made in ({"en": await record(days_ago=-1)}, {"ja": await record()}, {"fr": await record()}):
        with pytest.raises(Refused):
            await proposal(translated=made)


async def test_the_approval_covers_the_record(database):
    number = await proposal(translated={"en": await record()})
    found = await publishing.version(number)
    before = await publishing.digest(found)
    await work.run(translations.write, number, {"ko": await record()})
    assert await publishing.digest(found) != before


async def test_the_first_text_says_that_the_ward_has_not_checked_it_yet(database):
    first = await translations.of(1)
    assert set(first) == set(TRANSLATED)
    assert {(one.checker, one.checked_on) for one in first.values()} == {("", None)}


async def test_the_database_refuses_a_record_without_a_second_person(database, owner: asyncpg.Connection):
    number = await proposal(translated={})
    for names in (("翻訳会社", ""), ("翻訳会社", "翻訳会社"), ("", "国際交流担当")):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(
                "insert into notice_translation (version, language, translator, checker, checked_on) "
                "values ($1, 'en', $2, $3, current_date)",
                number,
                *names,
            )


async def test_the_form_records_it_and_the_second_person_sees_it(people: Cast, console: Opening):
    sato, ogawa = await console(people.sato), await console(people.ogawa)
    made = await sato.post("/console/consent/new", await form(only="en"))
    assert made.status_code == 303, made.text
    page = (await ogawa.get(made.headers["location"])).text
    assert "訳した人: 翻訳会社 / 確かめた人: 国際交流担当(2026年11月24日(火))" in page
    assert page.count("訳の記録がないので、この言語の方には日本語の文を見せます") == 3
    assert "この内容で公開する" in page
    assert "まだ(区が確かめた版を公開してください)" in (await ogawa.get("/console/consent/1")).text


async def test_a_refused_form_keeps_what_was_typed(people: Cast, console: Opening):
    sato = await console(people.sato)
    answer = await sato.post("/console/consent/new", await form(**{"en.checker": "", "en.translator": "ぴよ翻訳"}))
    assert answer.status_code == 422
    assert "ぴよ翻訳" in answer.text
    assert "三つとも空にして" in answer.text
    assert len(await publishing.versions()) == 1


async def test_a_new_draft_starts_without_the_old_record(people: Cast, console: Opening):
    """前の版で確かめた人は、新しい文を確かめていない。"""
    await publish(translated={"en": await record()})
    page = (await (await console(people.sato)).get("/console/consent/new")).text
    assert 'name="en.translator" maxlength="80" value=""' in page
    assert "翻訳会社" not in page


async def test_everyone_can_see_who_translated_and_who_checked(people: Cast, console: Opening):
    number = await publish(translated={"en": await record()})
    anyone = await console(people.tanaka)
    for path, words in (
        (f"/policy/consent/{number}?lang=en", "Translation checked by"),
        (f"/policy/consent/{number}?lang=en", '<span lang="ja">国際交流担当</span>'),
        (f"/policy/consent/{number}?lang=en", "The Japanese text is authoritative."),
        (f"/policy/consent/{number}?lang=ko", "이 글은 아직 번역되지 않았습니다"),
        (f"/policy/consent/{number}?lang=ko", '<p lang="ja">文京区'),
        ("/policy/consent/1?lang=zh", "区政府尚未核对"),
        ("/liff?lang=ko", "이 글은 아직 번역되지 않았습니다"),
    ):
        assert words in (await anyone.http.get(path)).text, (path, words)
    for path in (f"/policy/consent/{number}?lang=ja", f"/policy/consent/{number}?lang=en", "/liff?lang=en"):
        page = (await anyone.http.get(path)).text
        assert "この文の訳は" not in page
        assert "has not been translated" not in page
