"""住民のページのAPI: 同意の前に何も残さず、本人だけが、自分の分だけを動かす。"""

import json
import time

import pytest
import pytest_asyncio

from backend.consent import receipt
from backend.residents import erasure, incident, linked, preferences, stages
from backend.store import clock, work
from tests.consent.desk import OFFICER
from tests.residents.conftest import form
from tests.residents.people import KEN, SAKURA, consented

# 人に結び付かない、使われたトークンの印・終わったセッションの印・書き込みの数え。
NOBODYS = {"id_token_seen", "liff_ended", "liff_rate"}


@pytest.fixture(autouse=True)
def friends(simulator):
    simulator.add_friends(SAKURA, KEN)


async def rows(owner) -> dict[str, int]:
    tables = [r["tablename"] for r in await owner.fetch("select tablename from pg_tables where schemaname = 'public'")]
    return {t: await owner.fetchval(f'select count(*) from "{t}"') for t in tables if t not in NOBODYS}


@pytest_asyncio.fixture(loop_scope="session")
async def trace(database, owner):
    """書き込みの跡: 人に結び付かない表のほか、どの表のどの行への書き込みも残す。"""
    tables = [r["tablename"] for r in await owner.fetch("select tablename from pg_tables where schemaname = 'public'")]
    await owner.execute(
        "create schema trace; create table trace.written (place text, what text); grant usage on schema trace to public; "
        "create function trace.note() returns trigger language plpgsql security definer as $$ "
        "begin insert into trace.written values (tg_table_name, tg_op); return null; end $$;"
    )
    for table in set(tables) - NOBODYS:
        await owner.execute(
            f'create trigger traced after insert or update or delete on "{table}" for each row execute function trace.note()'
        )
    yield lambda: owner.fetch("select place, what from trace.written")
    await owner.execute("drop schema trace cascade")


async def test_nothing_is_written_before_the_button(page, owner, keys, trace):
    """C1, P2: 開く、読む、打ちかける、見る、やめる。どれも、人に結び付く行に一度も書かない。"""
    steps = [
        (await page.sign_in(SAKURA)).json() == {"friend": True, "held": False},
        (await page.call("GET", "/liff/api/me")).json() == {"friend": True, "held": None},
        (await page.save(purposes=[])).status_code == 422,
        (await page.save(area=999)).status_code == 422,
        (await page.renew("area")).status_code == 404,
        (await page.call("DELETE", "/liff/api/me")).json()["proof"] is None,
        (await page.call("DELETE", "/liff/api/me/area")).json()["proof"] is None,
        (await page.call("DELETE", "/liff/api/me/children/1")).json() == {"stopped": False},
        (await page.call("POST", "/liff/api/code")).status_code == 404,
        (await page.call("GET", "/liff/api/me/download")).status_code == 404,
        (await page.call("DELETE", "/liff/session")).status_code == 200,
    ]
    assert steps == [True] * len(steps)
    found = await trace()
    print(f"C1: 同意の前の操作 {len(steps)}、人に結び付く書き込み {len(found)}")
    assert found == []
    for table in NOBODYS:  # 残った印も、本人からは求められない
        for row in await owner.fetch(f'select * from "{table}"'):
            assert keys.index(SAKURA).bytes not in b"".join(v for v in row.values() if isinstance(v, bytes))


async def test_the_trace_sees_what_the_button_writes(page, trace):
    """上の試験の目が開いていること。"""
    await page.sign_in(SAKURA)
    assert (await page.save()).status_code == 200
    assert {row["place"] for row in await trace()} >= {"resident", "consent_event"}


async def test_agreeing_saves_and_shows_a_receipt_that_verifies(page, line_settings):
    await page.sign_in(SAKURA)
    answer = (await page.save()).json()
    public = receipt.public_key(line_settings.receipt_signing_key)
    body = receipt.verify(json.dumps(answer["receipt"]).encode(), public)
    assert [one["purpose"] for one in body["processing"]] == ["area"]
    assert "同意レシート" in answer["text"]


