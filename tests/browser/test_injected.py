"""ブラウザの守り(CHECKS S4): 埋め込まれた文字は、どこでも文字のまま。Chromiumと、動いている画面のサーバーで。"""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from backend.account import warning
from backend.consent import publishing
from backend.consent.notices import Purpose
from backend.links import editing
from backend.links.register import Wanted
from backend.menus.roles import Role
from backend.settings import Settings
from backend.store import work
from tests import cast
from tests.browser import console_day
from tests.browser.phone import WARD, Phone
from tests.cast import Cast
from tests.consent import desk as notices_desk
from tests.console_fixtures import app
from tests.menus import making
from tests.messages import requests

__all__ = ["app"]
SCRIPTS = [
    "<script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    "</script><svg onload=window.hit=1>",
    "'-(window.hit=1)-'",
    "{{ 7*191 }}${7*191}",
]
FORMULAS = ["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(1)", "\t=1", "＝1+1"]


# ── 埋め込まれた文字 ──


async def test_what_staff_type_is_shown_as_text_on_every_page(pick_up: Any, ward_settings: Settings) -> None:
    people, names = await console_day.begin(ward_settings)
    fields = await poisoned(people)
    shown = 0
    for actor, paths in places(names).items():
        opened: Phone = await pick_up(agent=None if actor else "iPhone")
        if actor:
            token = await cast.session(getattr(people, actor))
            await opened.context.add_cookies(
                [{"name": "__Host-ward-console", "value": token, "url": WARD, "secure": True}]
            )
        opened.page.on("dialog", lambda dialog: pytest.fail(f"窓が開いた: {dialog.message}"))
        for path in paths:
            answer = await opened.page.goto(f"{WARD}{path}")
            assert answer
            assert answer.status == 200, path
            assert await opened.page.evaluate("typeof window.hit") == "undefined", path
            assert opened.said == [], path
            words = await opened.page.evaluate(
                "document.documentElement.textContent + [...document.querySelectorAll('input, textarea')].map(one => one.value).join(' ')"
            )
            shown += sum(payload in words for payload in SCRIPTS)
            assert "1337" not in words.replace("7*191", ""), path
    print(f"S4: 職員の欄 {fields} × 埋め込み {len(SCRIPTS)}、文字のまま見えた数 {shown}、働いた数 0")
    assert shown >= len(SCRIPTS) * 4


def places(names: dict[str, str] | Any) -> dict[str, list[str]]:
    """見る人 → 職員の文の出る画面。空の名は、だれでも。"""
    public = [
        "/",
        "/verify",
        "/verify/B-2611-0006",
        "/menu",
        "/go/evil",
        "/policy/consent",
        "/policy/consent/3",
        "/liff",
        "/privacy",
    ]
    del names
    return {
        "": public,
        "tanaka": ["/console/messages", "/console/messages/7", "/console/links", "/console/links/evil", "/console/links/evil/edit", "/console/deliveries"],
        "sato": ["/console/review", "/console/menus", "/console/menus/2", "/console/menus/2/edit", "/console/consent/3"],
        "ito": ["/console/audit", "/console/stop", "/console"],
        "takahashi": ["/console/staff"],
    }  # fmt: skip


async def poisoned(people: Cast) -> int:
    """職員の書けるところすべてに、働きかける文字を入れる。入れた欄の数を返す。"""
    every = " ".join(SCRIPTS)
    sent = await requests.submitted(people.tanaka)
    await requests.approve(people.sato, sent)
    # 点検は「<…>」の残った原稿を出させない。点検をすり抜けたとしても、文字のままでなければならない。
    await work.sql(
        "update delivery_request set title = $1, body = $2, contact = $3, source_note = $2",
        SCRIPTS[0],
        every,
        SCRIPTS[1],
    )
    await work.sql("update delivery set first_accepted_at = ward_now(), state = 'sent', finished_at = ward_now()")
    await editing.add(people.sato, "evil", Wanted(every, every, "koho", "tel:03-5803-1111"))
    await warning.show(people.sato, every[:200])
    await work.run(publishing.drop, people.sato, 2)
    await notices_desk.publish(Purpose(0), reason=every)
    await work.sql("update section set name = $1 where code = 'somu'", SCRIPTS[1])
    await work.sql("update staff_member set name = $1 where login = 'yoshida'", SCRIPTS[0])
    cell = making.cell(f"'{SCRIPTS[0][:20]}'", words="[埋め込み]")
    menu = await making.version(
        Role.RESIDENT,
        making.text(making.tab("kurashi", cell, title=SCRIPTS[0][:10]), name="x", notice=NOTICE),
        people.sato,
    )
    await work.sql("insert into menu_current (role, version_id) values ('resident', $1)", menu.id)
    return 15


