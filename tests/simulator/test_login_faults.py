"""壊れたIDトークンと断りを、頼まれたときだけ出す。"""

from pathlib import Path
from typing import Any

import jwt
import pytest

from backend.simulator.id_tokens import Fault
from tests.simulator.login_client import CHANNEL, SAKURA, Clock, House, ask, returned


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "simulator.sqlite", Clock())


def broken(house: House, fault: str) -> str:
    return house.browser.post("/_sim/login/token", json={"user": SAKURA, "fault": fault}).json()["id_token"]


def judged(house: House, token: str, **more: str) -> dict[str, Any]:
    return house.browser.post("/oauth2/v2.1/verify", data={"id_token": token, "client_id": CHANNEL, **more}).json()


def test_a_good_token_verifies_to_its_claims(house: House) -> None:
    assert judged(house, broken(house, ""), user_id=SAKURA)["sub"] == SAKURA


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("expired", "IdToken expired."),
        ("wrong_aud", "Invalid IdToken Audience."),
        ("wrong_iss", "Invalid IdToken Issuer."),
        ("hs256", "Invalid IdToken."),
        ("unknown_kid", "Invalid IdToken."),
        ("forged", "Invalid IdToken."),
    ],
)
def test_each_broken_token_is_refused_in_lines_words(house: House, fault: str, words: str) -> None:
    assert judged(house, broken(house, fault)) == {
        "error": "invalid_request",
        "error_description": words,
    }


def test_another_person_or_nonce_is_refused(house: House) -> None:
    token = broken(house, "")
    assert judged(house, token, user_id="U" + "0" * 32)["error_description"] == "Invalid IdToken Subject Identifier."
    assert judged(house, token, nonce="n")["error_description"] == "Invalid IdToken Nonce."


def test_an_hs256_token_really_says_hs256(house: House) -> None:
    assert jwt.get_unverified_header(broken(house, "hs256"))["alg"] == "HS256"


def test_a_fault_lasts_as_often_as_it_was_asked_for(house: House) -> None:
    house.browser.post("/_sim/login", json={"id_token": "expired", "times": 1})
    assert judged(house, house.login(SAKURA)["id_token"])["error_description"] == "IdToken expired."
    assert judged(house, house.login(SAKURA)["id_token"])["sub"] == SAKURA


def test_refusal_on_demand_comes_back_without_asking(house: House) -> None:
    house.as_friend(SAKURA)
    house.browser.post("/_sim/login", json={"refuse": True})
    back = returned(house.browser.get("/liff/v1/authorize", params=ask()[1], follow_redirects=False))
    assert back["error"] == "access_denied"
    house.browser.post("/_sim/login", json={})
    assert "許可する" in house.browser.get("/liff/v1/authorize", params=ask()[1]).text


def test_rotating_keeps_the_last_key_and_drops_the_one_before(house: House) -> None:
    token = broken(house, "")
    house.browser.post("/_sim/login", json={"rotate": True})
    assert jwt.get_unverified_header(broken(house, ""))["kid"] != jwt.get_unverified_header(token)["kid"]
    assert judged(house, token)["sub"] == SAKURA
    house.browser.post("/_sim/login", json={"rotate": True})
    assert judged(house, token)["error_description"] == "Invalid IdToken."


def test_an_unknown_fault_is_told(house: House) -> None:
    answer = house.browser.post("/_sim/login", json={"id_token": "nonsense"})
    assert answer.status_code == 400
    assert Fault.HS256.value in answer.text
