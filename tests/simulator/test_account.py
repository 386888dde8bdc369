"""アカウントの呼び出し: トークン、アカウントの名、友だち、連携の解除。"""

import httpx
import pytest

from tests.simulator.api import KEN, LIN, SAKURA, STRANGER, Api
from tests.simulator.running import RunningSimulator


def token(line: RunningSimulator, **changed: str) -> httpx.Response:
    form = {
        "grant_type": "client_credentials",
        "client_id": line.channel_id,
        "client_secret": line.channel_secret,
        **changed,
    }
    return line.http.post("/oauth2/v3/token", data=form)


def login_token(line: RunningSimulator) -> dict[str, str]:
    answer = token(line, client_id="1660000000", client_secret="f" * 32)
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def test_a_stateless_token_lives_15_minutes(line: RunningSimulator, api: Api) -> None:
    answer = token(line).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 900)
    line.clock(advance_seconds=890)
    assert api.get("/v2/bot/info").status_code == 200
    line.clock(advance_seconds=11)
    assert api.get("/v2/bot/info").status_code == 401


@pytest.mark.parametrize("changed", [{"client_secret": "x"}, {"client_id": "x"}, {"grant_type": "x"}])
def test_a_wrong_client_gets_no_token(line: RunningSimulator, changed: dict[str, str]) -> None:
    assert token(line, **changed).status_code == 400


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic x"])
def test_without_a_good_token_every_call_is_401(line: RunningSimulator, header: str) -> None:
    answer = line.http.get("/v2/bot/info", headers={"authorization": header} if header else {})
    assert (answer.status_code, "Authentication failed" in answer.json()["message"]) == (401, True)


def test_a_token_of_the_login_channel_does_not_open_the_messaging_api(line: RunningSimulator) -> None:
    assert line.http.get("/v2/bot/info", headers=login_token(line)).status_code == 401


def test_the_account_tells_who_it_is(line: RunningSimulator, api: Api) -> None:
    info = api.get("/v2/bot/info").json()
    assert (info["basicId"], info["displayName"], info["chatMode"], info["markAsReadMode"]) == (
        "@bunkyocity",
        "文京区",
        "bot",
        "auto",
    )
    line.account(chat_mode="chat", mark_as_read_mode="manual")
    assert api.get("/v2/bot/info").json()["chatMode"] == "chat"
    assert api.get("/v2/bot/info").json()["userId"] == info["userId"]


def test_only_a_friend_has_a_profile(api: Api) -> None:
    assert api.get(f"/v2/bot/profile/{SAKURA}").json()["displayName"] == "さくら"
    assert [api.get(f"/v2/bot/profile/{user}").status_code for user in (LIN, STRANGER, "x")] == [404] * 3


# ── 友だちの一覧 ──


def test_followers_come_a_thousand_at_a_time(line: RunningSimulator, api: Api) -> None:
    made = line.generate(2500, 5)
    line.block(made[1])
    pages: list[list[str]] = []
    start: dict[str, str] = {}
    while True:
        page = api.get("/v2/bot/followers/ids", limit=1000, **start).json()
        pages.append(page["userIds"])
        if "next" not in page:
            break
        start = {"start": page["next"]}
    assert [len(page) for page in pages] == [1000, 1000, 501]
    assert [user for page in pages for user in page] == [SAKURA, KEN, made[0], *made[2:]]


def test_a_page_token_is_good_for_a_day(line: RunningSimulator, api: Api) -> None:
    after = api.get("/v2/bot/followers/ids", limit=1).json()["next"]
    line.clock(advance_seconds=24 * 3600 + 1)
    api.renew()
    assert api.get("/v2/bot/followers/ids", start=after).status_code == 400
    assert api.get("/v2/bot/followers/ids", start="x").status_code == 400


def test_followers_are_for_verified_accounts(line: RunningSimulator, api: Api) -> None:
    line.account(verified=False)
    assert api.get("/v2/bot/followers/ids").status_code == 403


def test_the_same_seed_makes_the_same_people(line: RunningSimulator) -> None:
    assert line.generate(3, "a") == line.generate(3, "a") != line.generate(3, "b")
    assert len(line.people()) == 9


# ── 連携の解除 ──


def test_deauthorizing_ends_the_permission_of_the_person(line: RunningSimulator) -> None:
    user_token = line.tokens(SAKURA)["access_token"]
    answer = line.http.post("/user/v1/deauthorize", json={"userAccessToken": user_token}, headers=login_token(line))
    assert answer.status_code == 204
    assert line.http.get("/oauth2/v2.1/verify", params={"access_token": user_token}).status_code == 400
    assert line.calls("/user/v1/deauthorize")[0]["status"] == 204


def test_deauthorizing_needs_the_login_channel_and_a_living_token(line: RunningSimulator, api: Api) -> None:
    user_token = line.tokens(SAKURA)["access_token"]
    assert api.post("/user/v1/deauthorize", {"userAccessToken": user_token}).status_code == 401
    answer = line.http.post("/user/v1/deauthorize", json={"userAccessToken": "x"}, headers=login_token(line))
    assert answer.status_code == 400
    assert line.http.get("/oauth2/v2.1/verify", params={"access_token": user_token}).status_code == 200


def test_the_line_sdk_can_read_every_answer(line: RunningSimulator, api: Api) -> None:
    from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, RichMenuRequest

    menu_id = api.ready_menu()
    api.alias("kurashi", menu_id)
    configuration = Configuration(host=line.url, access_token=line.channel_token())
    with ApiClient(configuration) as client:
        sdk = MessagingApi(client)
        assert sdk.get_bot_info().display_name == "文京区"
        assert sdk.get_followers(limit=1).user_ids == [SAKURA]
        assert sdk.get_message_quota().type.value == "none"
        assert sdk.get_rich_menu(menu_id).rich_menu_id == menu_id
        assert sdk.get_rich_menu_alias_list().aliases[0].rich_menu_id == menu_id
        request = sdk.get_rich_menu_list().richmenus[0].to_dict()
        request.pop("richMenuId")
        assert sdk.create_rich_menu(RichMenuRequest.from_dict(request)).rich_menu_id