async def test_what_is_held_is_shown_in_plain_words(page):
    await page.sign_in(SAKURA)
    await page.save(
        purposes=["area", "parenting", "garbage"],
        children=[{"birth_month": "2025-04", "due_month": "2025-05"}],
        collection_area=13,
        streams=["burnable"],
        slot=19,
    )
    held = (await page.call("GET", "/liff/api/me")).json()["held"]
    assert held["children"] == [{"position": 1, "birth_month": "2025-04", "due_month": "2025-05"}]
    assert [one["code"] for one in held["purposes"]] == ["area", "parenting", "garbage"]
    assert held["streams"] == ["burnable"]
    assert len(held["words"]) == 3


async def test_a_stranger_saves_nothing(page, simulator, owner):
    """RULES 36: 友だちかどうかを、書く前に確かめる。"""
    stranger = "U" + "9" * 32
    simulator.put_people({"user": stranger, "name": "知らない人", "friend": False})
    before = await rows(owner)
    assert (await page.sign_in(stranger)).json()["friend"] is False
    answer = await page.save()
    assert (answer.status_code, answer.json()["reason"]) == (409, "friend")
    assert await rows(owner) == before


async def test_an_old_notice_is_shown_again_and_saves_nothing(page, keys):
    await page.sign_in(SAKURA)
    answer = await page.save(notice_version=7)
    assert (answer.status_code, answer.json()["reason"]) == (409, "notice")
    assert await preferences.held(keys, SAKURA) is None


async def test_a_wrong_value_names_its_field(page):
    await page.sign_in(SAKURA)
    answer = await page.save(purposes=["area", "topics"], topics=["secret"])
    assert answer.status_code == 422
    assert "topics" in answer.json()["fields"]


async def test_line_out_of_reach_saves_nothing(page, simulator, keys):
    await page.sign_in(SAKURA)
    simulator.fault("/v2/bot/profile/*", "500_before", times=None)
    assert (await page.save()).status_code == 503
    assert await preferences.held(keys, SAKURA) is None


async def test_one_purpose_is_stopped_and_the_rest_stay(page):
    await page.sign_in(SAKURA)
    await page.save(purposes=["area", "topics"], topics=["bosai"])
    answer = (await page.call("DELETE", "/liff/api/me/area")).json()
    assert answer["proof"]["withdrawn"] == ["area"]
    assert answer["proof"]["everything"] is False
    held = (await page.call("GET", "/liff/api/me")).json()["held"]
    assert (held["area"], held["topics"]) == (None, ["bosai"])


async def test_stopping_everything_tells_line_and_gives_a_proof(page, simulator, line_settings):
    tokens = simulator.tokens(SAKURA)
    await page.offer(tokens["id_token"])
    await page.save()
    answer = (await page.call("DELETE", "/liff/api/me", json={"access_token": tokens["access_token"]})).json()
    assert answer["deauthorized"] is True
    proof = receipt.verify(json.dumps(answer["proof"]).encode(), receipt.public_key(line_settings.receipt_signing_key))
    assert proof["everything"] is True
    await page.sign_in(SAKURA)
    assert (await page.call("GET", "/liff/api/me")).json()["held"] is None


async def test_a_failing_line_never_blocks_erasure(page, simulator, keys):
    await page.sign_in(SAKURA)
    await page.save()
    answer = (await page.call("DELETE", "/liff/api/me", json={"access_token": "expired"})).json()
    assert answer["deauthorized"] is False
    assert await preferences.held(keys, SAKURA) is None


async def test_without_a_token_the_link_to_line_is_said_to_be_left(page, simulator, keys):
    """電話に札がなければ、LINEの側の許可は取り消せない。黙って済んだことにしない。"""
    await page.sign_in(SAKURA)
    await page.save(purposes=["area", "topics"], topics=["bosai"])
    assert (await page.call("DELETE", "/liff/api/me/area")).json()["deauthorized"] is None
    assert (await page.call("DELETE", "/liff/api/me")).json()["deauthorized"] is False
    assert await preferences.held(keys, SAKURA) is None


async def test_a_stalled_line_does_not_hold_back_the_proof(page, simulator):
    tokens = simulator.tokens(SAKURA)
    await page.offer(tokens["id_token"])
    await page.save()
    simulator.fault("/user/v1/deauthorize", "stall_after", times=None)
    begun = time.monotonic()
    answer = (await page.call("DELETE", "/liff/api/me", json={"access_token": tokens["access_token"]})).json()
    took = time.monotonic() - begun
    assert answer["proof"]["everything"] is True
    assert answer["deauthorized"] is False
    assert took < linked.SECONDS + 3


