"""告知文: 文は動かず、版は二人で変わり、内容の変わった同意だけが終わる(P5, P10, C5)。"""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from backend.consent import first, notices, publishing
from backend.consent.notices import LANGUAGES, PARTS, Purpose
from backend.errors import Forbidden, Refused
from backend.residents import erasure, preferences, renewal
from backend.residents.choices import Choices
from backend.segments import audience, criteria, fields
from backend.store import clock, work
from tests.consent.desk import CHIEF, OFFICER, PR, SECOND, SECTION, proposal, publish
from tests.residents.people import KEN, SAKURA, consented, renewed

GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))
AREA = Choices(purposes=Purpose.AREA | Purpose.AGE, area=12)
DAY = 86400


async def count() -> int:
    return await audience.count(criteria.build([[fields.term("area", 12)]]))


async def test_every_text_has_the_hash_it_always_had(database):
    """P5, C5: 何年たっても、同じ文から同じハッシュ。"""
    checked = 0
    for language in LANGUAGES:
        notice = await notices.get(1, language)
        for purpose in Purpose:
            digest = hashlib.sha256(notice.rendered(purpose).encode()).hexdigest()
            assert digest == notice.texts[purpose].sha256 == GOLDEN["1"][language][purpose.code]
            checked += 1
    print(f"C5: 照らし合わせた文 {checked}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_part_and_the_facts(language: str) -> None:
    parts = first.read(language, 24)
    assert set(parts) == set(PARTS)
    for fact in ("24", "60", "35", "LINE"):
        assert fact in parts["common"], (language, fact)
    assert "{" not in "".join(parts.values())


def test_the_sentence_the_rules_ask_for_is_there() -> None:
    assert "選んだ項目を組み合わせて対象を決めます。" in first.read("ja", 24)["common"]
    assert "個人情報の保護に関する法律" in first.read("ja", 24)["common"]


@pytest.mark.parametrize("table", ["notice", "notice_text", "notice_decision", "consent_event"])
async def test_the_application_can_neither_change_nor_delete(database, keys, table):
    """P11。"""
    await consented(keys, SAKURA, AREA)
    for statement in (
        f"delete from {table}",
        f"update {table} set {_column(table)} = {_column(table)}",
        f"truncate {table} cascade",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await work.sql(statement)


def _column(table: str) -> str:
    return "purpose" if table == "consent_event" else "version"


async def test_a_material_change_ends_old_consents_ninety_days_after_it_takes_effect(database, keys):
    await consented(keys, SAKURA, AREA)
    await publish(Purpose.AREA, effective_in=30)
    await clock.advance(119 * DAY)
    assert await count() == 1
    await clock.advance(2 * DAY)
    assert await count() == 0
    await erasure.sweep(keys)
    held = await preferences.held(keys, SAKURA)
    assert held is not None
    assert set(held.grants) == {Purpose.AGE}


async def test_renewing_keeps_counting(database, keys):
    await consented(keys, SAKURA, AREA)
    number = await publish(Purpose.AREA, effective_in=30)
    await renewed(keys, SAKURA, Purpose.AREA, notice_version=number)
    await clock.advance(125 * DAY)
    assert await count() == 1


async def test_a_cosmetic_change_ends_nothing(database, keys):
    await consented(keys, SAKURA, AREA)
    number = await publish()
    await clock.advance(200 * DAY)
    assert await count() == 1
    assert (await notices.current()).version == number


async def test_a_change_to_one_purpose_leaves_the_others(database, keys):
    await consented(keys, SAKURA, AREA)
    await publish(Purpose.AGE, effective_in=0)
    await clock.advance(91 * DAY)
    await erasure.sweep(keys)
    assert await count() == 1


async def test_who_wrote_it_cannot_publish_it(database):
    number = await proposal(Purpose.AREA, actor=OFFICER)
    with pytest.raises(Forbidden):
        await work.run(renewal.publish, OFFICER, number)
    assert (await notices.current()).version == 1
    await work.run(renewal.publish, SECOND, number)
    assert (await notices.current()).version == number


async def test_it_is_published_once(database):
    number = await publish()
    with pytest.raises(Refused):
        await work.run(renewal.publish, CHIEF, number)


async def test_only_the_right_roles_propose_and_publish(database):
    with pytest.raises(Forbidden):
        await proposal(actor=SECTION)
    number = await proposal(actor=CHIEF)
    with pytest.raises(Forbidden):
        await work.run(renewal.publish, PR, number)


async def test_one_open_proposal_at_a_time_and_a_dropped_one_never_counts(database):
    number = await proposal()
    with pytest.raises(Refused):
        await proposal()
    await work.run(publishing.drop, PR, number)
    with pytest.raises(Refused):
        await work.run(renewal.publish, OFFICER, number)
    assert (await notices.current()).version == 1
    assert await publish() == number + 1


async def test_a_text_waits_for_its_day(database):
    today = (await clock.now()).astimezone(clock.JST).date()
    number = await publish(published_on=today + timedelta(days=3), effective_on=today + timedelta(days=30))
    assert (await notices.current()).version == 1
    await clock.advance(3 * DAY)
    assert (await notices.current()).version == number


async def test_how_many_have_not_renewed_is_known(database, keys):
    await consented(keys, SAKURA, AREA)
    await consented(keys, KEN, AREA)
    number = await publish(Purpose.AREA)
    await renewed(keys, KEN, Purpose.AREA)
    (progress,) = await renewal.progress()
    assert (progress.version, progress.renewed, progress.waiting) == (number, 1, 1)


async def test_an_incomplete_proposal_is_refused(database):
    for language in LANGUAGES:
        with pytest.raises(Refused):
            await proposal(**{language: {"area": " "}})
    with pytest.raises(Refused):
        await proposal(ja={"common": "あ" * 4001})


async def test_two_people_stand_behind_what_counts_as_a_change_of_content(database, owner):
    """P10: 承認は分け方にも結び付く。内容の変更を字句の直しに変えた行には、承認がない。"""
    number = await publish(Purpose.AREA | Purpose.AGE)
    found = await publishing.version(number)
    approved = await owner.fetchrow("select digest, staff_id from approval where subject = $1", f"notice:{number}")
    assert approved["digest"] == await publishing.digest(found)
    assert approved["staff_id"] != found.proposed_by
    for other in range(64):
        if other != int(found.material):
            assert approved["digest"] != await publishing.digest(replace(found, material=Purpose(other)))


async def test_every_version_renders_to_the_same_hash_years_later(database, keys):
    """P5, C5: 版を重ね、同意を受け、三年たっても、どの版のどの文も同じ。"""
    await publish(Purpose.AREA, effective_in=0)
    await publish(translated={})
    dropped = await proposal(Purpose(63))
    await work.run(publishing.drop, PR, dropped)
    await publish(Purpose.TOPICS, effective_in=10)
    before = await _rendered()
    await consented(keys, SAKURA, AREA, language="ko")
    await clock.advance(3 * 365 * DAY)
    assert await _rendered() == before
    grants = await work.sql("select notice_version, language, purpose, text_sha256 from consent_event")
    for one in grants:
        seen = one["notice_version"], one["language"], Purpose(one["purpose"])
        assert before[seen] == one["text_sha256"].hex()
    versions = {version for version, _, _ in before}
    print(f"C5: 確かめた版 {len(versions)}(公開・取り下げ)、文 {len(before)}、同意の件 {len(grants)}、違い 0")
    assert len(versions) == 5


async def _rendered() -> dict[tuple[int, str, Purpose], str]:
    """すべての版の、見せる言語と目的ごとの、画面に出る文のハッシュ。"""
    made: dict[tuple[int, str, Purpose], str] = {}
    for version in await publishing.versions():
        for language in LANGUAGES:
            notice = await notices.get(version.version, language)
            for purpose, text in notice.texts.items():
                digest = hashlib.sha256(notice.rendered(purpose).encode()).hexdigest()
                assert digest == text.sha256
                made[version.version, notice.language, purpose] = digest
    return made


async def test_time_is_the_databases_and_always_moves_on(database, keys, owner):
    """P13: 時計が戻っても、取りやめは同意より後。書く人は時刻を選べない。"""
    await consented(keys, SAKURA, AREA)
    await clock.advance(-5 * DAY)
    await work.run(preferences.withdraw, keys, SAKURA)
    pairs = await owner.fetch(
        "select g.at as granted, w.at as withdrawn from consent_event g join consent_event w using (subject, purpose) "
        "where g.action = 'granted' and w.action = 'withdrawn'"
    )
    assert len(pairs) == 2
    assert all(pair["granted"] < pair["withdrawn"] for pair in pairs)
    row = await owner.fetchrow(
        "insert into consent_event (subject, purpose, action, notice_version, language, text_sha256, channel, at) "
        "select subject, 4, 'granted', 1, 'ja', text_sha256, 'liff', '1999-01-01' from consent_event limit 1 returning at"
    )
    assert row["at"].year > 2000


async def test_a_version_is_not_public_before_its_day(database):
    """RULES 38: 公開の決まった版でも、公開日までは、だれにも見せない。"""
    today = (await clock.now()).astimezone(clock.JST).date()
    number = await publish(published_on=today + timedelta(days=3), effective_on=today + timedelta(days=30))
    assert [one.version for one in await publishing.shown()] == [1]
    await clock.advance(3 * DAY)
    assert [one.version for one in await publishing.shown()] == [number, 1]
    await proposal()
    assert [one.version for one in await publishing.shown()] == [number, 1]
