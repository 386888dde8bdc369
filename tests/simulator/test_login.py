"""模擬ログインは、本物のLIFF SDKが求めるものだけを、本物と同じ厳しさで渡す(LINE.md 3.3)。"""

from pathlib import Path

import jwt
import pytest

from backend.simulator.id_tokens import ISSUER
from tests.simulator.login_client import (
    CHANNEL,
    ENDPOINT,
    KEN,
    LIFF_ID,
    LIN,
    SAKURA,
    Clock,
    House,
    ask,
    returned,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def house(tmp_path: Path, clock: Clock) -> House:
    return House(tmp_path / "simulator.sqlite", clock)


def public_key(house: House, token: str):
    kid = jwt.get_unverified_header(token)["kid"]
    keys = house.browser.get("/oauth2/v2.1/certs").json()["keys"]
    return jwt.PyJWK(next(key for key in keys if key["kid"] == kid)).key


def test_a_person_who_permits_comes_back_with_a_code_and_what_the_sdk_needs(
    house: House,
) -> None:
    house.as_friend(SAKURA)
    back = returned(house.press("allow", ask()[1]))
    assert set(back) == {"code", "state", "liffClientId", "liffRedirectUri"}
    assert (back["state"], back["liffClientId"], back["liffRedirectUri"]) == (
        "abcdefghijkl",
        CHANNEL,
        ENDPOINT,
    )


def test_the_id_token_is_es256_and_names_the_person_the_channel_and_one_hour(house: House, clock: Clock) -> None:
    token = house.login(SAKURA)["id_token"]
    claims = jwt.decode(
        token,
        public_key(house, token),
        algorithms=["ES256"],
        audience=CHANNEL,
        options={"verify_exp": False},
    )
    now = int(clock.at.timestamp())
    assert (claims["iss"], claims["sub"], claims["iat"], claims["exp"]) == (
        ISSUER,
        SAKURA,
        now,
        now + 3600,
    )


def test_a_code_works_once(house: House) -> None:
    house.as_friend(SAKURA)
    verifier, asked = ask()
    code = returned(house.press("allow", asked))["code"]
    assert house.trade(code, verifier).status_code == 200
    assert house.trade(code, verifier).json() == {
        "error": "invalid_grant",
        "error_description": "invalid authorization code",
    }


def test_a_stolen_code_without_its_verifier_is_worth_nothing(house: House) -> None:
    house.as_friend(SAKURA)
    verifier, asked = ask()
    code = returned(house.press("allow", asked))["code"]
    assert house.trade(code, "x" * 43).status_code == 400
    assert house.trade(code, verifier).status_code == 400, "試みたあとのコードも使えない"


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "https://ward.example.jp/liff/other"},
        {"client_id": "1"},
        {"appId": "1-x"},
        {"grant_type": "x"},
    ],
)
def test_a_code_is_bound_to_where_it_was_asked_from(house: House, changed: dict[str, str]) -> None:
    house.as_friend(SAKURA)
    verifier, asked = ask()
    code = returned(house.press("allow", asked))["code"]
    assert house.trade(code, verifier, **changed).status_code == 400


def test_a_code_is_stale_after_ten_minutes(house: House, clock: Clock) -> None:
    house.as_friend(SAKURA)
    verifier, asked = ask()
    code = returned(house.press("allow", asked))["code"]
    clock.advance(601)
    assert house.trade(code, verifier).status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"response_type": "token"},
        {"app_id": "1-x"},
        {"redirect_uri": "https://evil.example/liff"},
        {"redirect_uri": "https://ward.example.jp/liffy"},
        {"redirect_uri": "https://ward.example.jp.evil.example/liff"},
    ],
)
def test_a_request_that_line_would_refuse_gets_no_code(house: House, changed: dict[str, str]) -> None:
    house.as_friend(SAKURA)
    asked = ask(**changed)[1]
    assert house.browser.get("/liff/v1/authorize", params=asked, follow_redirects=False).status_code == 400
    assert house.press("allow", asked).status_code == 400


def test_the_permission_page_shows_who_is_signed_in_and_asks_only_once(
    house: House,
) -> None:
    house.as_friend(KEN)
    asked = ask()[1]
    first = house.browser.get("/liff/v1/authorize", params=asked, follow_redirects=False)
    assert (first.status_code, "許可する" in first.text, "健" in first.text) == (
        200,
        True,
        True,
    )
    house.press("allow", asked)
    assert "code" in returned(house.browser.get("/liff/v1/authorize", params=asked, follow_redirects=False))


