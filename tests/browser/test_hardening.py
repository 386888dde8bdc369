"""ブラウザの守り(CHECKS S4): よそのサイトからの書き込み、枠、行き先の乗っ取り、埋め込まれた文字。Chromiumと、動いている画面のサーバーで。"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio
from litestar import Litestar

from backend.account import warning
from backend.consent import publishing
from backend.consent.notices import Purpose
from backend.links import editing
from backend.links.register import Wanted
from backend.menus.roles import Role
from backend.settings import Settings
from backend.store import work
from tests import cast, pages
from tests.browser import console_day
from tests.browser.phone import WARD, Phone
from tests.browser.running_web import RunningWeb
from tests.cast import PASSWORD, Cast
from tests.consent import desk as notices_desk
from tests.console_fixtures import app
from tests.menus import making
from tests.messages import requests

__all__ = ["app"]
EVIL = "https://evil.example.com"
FOREIGN: list[dict[str, str]] = [
    {"origin": EVIL},
    {"origin": "null"},
    {"origin": WARD + ".evil.example.com"},
    {"origin": WARD, "sec-fetch-site": "cross-site"},
    {"origin": WARD, "sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site"},
    {},
]
ELSEWHERE = [
    "https://evil.example.com/", "//evil.example.com/", "///evil.example.com", "/\\evil.example.com", "\\\\evil.example.com",
    "/\t/evil.example.com", "/console/../../evil.example.com", "/console@evil.example.com", "/console\\@evil.example.com",
    "https:evil.example.com", "javascript:window.hit=1", "data:text/html,<script>window.hit=1</script>", "%2F%2Fevil.example.com",
    "/%0d%0aLocation:%20https://evil.example.com", "/console.evil.example.com",
]  # fmt: skip
SCRIPTS = [
    "<script>window.hit=1</script>",
    '"><img src=x onerror="window.hit=1">',
    "</script><svg onload=window.hit=1>",
    "'-(window.hit=1)-'",
    "{{ 7*191 }}${7*191}",
]
FORMULAS = ["=HYPERLINK(1)", "+1+1", "-1+1", "@SUM(1)", "\t=1", "＝1+1"]


def writes(app: Litestar) -> list[tuple[str, str]]:
    """住民の書き込みのすべて: (方法, 差し込みを埋めた道)。"""
    return sorted(
        (method, route.path.replace("{purpose:str}", "area").replace("{position:int}", "0"))
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in getattr(handler, "http_methods", ())
        if route.path.startswith("/liff") and method not in ("GET", "HEAD", "OPTIONS")
    )


@pytest_asyncio.fixture(loop_scope="session")
async def http(web: RunningWeb) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=60) as client:
        yield client


async def held(owner: asyncpg.Connection) -> list[Any]:
    """預かっているものと台帳のすべて。"""
    tables = ("resident", "resident_child", "consent_event", "counter_code")
    known = {
        row["tablename"] for row in await owner.fetch("select tablename from pg_tables where schemaname = 'public'")
    }
    return [await owner.fetch(f'select * from "{table}" order by 1') for table in tables if table in known]


# ── よそのサイトからの書き込み ──


async def test_no_write_is_taken_from_another_site(
    app: Any, sakura: Phone, http: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    await sakura.consent_to_area()
    cookies = {one["name"]: one["value"] for one in await sakura.context.cookies(WARD)}  # type: ignore[typeddict-item]
    before, tried = await held(owner), 0
    for method, path in writes(app):
        for headers in FOREIGN:
            answer = await http.request(
                method, path, headers=headers, cookies=cookies, json={"purposes": ["area"], "area": 1}
            )
            assert answer.status_code == 403, (method, path, headers, answer.text)
            tried += 1
    assert await held(owner) == before
    own = await http.delete("/liff/api/me", headers={"origin": WARD, "x-ward": "1"}, cookies=cookies)
    assert own.status_code == 200, "同じ札で、自分のページからなら消せる"
    print(f"S4: よそからの書き込み {len(writes(app))}の扉 × {len(FOREIGN)}通り = {tried}、受け付けた数 0")


async def test_a_page_of_another_site_open_in_the_same_browser_changes_nothing(
    app: Any, sakura: Phone, owner: asyncpg.Connection
) -> None:
    await sakura.consent_to_area()
    before = await held(owner)
    calls = [[method, f"{WARD}{path}"] for method, path in writes(app)]
    page = await evil_page(sakura, "<form method=post target=_self enctype=text/plain></form>")
    await page.evaluate(
        "async calls => { for (const [method, url] of calls) for (const mode of ['cors', 'no-cors'])"
        " await fetch(url, {method: mode === 'cors' ? method : 'POST', mode, credentials: 'include', body: '{}'}).catch(() => 0); }",
        calls,
    )
    for method, url in calls:
        if method != "POST":
            continue
        async with page.expect_navigation():
            await page.evaluate("url => { const form = document.forms[0]; form.action = url; form.submit(); }", url)
        assert "もの" not in await page.title()
        await page.goto(f"{EVIL}/")
    assert await held(owner) == before


async def test_no_page_is_framed_by_another_site(app: Any, sakura: Phone, http: httpx.AsyncClient) -> None:
    paths = [
        "/",
        "/verify",
        "/privacy",
        "/menu",
        "/liff",
        "/liff/settings",
        "/liff/erase",
        "/console",
        "/console/sign-in",
        "/nothing-here",
    ]
    page = await evil_page(sakura, "".join(f'<iframe src="{WARD}{path}"></iframe>' for path in paths))
    for path, frame in zip(paths, await page.query_selector_all("iframe"), strict=True):
        inside = await frame.content_frame()
        assert inside
        assert (await inside.evaluate("location.href")).startswith("chrome-error:"), path
    open_to_all = [path for path in pages.of_public(app) if "{" not in path]
    for path in [*open_to_all, "/liff", "/console", "/console/sign-in", "/liff/api/me"]:
        policy = (await http.get(path)).headers["content-security-policy"]
        allowed = policy.split("frame-ancestors ")[1].split(";")[0].split()
        assert allowed == ["'none'"] or all(urlsplit(one).hostname in ("127.0.0.1", "localhost") for one in allowed), (
            path
        )
    print(f"S4: 枠 {len(paths)}ページ、入った数 0")


# ── 行き先の乗っ取り ──


def redirecting(app: Litestar) -> set[str]:
    return {
        route.path
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        if "GET" in getattr(handler, "http_methods", ()) and "Redirect" in str(handler.parsed_return_field.annotation)
    }


async def test_no_address_sends_a_visitor_elsewhere(
    app: Any, http: httpx.AsyncClient, database: Any, ward_settings: Settings
) -> None:
    people, _ = await console_day.begin(ward_settings)
    await console_day.enrolled(people.suzuki, ward_settings)
    code = (await work.sql("select code from link where url like 'https:%' limit 1"))[0]["code"]
    target = (await work.sql("select url from link where code = $1", code))[0]["url"]
    signed_in = {"cookie": f"__Host-ward-console={await cast.session(people.sato)}"}
    doors = {
        "/verify": ["/verify?number={}"],
        "/go/{code:str}": ["/go/{}", f"/go/{code}?from={{}}", f"/go/{code}?url={{}}"],
        "/console/sign-in": ["/console/sign-in?next={}"],
        "/console/sign-in/code": ["/console/sign-in/code?next={}"],
        "/console/review/{request_id:int}": ["/console/review/1?next={}", "/console/review/999?next={}"],
    }
    assert set(doors) == redirecting(app), "案内する扉を足したら、ここに一行を足す"
    tried = 0
    for door in (one for ways in doors.values() for one in ways):
        for payload in ELSEWHERE:
            answer = await http.get(door.format(quote(payload, safe="")), headers=signed_in)
            assert stays(answer) or answer.headers["location"] == target, (door, payload, dict(answer.headers))
            tried += 1
    for payload in ELSEWHERE:
        for login in ("sato", "suzuki"):
            form = {"login": login, "password": PASSWORD, "next": payload}
            answer = await http.post("/console/sign-in", data=form, headers={"origin": WARD})
            assert answer.status_code == 303, answer.text
            assert stays(answer), (login, payload, answer.headers["location"])
            tried += 1
    print(f"S4: 行き先の乗っ取り {tried}通り、出た数 0")


def stays(answer: httpx.Response) -> bool:
    place = urlsplit(answer.headers.get("location", "/"))
    return not place.scheme and not place.netloc and "\\" not in place.path and not place.path.startswith("//")


@pytest.mark.parametrize(
    "payload", ["//evil.example.com/", "https://evil.example.com/", "/../../evil.example.com", "\\evil.example.com"]
)
async def test_the_settings_page_never_leads_elsewhere(sakura: Phone, payload: str) -> None:
    """LIFFのSDKは `liff.state` の道へ移る。よそへは移らない。"""
    await sakura.open(f"/liff?liff.state={quote(payload, safe='')}&liff.referrer={quote(payload, safe='')}")
    await sakura.page.wait_for_function("!location.search.includes('liff.state') || document.body.dataset.now")
    assert urlsplit(sakura.page.url).hostname == "ward.example.jp"
    assert "evil.example.com" not in sakura.hosts()


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


NOTICE = f"'区は読めません。119・110へ{SCRIPTS[0][:20]}'"


async def test_what_a_resident_sends_is_a_choice_and_never_text(
    sakura: Phone, http: httpx.AsyncClient, owner: asyncpg.Connection
) -> None:
    """住民の欄に、自由な文字は一つもない。選択肢でないものは断られ、何も残らない。"""
    await sakura.to_form()
    cookies = {one["name"]: one["value"] for one in await sakura.context.cookies(WARD)}  # type: ignore[typeddict-item]
    right: dict[str, Any] = {"purposes": ["area", "parenting", "topics", "language"], "area": 12, "children": [{"birth_month": "2025-01"}],
             "topics": ["bosai"], "language": "en", "notice_version": 1, "notice_language": "ja"}  # fmt: skip
    fields = [field for field in right if field != "notice_language"]  # 知らない言語は、日本語(正文)になる
    tried = 0
    for field in fields:
        for payload in SCRIPTS:
            wrong = right | {field: [payload] if isinstance(right[field], list) else payload}
            answer = await http.put(
                "/liff/api/me", json=wrong, headers={"origin": WARD, "x-ward": "1"}, cookies=cookies
            )
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


async def evil_page(phone: Phone, body: str) -> Any:
    """同じブラウザで開いた、よそのサイトのページ。"""
    html = f"<!doctype html><meta charset=utf-8><title>よそ</title>{body}"
    await phone.context.route(f"{EVIL}/**", lambda route: route.fulfill(content_type="text/html", body=html))
    page = await phone.context.new_page()
    page.on("console", lambda message: phone.said.append(f"{message.type}: {message.text}"))
    await page.goto(f"{EVIL}/", wait_until="load")
    return page