async def test_one_child_is_stopped_quietly(page):
    await page.sign_in(SAKURA)
    await page.save(purposes=["area", "parenting"], children=[{"birth_month": "2025-04"}, {"birth_month": "2023-01"}])
    assert (await page.call("DELETE", "/liff/api/me/children/1")).json() == {"stopped": True}
    held = (await page.call("GET", "/liff/api/me")).json()["held"]
    assert held["children"] == [{"position": 2, "birth_month": "2023-01"}]
    assert (await page.call("DELETE", "/liff/api/me/children/2")).json() == {"stopped": True}
    held = (await page.call("GET", "/liff/api/me")).json()["held"]
    assert [one["code"] for one in held["purposes"]] == ["area"]


async def test_a_past_due_month_asks_gently(page):
    now = (await clock.now()).astimezone(clock.JST).date().replace(day=1)
    await page.sign_in(SAKURA)
    await page.save(purposes=["parenting"], children=[{"due_month": f"{now:%Y-%m}"}])
    held = (await page.call("GET", "/liff/api/me")).json()["held"]
    assert held["children"][0]["asks_birth"] is False
    await clock.advance(40 * 86400)
    later = (await clock.now()).astimezone(clock.JST).date()
    assert stages.asks_for_birth(now, later)


async def test_the_download_is_everything_and_only_mine(page, keys):
    await consented(keys, KEN)
    await page.sign_in(SAKURA)
    await page.save()
    document = (await page.call("GET", "/liff/api/me/download")).json()
    assert document["answers"]["area"] == 12
    assert [event["purpose"] for event in document["history"]] == ["area"]
    text = (await page.call("GET", "/liff/api/me/download.txt")).text
    assert "地域のお知らせ" in text
    assert SAKURA not in text + json.dumps(document)


async def test_a_session_ends_after_thirty_minutes(page):
    await page.sign_in(SAKURA)
    await clock.advance(29 * 60)
    assert (await page.call("GET", "/liff/api/me")).status_code == 200
    await clock.advance(2 * 60)
    assert (await page.call("GET", "/liff/api/me")).status_code == 401


@pytest.fixture
def copied(pages):
    """いまのクッキーを写し取った、別のブラウザ。"""

    def copy(page):
        other = pages()
        other.http.cookies = dict(page.http.cookies)
        return other

    return copy


async def test_a_copied_cookie_ends_when_the_person_ends(page, copied, simulator, owner):
    """「終わる」は、この端末のクッキーを消すだけではない。もう一度引き換えることもできない。"""
    token = simulator.id_token(SAKURA)
    await page.offer(token)
    other = copied(page)
    assert (await other.call("GET", "/liff/api/me")).status_code == 200
    assert (await page.call("DELETE", "/liff/session")).json() == {"ended": True}
    for method, path in (("GET", "/liff/api/me"), ("PUT", "/liff/api/me"), ("POST", "/liff/api/code")):
        assert (await other.call(method, path, json=form())).status_code == 401
    assert (await other.offer(token)).status_code == 401
    kept = await owner.fetch("select * from liff_ended")
    assert [len(row["digest"]) for row in kept] == [32]
    assert (await page.sign_in(SAKURA)).status_code == 200
    assert (await page.call("GET", "/liff/api/me")).status_code == 200


@pytest.mark.parametrize("path", ["/liff/api/me", "/liff/api/me/area"])
async def test_a_copied_cookie_ends_when_everything_is_erased(page, copied, path):
    await page.sign_in(SAKURA)
    await page.save()
    other = copied(page)
    answer = await page.call("DELETE", path)
    assert answer.json()["proof"]["everything"] is True
    assert "ward-liff" not in page.http.cookies
    assert (await other.save()).status_code == 401


async def test_stopping_one_of_two_purposes_keeps_the_session(page):
    await page.sign_in(SAKURA)
    await page.save(purposes=["area", "topics"], topics=["bosai"])
    await page.call("DELETE", "/liff/api/me/area")
    assert (await page.call("GET", "/liff/api/me")).status_code == 200