def test_cancelling_goes_back_with_the_refusal_the_sdk_knows(house: House) -> None:
    house.as_friend(KEN)
    back = returned(house.press("deny", ask()[1]))
    assert (back["error"], back["liffOAuth2Error"], "code" in back) == (
        "access_denied",
        "1",
        False,
    )


def test_nobody_signed_in_chooses_a_friend_first(house: House) -> None:
    asked = ask()[1]
    page = house.browser.get("/liff/v1/authorize", params={**asked, "search": "リ"})
    assert "だれとして開きますか" in page.text
    assert ("リン" in page.text, "さくら" in page.text) == (True, False)
    chosen = house.browser.post("/liff/v1/authorize", data={**asked, "friend": LIN})
    assert "許可する" in chosen.text
    assert "リン" in chosen.text


def test_an_unknown_friend_cookie_is_nobody(house: House) -> None:
    house.as_friend("U" + "f" * 32)
    assert "code" not in house.press("allow", ask()[1]).headers.get("location", "")


@pytest.mark.parametrize("path", ["/v2/profile", "/friendship/v1/status"])
def test_a_name_and_a_friendship_are_not_given_without_their_permission(house: House, clock: Clock, path: str) -> None:
    """区は `openid` だけを求める: IDトークンは利用者のIDだけを持ち、名前も画像も持たない(LINEログインのスコープの表)。"""
    tokens = house.login(SAKURA)
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    assert house.browser.get(path, headers=bearer).status_code == 403
    clock.advance(12 * 3600 + 1)
    assert house.browser.get(path, headers=bearer).status_code == 401
    assert not {"name", "picture"} & set(jwt.decode(tokens["id_token"], options={"verify_signature": False}))


def test_verify_tells_the_scope_and_the_channel_of_an_access_token(
    house: House,
) -> None:
    token = house.login(SAKURA)["access_token"]
    told = house.browser.get("/oauth2/v2.1/verify", params={"access_token": token}).json()
    assert told == {
        "scope": "openid",
        "client_id": CHANNEL,
        "expires_in": 12 * 3600,
    }
    assert house.browser.get("/oauth2/v2.1/verify", params={"access_token": "x"}).status_code == 400


def test_deauthorizing_forgets_the_permission_and_every_token(house: House) -> None:
    token = house.login(SAKURA)["access_token"]
    assert house.sign_in.permits.revoke(token) == SAKURA
    assert house.browser.get("/oauth2/v2.1/verify", params={"access_token": token}).status_code == 400
    assert "許可する" in house.browser.get("/liff/v1/authorize", params=ask()[1]).text
    assert house.sign_in.permits.revoke(token) is None


def test_the_context_token_is_ascii_and_carries_what_the_sdk_reads(
    house: House,
) -> None:
    token = house.browser.get(f"/liff/v2/apps/{LIFF_ID}/contextToken").json()["contextToken"]
    assert token.isascii()
    context = jwt.decode(token, options={"verify_signature": False})
    assert (
        context["endpointUrl"],
        context["permanentLinkPattern"],
        context["availability"],
    ) == (ENDPOINT, "concat", {})
    assert house.browser.get("/liff/v2/apps/1-x/contextToken").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/oauth2/v2.1/certs",
        "/oauth2/v2.1/token",
        "/v2/profile",
        f"/liff/v2/apps/{LIFF_ID}/contextToken",
    ],
)
def test_a_page_of_another_origin_may_ask(house: House, path: str) -> None:
    answer = house.browser.options(path)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (
        204,
        "*",
    )
    assert {"authorization", "content-type", "accept"} <= set(
        answer.headers["access-control-allow-headers"].split(", ")
    )


def test_state_survives_a_kill(tmp_path: Path, clock: Clock) -> None:
    before = House(tmp_path / "s.sqlite", clock).login(SAKURA)
    after = House(tmp_path / "s.sqlite", clock)
    assert public_key(after, before["id_token"])
    assert after.browser.get("/oauth2/v2.1/verify", params={"access_token": before["access_token"]}).status_code == 200
