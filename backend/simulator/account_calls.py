"""アカウントの呼び出しの表: トークン、アカウント、友だち、Webhookの行き先、連携の解除(LINE.md 1、5)。"""

import base64
import hmac
from typing import Any
from urllib.parse import urlsplit

from backend.simulator.limits import ENDPOINT_SETTING, SIXTY_AN_HOUR, Rate
from backend.simulator.webhooks import bot_user_id
from backend.simulator.wire import LOGIN, MESSAGING, Answer, Answered, Call, Endpoint, invalid, not_found

STATELESS_SECONDS = 15 * 60
SHORT_LIVED_SECONDS = 30 * 24 * 3600
FOLLOWERS_PAGE, FOLLOWERS_MOST = 300, 1000
PAGE_TOKEN_SECONDS = 24 * 3600
SHORT_LIVED_RATE = Rate(370, 1.0)


def stateless_token(call: Call) -> Answer:
    """`POST /oauth2/v3/token`: 15分。Messaging APIのチャネルとLINEログインのチャネルのどちらにも出す。"""
    return _token(call, STATELESS_SECONDS)


def short_lived_token(call: Call) -> Answer:
    return _token(call, SHORT_LIVED_SECONDS)


def verify_token(call: Call) -> Answer:
    token = call.form().get("access_token", "")
    seconds = call.world.platform.token_seconds(token, MESSAGING)
    if not seconds:
        raise Answered(400, {"error": "invalid_request", "error_description": "access token expired"})
    settings = call.world.settings
    return Answer(body={"client_id": settings.line_channel_id, "expires_in": seconds, "scope": "P CM"})


def bot_info(call: Call) -> Answer:
    account = call.world.account
    return Answer(
        body={
            "userId": bot_user_id(call.world.platform),
            "basicId": account("basic_id", "@bunkyocity"),
            "displayName": account("display_name", "文京区"),
            "chatMode": account("chat_mode", "bot"),
            "markAsReadMode": account("mark_as_read_mode", "auto"),
        }
    )


def profile(call: Call) -> Answer:
    """友だちでない人、ブロックした人、形の違うidは404。"""
    person = call.world.platform.person(call.path["user"])
    if person is None or not person.reachable:
        raise not_found()
    return Answer(body={"userId": person.user, "displayName": person.name, "language": "ja"})


def followers(call: Call) -> Answer:
    """千人ずつ。続きの札は24時間。認証済みでないアカウントは403。"""
    if not call.world.account("verified", True):
        raise Answered(403, {"message": "Access to this API is not available for your account"})
    limit = call.query.get("limit", str(FOLLOWERS_PAGE))
    if not limit.isdecimal() or not 1 <= int(limit) <= FOLLOWERS_MOST:
        raise invalid([{"message": f"must be between 1 and {FOLLOWERS_MOST}", "property": "limit"}])
    users, last = call.world.platform.friends(_start(call), int(limit))
    body: dict[str, Any] = {"userIds": users}
    if call.world.platform.friends(last, 1)[0]:
        body["next"] = base64.urlsafe_b64encode(
            f"{last}:{int(call.world.platform.now().timestamp())}".encode()
        ).decode()
    return Answer(body=body)


def get_webhook(call: Call) -> Answer:
    url = call.world.webhooks.url
    if not url:
        raise not_found()
    return Answer(body={"endpoint": url, "active": True})


def set_webhook(call: Call) -> Answer:
    url = call.json().get("endpoint")
    if not _may_be_webhook(url):
        raise invalid([{"message": "Invalid webhook endpoint URL", "property": "endpoint"}])
    call.world.webhooks.set_url(str(url))
    return Answer()


def test_webhook(call: Call) -> Answer:
    """空の出来事を送ってみる。"""
    wanted = call.json().get("endpoint") if call.body else None
    url = wanted or call.world.webhooks.url
    if not _may_be_webhook(url):
        raise invalid([{"message": "Invalid webhook endpoint URL", "property": "endpoint"}])

    async def try_it() -> Answer:
        status, reason = await call.world.webhooks.post([], url=str(url))
        good = 200 <= status < 300
        return Answer(
            body={
                "success": good,
                "timestamp": call.world.platform.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "statusCode": status,
                "reason": "OK" if good else reason or "ERROR_STATUS_CODE",
                "detail": str(status) if status else reason,
            }
        )

    return Answer(finish=try_it)


def deauthorize(call: Call) -> Answer:
    """LINEログインのチャネルのトークンで、その人の許可とトークンを捨てる。"""
    permits = call.world.sign_in.permits
    user_token = str(call.json().get("userAccessToken", ""))
    held = permits.holder(user_token)
    if held is None:
        raise Answered(400, {"message": "invalid userAccessToken"})
    return Answer(status=204, body=b"", content_type="text/plain", after=lambda: permits.forget(held[0]))


def _token(call: Call, seconds: int) -> Answer:
    form, settings = call.form(), call.world.settings
    if form.get("grant_type") != "client_credentials":
        raise Answered(400, {"error": "unsupported_grant_type", "error_description": "unsupported grant_type"})
    client, secret = form.get("client_id", ""), form.get("client_secret", "")
    known = {settings.line_channel_id: (MESSAGING, settings.line_channel_secret)}
    logins = {call.world.sign_in.channel_id, *settings.line_login_channel_ids}
    known |= {name: (LOGIN, settings.line_login_channel_secret) for name in logins if name}
    channel, expected = known.get(client, ("", None))
    if expected is None or not hmac.compare_digest(secret, expected.get_secret_value()):
        raise Answered(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
    token = call.world.platform.issue_token(channel, seconds)
    return Answer(body={"token_type": "Bearer", "access_token": token, "expires_in": seconds})


def _start(call: Call) -> int:
    start = call.query.get("start")
    if start is None:
        return -1
    try:
        last, made = base64.urlsafe_b64decode(start).decode().split(":")
        if call.world.platform.now().timestamp() - int(made) > PAGE_TOKEN_SECONDS:
            raise ValueError
        return int(last)
    except ValueError as error:
        raise Answered(400, {"message": "Invalid continuationToken"}) from error


def _may_be_webhook(url: Any) -> bool:
    """LINEはhttpsだけ。模擬では、この機械の中のhttpも許す。"""
    there = urlsplit(url) if isinstance(url, str) and len(url) <= 500 else urlsplit("")
    return there.scheme == "https" or (there.scheme == "http" and there.hostname in ("127.0.0.1", "localhost"))


endpoints = [
    Endpoint("POST", "/oauth2/v3/token", stateless_token, channel=""),
    Endpoint("POST", "/v2/oauth/accessToken", short_lived_token, SHORT_LIVED_RATE, channel=""),
    Endpoint("POST", "/v2/oauth/verify", verify_token, channel=""),
    Endpoint("POST", "/user/v1/deauthorize", deauthorize, channel=LOGIN),
    Endpoint("GET", "/v2/bot/info", bot_info),
    Endpoint("GET", "/v2/bot/profile/{user:str}", profile),
    Endpoint("GET", "/v2/bot/followers/ids", followers),
    Endpoint("GET", "/v2/bot/channel/webhook/endpoint", get_webhook, ENDPOINT_SETTING),
    Endpoint("PUT", "/v2/bot/channel/webhook/endpoint", set_webhook, ENDPOINT_SETTING),
    Endpoint("POST", "/v2/bot/channel/webhook/test", test_webhook, SIXTY_AN_HOUR),
]
