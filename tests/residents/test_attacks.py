"""住民のページを攻める: おかしな値、よその子の位置、重なった操作。どれも5xxにならず、台帳と行は食い違わない。"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from backend.consent import ledger
from backend.consent.notices import Purpose
from backend.residents import preferences
from tests.residents.conftest import Page, form
from tests.residents.people import KEN, SAKURA, consented, today
from tests.residents.test_webhook import body, event, later, line_side

__all__ = ["line_side"]


@pytest.fixture(autouse=True)
def friends(simulator):
    simulator.add_friends(SAKURA, KEN)


@pytest.fixture
async def mine(page: Page) -> Page:
    assert (await page.sign_in(SAKURA)).status_code == 200
    return page


POSITIONS = [
    "-1",
    "6",
    "99999999999999999999",
    "９",
    "²",
    "1e0",
    "0x1",
    "+2",
    "1.0",
    "1" * 5000,
    "null",
    "%00",
    "1;",
    "١",
]


@pytest.mark.parametrize("position", POSITIONS)
async def test_a_position_that_is_not_mine_stops_nobody(mine: Page, keys: Any, owner: Any, position: str):
    await consented(keys, KEN)
    await mine.save(purposes=["area", "parenting"], children=[{"birth_month": "2024-04"}])
    before = await owner.fetch("select * from resident_child order by 1, 2")
    answer = await mine.call("DELETE", f"/liff/api/me/children/{position}")
    if position == "١":  # 数字の1として読める。自分の子だけが止まる
        assert answer.json() == {"stopped": True}
        return
    assert answer.status_code in (200, 400, 404, 422), answer.status_code
    assert answer.status_code != 200 or answer.json() == {"stopped": False}
    assert await owner.fetch("select * from resident_child order by 1, 2") == before


ODD = [
    {"children": [{"birth_month": month}]}
    for month in (
        "2024-00",
        "2024-13",
        "-024-04",
        "２０２４-04",
        "2024-4",
        "1899-04",
        "2099-04",
        "2024-04-01",
        "0000-00",
        202404,
    )
]
ODD += [{"children": [{"birth_month": "2024-04"}] * 6}, {"children": [{}] * 11}, {"children": {}}, {"children": [None]}]
ODD += [{"children": [{"due_month": month}]} for month in ("2020-01", "2099-12")]
ODD += [{"children": [{"due_month": "2026-12"}, {"due_month": "2027-01"}]}]
ODD += [{"children": [{"birth_month": "2024-04", "due_month": month}]} for month in ("1901-01", "2099-01")]
ODD += [{"area": value} for value in (0, 70, -1, 2**70, 12.5, True, "12", [12], 1e308)]
ODD += [{"age_band": value} for value in (1, 150, "30", -15)]
ODD += [{"slot": value} for value in (0, 24, -7, "7")] + [{"streams": ["x"]}, {"streams": ["burnable"] * 11}]
ODD += [
    {"language": "xx"},
    {"language": ""},
    {"notice_language": None},
    {"notice_language": ["ja"]},
]
ODD += [{"notice_version": value} for value in (0, -1, 2**63, 1.5, "1", None)]
ODD += [{"purposes": value} for value in ([], ["area"] * 11, ["AREA"], [1], "area", None, ["area\0"], ["__class__"])]
ODD += [{"topics": ["bosai"] * 41}, {"topics": [0]}, {"guardian": "yes"}]
EVERY = ["area", "age", "parenting", "topics", "garbage", "language"]


async def test_no_odd_value_is_saved_nor_breaks_the_server(mine: Page, keys: Any, pages: Any):
    kept: list[Any] = []
    for number, odd in enumerate(ODD):
        if number % 25 == 24:  # 一つのセッションの書き込みは、一分に30回まで
            mine = pages()
            await mine.sign_in(SAKURA)
        answer = await mine.save(**{"purposes": EVERY, **odd})
        if answer.status_code not in (409, 422):
            kept.append((odd, answer.status_code))
    print(f"S3: おかしな値 {len(ODD)}、保存されたか壊れたもの {len(kept)}")
    assert kept == []
    assert await preferences.held(keys, SAKURA) is None


BODIES = [
    b"[" * 7_000, b"{" * 7_000, b'{"a":' * 1_500, b"\xff\xfe", b"\0", b"", b"null", b"1e9999", b'"' + b"a" * 7_000 + b'"',
    json.dumps(form()).encode() + b"x", b"\xef\xbb\xbf" + json.dumps(form()).encode(), b"a" * 8_001, b"a" * 3_000_000,
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(BODIES)))
async def test_a_body_that_is_not_one_is_refused(mine: Page, keys: Any, number: int):
    answers = [
        (await mine.call(method, path, content=BODIES[number])).status_code
        for method, path in (("PUT", "/liff/api/me"), ("POST", "/liff/session"))
    ]
    assert all(400 <= status < 500 for status in answers), answers
    assert await preferences.held(keys, SAKURA) is None


@pytest.mark.parametrize("length", ["²", "-1", "１００", "1e3", "", "9" * 5000, "9" * 10])
async def test_a_strange_length_is_refused(mine: Page, line_side: Any, length: str):
    headers = [(b"content-length", length.encode("latin-1", "replace"))]
    answer = await mine.call("PUT", "/liff/api/me", content=b"{}", headers=_with(mine, headers))
    assert 400 <= answer.status_code < 500
    told = await line_side.client.post("/line/webhook", content=b"{}", headers=headers)
    assert 400 <= told.status_code < 500


def _with(page: Page, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in page.http.headers.items()] + headers


@pytest.mark.parametrize(
    "sent",
    [
        b"{",
        b"[]",
        b'{"access_token": null}',
        b'{"access_token": 1}',
        b"\xff",
        b'{"access_token": "' + b"a" * 9_000 + b'"}',
    ],
)
@pytest.mark.parametrize("path", ["/liff/api/me", "/liff/api/me/area"])
async def test_nothing_in_the_body_blocks_erasure(mine: Page, keys: Any, path: str, sent: bytes):
    """取りやめは、何が送られてきても断らない(P7)。"""
    await mine.save()
    answer = await mine.call("DELETE", path, content=sent)
    assert answer.status_code == 200
    assert await preferences.held(keys, SAKURA) is None


async def test_a_due_month_beside_a_birth_must_be_near_it(mine: Page):
    """修正月齢のための予定月。"""
    now = await today()
    born = f"{now.replace(day=1) - timedelta(days=300):%Y-%m}"
    answer = await mine.save(purposes=["parenting"], children=[{"birth_month": born, "due_month": "2001-01"}])
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["children"])


@pytest.mark.parametrize("times", range(3))
async def test_saves_pressed_twice_racing_a_withdrawal_and_a_block_leave_one_truth(
    mine: Page, pages: Any, keys: Any, owner: Any, line_side: Any, times: int
):
    """二重押し、別の端末、ブロック、一つだけの取りやめが重なっても、行と台帳は同じことを言う。"""
    other = pages()
    await other.sign_in(SAKURA)
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    for round_ in range(6):
        acts = [
            mine.save(purposes=["area", "topics"], topics=["bosai"]),
            mine.save(purposes=["area"]),
            other.save(purposes=["topics", "parenting"], topics=["event"], children=[{"birth_month": "2024-04"}]),
            other.call("DELETE", "/liff/api/me/topics"),
            other.call("DELETE", "/liff/api/me/children/1"),
            line_side(body(event("unfollow", SAKURA, await later(0), 100 * times + round_))),
        ]
        chance.shuffle(acts)
        answers = await asyncio.gather(*acts)
        assert {answer.status_code for answer in answers} <= {200, 401, 429}, seed
        await _one_truth(keys, owner, seed)
        for page in (mine, other):
            await page.sign_in(SAKURA)


async def _one_truth(keys: Any, owner: Any, seed: int) -> None:
    rows = await owner.fetch("select * from resident")
    assert len(rows) <= 1
    for row in rows:
        live = (await ledger.live([ledger.subject(bytes(row["subject_key"]))])).popitem()[1]
        assert Purpose(sum(map(int, live))) == Purpose(row["purposes"]), seed
        children = await owner.fetchval("select count(*) from resident_child")
        assert bool(children) <= bool(Purpose(row["purposes"]) & Purpose.PARENTING), seed
    subjects = {bytes(row["subject_key"]) for row in rows}
    # 行のない札に、同意で終わっているものがない(P9)。
    dangling = await owner.fetch(
        "select distinct on (subject, purpose) subject, action from consent_event order by subject, purpose, id desc"
    )
    alive = {ledger.subject(key) for key in subjects}
    assert not [one for one in dangling if one["action"] == "granted" and bytes(one["subject"]) not in alive], seed


async def test_saving_after_a_block_is_refused(mine: Page, simulator: Any, keys: Any, line_side: Any):
    """RULES 36: ブロックした後のページで「保存」を押しても、何も戻らない。"""
    await mine.save()
    simulator.touch(SAKURA, "block")
    await line_side(body(event("unfollow", SAKURA, await later(1), 1)))
    answer = await mine.save()
    assert (answer.status_code, answer.json()["reason"]) == (409, "friend")
    assert await preferences.held(keys, SAKURA) is None


FORGED: list[Mapping[str, str]] = [
    {"x-forwarded-user": KEN},
    {"authorization": f"Bearer {KEN}"},
    {"x-line-userid": KEN},
    {"cookie": f"ward-liff={KEN}"},
]


@pytest.mark.parametrize("headers", FORGED)
async def test_no_header_says_who_i_am(pages: Any, keys: Any, headers: dict[str, str]):
    await consented(keys, KEN)
    stranger = pages()
    for method, path in (("GET", "/liff/api/me"), ("DELETE", "/liff/api/me"), ("GET", f"/liff/api/me?userId={KEN}")):
        assert (await stranger.call(method, path, headers=headers)).status_code == 401
    assert await preferences.held(keys, KEN) is not None


async def test_two_withdrawals_at_once_give_one_proof(mine: Page, owner: Any):
    await mine.save()
    answers = await asyncio.gather(*(mine.call("DELETE", "/liff/api/me") for _ in range(4)))
    proofs = [answer.json()["proof"] for answer in answers if answer.status_code == 200]
    assert len([proof for proof in proofs if proof]) == 1
    assert await owner.fetchval("select count(*) from consent_event where action = 'withdrawn'") == 1


async def test_a_language_that_does_not_exist_is_the_japanese_text(mine: Page, owner: Any):
    """記録に残るのは、いつも本当にある文の言語。"""
    assert (await mine.save(notice_language="xx\0")).status_code == 200
    assert await owner.fetchval("select language from consent_event") == "ja"


async def test_withdrawing_what_is_not_held_changes_nothing(mine: Page, owner: Any):
    """同意していない目的をやめても、送信の途中の人が抜けたり、件が増えたりしない。"""
    await mine.save()
    before = await owner.fetchrow("select * from resident")
    assert (await mine.call("DELETE", "/liff/api/me/topics")).status_code == 200
    assert await owner.fetchrow("select * from resident") == before
    assert await owner.fetchval("select count(*) from consent_event") == 1
