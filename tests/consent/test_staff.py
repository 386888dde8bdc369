"""P17: 職員は、同意を作ることも、直すことも、取り込むこともできない。すべての扉 × すべての役割で。"""

import ast
from typing import Any

from backend.consent.notices import Purpose
from backend.permissions import Role
from backend.residents import rights
from backend.residents.choices import Choices
from backend.store import work
from tests.cast import Cast
from tests.console_fixtures import Opening, app, console, people
from tests.house import files
from tests.residents.people import SAKURA, consented
from tests.web.test_matrix import doors, filled

__all__ = ["app", "console", "people"]
WRITES = {"save", "save_many", "renew", "granted"}
MAY_WRITE = {
    "backend/residents/liff.py",  # 本人の電話から
    "backend/residents/preferences.py",
    "backend/demo/people.py",  # お試しの用意(製品のデータベースでは動かない)
}
PHONE = (("PUT", "/liff/api/me"), ("POST", "/liff/api/me/area/renewal"), ("GET", "/liff/api/me"))
MARKS = {"x-ward": "1", "origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
FORGED = {
    "purposes": ["63", "area"],
    "purpose": "topics",
    "name": "purposes",
    "value": "63",
    "many": ["bosai"],
    "notice_version": "1",
    "area": "12",
    "user_id": SAKURA,
    "action": "granted",
    "subject": "00" * 32,
}


def test_only_the_persons_own_page_writes_a_consent() -> None:
    """同意の件を書く動詞を呼ぶのは、本人のページだけ。"""
    found = {
        files.name(path)
        for path in files.python("backend")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in WRITES
        and isinstance(node.value, ast.Name)
        and node.value.id in ("preferences", "ledger")
    }
    assert found <= MAY_WRITE, found - MAY_WRITE
    assert "backend/residents/liff.py" in found


async def test_no_door_of_the_console_adds_a_consent_for_any_role(
    app: Any, console: Opening, people: Cast, keys: Any, owner: Any
) -> None:
    await consented(keys, SAKURA, Choices(purposes=Purpose.AREA, area=12))
    code, _ = await work.run(rights.issue_code, keys, SAKURA)
    case = await work.run(rights.open_case, people.ogawa, keys, code)  # 本人が目の前にいても
    before = await granted(owner)
    tried = 0
    for actor in people.actors:
        for method, path, _ in doors(app):
            browser = await console(actor)  # 一つの操作でサインアウトしても、次に響かない
            place = filled(path.replace("{case:uuid}", str(case)))
            answer = await (browser.post(place, FORGED) if method == "POST" else browser.get(place))
            assert answer.status_code < 500, (actor.role, method, path)
            tried += 1
        for method, path in PHONE:  # 職員のセッションは、住民のページでは、だれでもない
            answer = await (await console(actor)).http.request(method, path, json={"purposes": ["area"]}, headers=MARKS)
            assert answer.status_code == 401, (method, path, answer.text)
    print(f"P17: 役割 {len(people.actors)}、試した扉 {tried}、増えた同意 {len(await granted(owner)) - len(before)}")
    assert {actor.role for actor in people.actors} == set(Role)
    assert await granted(owner) == before


async def granted(owner: Any) -> list[tuple[Any, ...]]:
    """同意の件と、本人の行の目的のすべて。"""
    events = await owner.fetch("select event_id, purpose from consent_event where action = 'granted' order by id")
    held = await owner.fetch("select id, purposes from resident order by id")
    return [tuple(row) for row in (*events, *held)]