async def test_closing_personal_settings_ends_every_session_begun_before(page, pages, line_settings):
    """RULES 42。閉じた後に始めた人は、やめることができる。"""
    await page.sign_in(SAKURA)
    await page.save()
    await work.run(incident.close, OFFICER, "鍵をなくした")
    assert (await page.call("GET", "/liff/api/me")).status_code == 401
    assert (await page.call("DELETE", "/liff/api/me")).status_code == 401
    later = pages()
    await later.sign_in(SAKURA)
    assert (await later.call("GET", "/liff/api/me")).status_code == 503
    await work.sql("insert into personal_switch (closed, by_staff, reason) values (false, 2, '替えた')")
    assert (await later.call("GET", "/liff/api/me")).status_code == 200
    assert (await page.call("GET", "/liff/api/me")).status_code == 401


async def test_ended_sessions_are_forgotten_when_they_would_have_ended_anyway(page, keys, owner):
    await page.sign_in(SAKURA)
    await page.call("DELETE", "/liff/session")
    await erasure.sweep(keys)
    assert await owner.fetchval("select count(*) from liff_ended") == 1
    await clock.advance(31 * 60)
    await erasure.sweep(keys)
    assert await owner.fetchval("select count(*) from liff_ended") == 0


async def test_ending_clears_this_phone_even_when_the_database_is_away(page):
    from backend.store.pool import DB

    await page.sign_in(SAKURA)
    pool, DB.pool = DB.pool, None
    try:
        answer = await page.call("DELETE", "/liff/session")
    finally:
        DB.pool = pool
    assert (answer.status_code, answer.json()) == (503, {"ended": False})
    assert "ward-liff" not in page.http.cookies


async def test_the_same_token_is_good_once_except_for_its_own_session(page, pages, simulator):
    token = simulator.id_token(SAKURA)
    assert (await page.offer(token)).status_code == 200
    assert (await page.offer(token)).status_code == 200
    assert (await pages().offer(token)).status_code == 401


async def test_a_raw_token_is_taken_too(page, simulator):
    answer = await page.call(
        "POST", "/liff/session", content=simulator.id_token(SAKURA), headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 200


async def test_too_many_writes_wait(page):
    await page.sign_in(SAKURA)
    answers = [(await page.save(purposes=[])).status_code for _ in range(35)]
    assert answers[:30] == [422] * 30
    assert answers[-1] == 429
    await clock.advance(61)
    assert (await page.save(purposes=[])).status_code == 422


FOREIGN = [{"origin": "https://evil.example"}, {"x-ward": ""}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
WRITES = [
    ("PUT", "/liff/api/me"),
    ("POST", "/liff/api/me/area/renewal"),
    ("DELETE", "/liff/api/me"),
    ("DELETE", "/liff/api/me/area"),
    ("DELETE", "/liff/api/me/children/1"),
    ("POST", "/liff/api/code"),
    ("DELETE", "/liff/session"),
]


async def test_another_site_cannot_write(page):
    await page.sign_in(SAKURA)
    answers = [
        (await page.call(*write, headers=headers, json={})).status_code for write in WRITES for headers in FOREIGN
    ]
    assert answers == [403] * len(answers)


async def test_another_site_cannot_sign_someone_in(page, simulator):
    token = simulator.id_token(SAKURA)
    assert (await page.offer(token, headers={"origin": "https://evil.example"})).status_code == 403


async def test_a_large_body_is_refused(page):
    await page.sign_in(SAKURA)
    assert (await page.save(reason="あ" * 20_000)).status_code == 422


async def test_a_user_id_in_the_body_means_nothing(page, keys):
    """S1: 本文の userId は読まれない。"""
    await page.sign_in(SAKURA)
    await page.call("PUT", "/liff/api/me", json=form(userId=KEN, user_id=KEN, sub=KEN))
    assert await preferences.held(keys, SAKURA) is not None
    assert await preferences.held(keys, KEN) is None


async def test_nothing_is_read_or_saved_while_the_switch_is_closed(page, keys):
    """RULES 42。やめることだけは、いつでもできる。"""
    await page.sign_in(SAKURA)
    await page.save()
    await work.sql("insert into personal_switch (closed, by_staff, reason) values (true, 1, '試験')")
    await page.sign_in(SAKURA)
    assert (await page.call("GET", "/liff/api/me")).status_code == 503
    assert (await page.save()).status_code == 503
    assert (await page.renew("area")).status_code == 503
    assert (await page.call("GET", "/liff/api/me/download")).status_code == 503
    assert (await page.call("DELETE", "/liff/api/me")).status_code == 200
    assert await preferences.held(keys, SAKURA) is None
