"""LIFFのURLは、本物のホスト名でも、製品の同じ出どころの扉ごしでも、正しい所へ着く。"""

from pathlib import Path
from typing import Any

import pytest

from backend.simulator.login import with_query
from tests.simulator.login_client import KEN, LIFF_ID, SAKURA, Clock, House, ask

DOOR = {"x-forwarded-prefix": "/line/liff", "x-forwarded-host": "127.0.0.1:8000"}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "simulator.sqlite", Clock())


@pytest.fixture
def demo(tmp_path: Path) -> House:
    return House(tmp_path / "simulator.sqlite", Clock(), public_url="http://127.0.0.1:8000")


def go(house: House, path: str, **more: Any):
    return house.browser.get(path, follow_redirects=False, **more)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (f"/{LIFF_ID}", "https://ward.example.jp/liff"),
        (f"/{LIFF_ID}/", "https://ward.example.jp/liff"),
        (f"/{LIFF_ID}/stop", "https://ward.example.jp/liff?liff.state=%2Fstop"),
        (
            f"/{LIFF_ID}/a/b?x=1&y=%E3%81%82",
            "https://ward.example.jp/liff?liff.state=%2Fa%2Fb%3Fx%3D1%26y%3D%25E3%2581%2582",
        ),
        (f"/{LIFF_ID}?x=1", "https://ward.example.jp/liff?liff.state=%3Fx%3D1"),
    ],
)
def test_a_liff_address_leads_to_the_endpoint_with_its_state(house: House, path: str, target: str) -> None:
    answer = go(house, path)
    assert (answer.status_code, answer.headers["location"]) == (302, target)


def test_another_liff_id_is_not_found(house: House) -> None:
    assert go(house, "/2006123456-zzzzzzzz").status_code == 404
    assert go(house, "/favicon.ico").status_code == 404


def test_a_ticket_signs_in_once_and_stays_out_of_the_next_address(demo: House) -> None:
    ticket = demo.sign_in.permits.ticket(KEN)
    first = go(demo, f"/{LIFF_ID}/stop?as={ticket}", headers=DOOR)
    assert 'href="http://127.0.0.1:8000/liff?liff.state=%2Fstop"' in first.text
    assert ticket not in first.text
    assert f"line_friend={KEN}" in first.headers["set-cookie"]
    assert "Path=/line;" in first.headers["set-cookie"] + ";"
    assert go(demo, f"/{LIFF_ID}?as={ticket}", headers=DOOR).status_code == 400


def test_changing_the_friend_clears_what_the_page_itself_cannot(demo: House) -> None:
    cookies = f"line_friend={SAKURA}; ward-liff=secret; ward-console=officer"
    changed = go(demo, f"/{LIFF_ID}?as={KEN}", headers={**DOOR, "cookie": cookies}).headers.get_list("set-cookie")
    assert any(header.startswith("ward-liff=") and "Max-Age=0" in header for header in changed)
    assert not any(header.startswith("ward-console") for header in changed), "職員のサインインには触れない"
    same = go(demo, f"/{LIFF_ID}?as={SAKURA}", headers={**DOOR, "cookie": cookies}).headers.get_list("set-cookie")
    assert not any(header.startswith("ward-liff") for header in same)


def test_behind_the_door_every_address_on_the_page_keeps_the_prefix(
    demo: House,
) -> None:
    demo.as_friend(SAKURA)
    door = {"x-forwarded-prefix": "/line/access"}
    asked = ask(redirect_uri="http://127.0.0.1:8000/liff")[1]
    page = go(demo, "/liff/v1/authorize", params=asked, headers=door)
    assert 'action="/line/access/liff/v1/authorize"' in page.text
    assert 'href="/line/access/phone/static/login.css"' in page.text
    again = demo.browser.post(
        "/liff/v1/authorize",
        data={**asked, "friend": KEN},
        headers=door,
        follow_redirects=False,
    )
    assert again.headers["location"].startswith("/line/access/liff/v1/authorize?app_id=")


def test_with_real_host_names_every_address_is_plain_and_the_cookie_is_for_all_of_them(
    house: House,
) -> None:
    asked = ask()[1]
    page = go(house, "/liff/v1/authorize", params=asked)
    assert 'action="/liff/v1/authorize"' in page.text
    chosen = house.browser.post("/liff/v1/authorize", data={**asked, "friend": KEN}, follow_redirects=False)
    assert "Domain=line.me" in chosen.headers["set-cookie"]


def test_a_prefix_that_is_no_door_is_ignored(house: House) -> None:
    page = go(
        house,
        "/liff/v1/authorize",
        params=ask()[1],
        headers={"x-forwarded-prefix": '"><script>'},
    )
    assert 'action="/liff/v1/authorize"' in page.text


def test_the_page_allows_no_inline_script_and_is_framed_only_by_the_phone(demo: House, house: House) -> None:
    asked = ask(redirect_uri="http://127.0.0.1:8000/liff")[1]
    framed = go(
        demo,
        "/liff/v1/authorize",
        params=asked,
        headers={"x-forwarded-prefix": "/line/access"},
    )
    assert "frame-ancestors 'self' http://127.0.0.1:8001" in framed.headers["content-security-policy"]
    assert "unsafe-inline" not in framed.headers["content-security-policy"]
    assert (
        "frame-ancestors 'none'" in go(house, "/liff/v1/authorize", params=ask()[1]).headers["content-security-policy"]
    )


def test_adding_to_an_address_keeps_its_query_and_fragment() -> None:
    assert with_query("https://w.jp/liff?a=1#top", {"code": "c d"}) == "https://w.jp/liff?a=1&code=c%20d#top"