NOTICE = f"'ここに書いても区は読めません。119・110へ{SCRIPTS[0][:20]}'"


async def test_what_a_resident_sends_is_a_choice_and_never_text(
    sakura: Phone, http: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """住民の欄に、自由な文字は一つもない。選択肢でないものは断られ、何も残らない。"""
    await sakura.to_form()
    http.headers["cookie"] = await sakura.cookie()
    right: dict[str, Any] = {"purposes": ["area", "parenting", "topics", "language"], "area": 12, "children": [{"birth_month": "2025-01"}],
             "topics": ["bosai"], "language": "en", "notice_version": 1, "notice_language": "ja"}  # fmt: skip
    fields = [field for field in right if field != "notice_language"]  # 知らない言語は、日本語(正文)になる
    tried = 0
    for field in fields:
        for payload in SCRIPTS:
            wrong = right | {field: [payload] if isinstance(right[field], list) else payload}
            answer = await http.put("/liff/api/me", json=wrong, headers={"origin": WARD, "x-ward": "1"})
            assert 400 <= answer.status_code < 500, (field, payload, answer.text)
            assert answer.status_code != 403, answer.text
            assert payload not in answer.text
            assert answer.headers["content-type"].startswith("application/json")
            tried += 1
            if answer.status_code == 429:
                await owner.execute("update clock_offset set shift = shift + interval '2 minutes'")
    assert await owner.fetchval("select count(*) from resident") == 0
    print(f"S4: 住民の欄 {len(fields)} × 埋め込み {len(SCRIPTS)} = {tried}、残った数 0")


@pytest.mark.parametrize(
    "address",
    [
        "/liff?lang={}&ruby={}&only={}",
        "/verify?number={}",
        "/verify/{}",
        "/go/{}",
        "/{}",
        "/policy?lang={}",
        "/console/sign-in?next={}",
    ],
)
async def test_what_stands_in_an_address_never_runs(phone: Phone, address: str) -> None:
    for payload in SCRIPTS:
        phone.said.clear()
        answer = await phone.page.goto(WARD + address.replace("{}", quote(payload, safe="")))
        assert answer
        assert answer.status < 500
        assert await phone.page.evaluate("typeof window.hit") == "undefined"
        assert [one for one in phone.said if "status of 404" not in one] == []


@pytest.mark.parametrize("formula", FORMULAS)
async def test_a_formula_typed_by_staff_stays_text_in_a_sheet(
    http: httpx.AsyncClient, database: Any, ward_settings: Settings, formula: str
) -> None:
    people = await cast.staff()
    await cast.tuesday()
    await editing.add(people.sato, "siki", Wanted(f"x{formula}", "表", "koho", "https://www.city.bunkyo.lg.jp/a"))
    await work.sql("update link set label = $1 where code = 'siki'", formula)
    signed_in = {"cookie": f"__Host-ward-console={await cast.session(people.sato)}"}
    for name in ("taps", "changes"):
        answer = await http.get(f"/console/links/siki/{name}.csv", headers=signed_in)
        assert answer.status_code == 200
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        cells = [cell for row in rows for cell in row]
        assert [cell for cell in cells if cell.strip()[:1] in tuple("=+-@＝") or cell[:1] == "\t"] == []
