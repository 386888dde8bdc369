"""S1: 偽の本人。どの手口でも、セッションは始まらず、何も見えず、何も書かれない。"""

import base64
import hmac
import json
import re
import secrets
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import SecretStr

from backend.residents import liff, session
from backend.store import clock
from tests.conftest import LOGIN_CHANNEL_ID
from tests.residents.people import KEN, SAKURA, consented

ROUTES = [
    ("GET", "/liff/api/me"),
    ("PUT", "/liff/api/me"),
    ("DELETE", "/liff/api/me"),
    ("DELETE", "/liff/api/me/area"),
    ("DELETE", "/liff/api/me/children/0"),
    ("GET", "/liff/api/me/download"),
    ("GET", "/liff/api/me/download.txt"),
    ("POST", "/liff/api/me/area/renewal"),
    ("POST", "/liff/api/code"),
]


def test_the_corpus_calls_every_route() -> None:
    """道が増えたら、この表にも増える。"""
    router: Any = liff.routes[0]
    routes = {(method, path) for route in router.routes for path in [route.path] for method in route.methods}
    tried = {
        (method, re.sub(r"(me/)area\b", r"\1{purpose:str}", path).replace("/0", "/{position:int}"))
        for method, path in ROUTES
    }
    assert routes - {(method, path) for method, path in routes if method == "OPTIONS"} == tried | {
        ("POST", "/liff/session"),
        ("DELETE", "/liff/session"),  # 本人がいなくても、クッキーを消すだけ
    }


@pytest.fixture(autouse=True)
def friends(simulator):
    simulator.add_friends(SAKURA, KEN)


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def corpus(good: str, jwks: list[dict]) -> dict[str, str]:
    """本物のトークンと公開鍵だけを手がかりに作れる偽物。"""
    header, payload, signature = good.split(".")
    claims = jwt.decode(good, options={"verify_signature": False})
    kid = jwt.get_unverified_header(good)["kid"]
    mine = ec.generate_private_key(ec.SECP256R1())
    rsa_key = rsa.generate_private_key(65537, 2048)
    public = jwt.PyJWK(jwks[0]).key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    other = {**claims, "sub": KEN}
    return {
        "none": f"{b64({'alg': 'none', 'kid': kid})}.{b64(other)}.",
        "none_with_signature": f"{b64({'alg': 'none', 'kid': kid})}.{b64(other)}.{signature}",
        "None": f"{b64({'alg': 'None', 'kid': kid})}.{payload}.{signature}",
        "other_sub": f"{header}.{b64(other)}.{signature}",
        "stripped": f"{header}.{payload}.",
        "two_parts": f"{header}.{payload}",
        "empty": "",
        "dots": "..",
        "junk": "あ" * 50,
        "nul": "\0" * 30,
        "long": "a" * 7000,
        "signature_bit": good[:-3] + ("A" if good[-3] != "A" else "B") + good[-2:],
        "zero_signature": f"{header}.{payload}.{b64(bytes(64))}",
        "hs256_with_public_key": f"{(h := b64({'alg': 'HS256', 'kid': kid}))}.{b64(other)}."
        + b64(hmac.digest(public, f"{h}.{b64(other)}".encode(), "sha256")),
        "rs256": jwt.encode(other, rsa_key, "RS256", headers={"kid": kid}),
        "es256_own_key_known_kid": jwt.encode(other, mine, "ES256", headers={"kid": kid}),
        "es256_own_key_own_kid": jwt.encode(other, mine, "ES256", headers={"kid": "mine"}),
        "no_kid": jwt.encode(other, mine, "ES256"),
        "kid_path": jwt.encode(other, mine, "ES256", headers={"kid": "../../etc/passwd"}),
        "kid_number": f"{b64({'alg': 'ES256', 'kid': 1})}.{payload}.{signature}",
        "jku": jwt.encode(other, mine, "ES256", headers={"kid": kid, "jku": "https://evil.example/keys"}),
        "embedded_jwk": jwt.encode(
            other,
            mine,
            "ES256",
            headers={"kid": kid, "jwk": json.loads(jwt.algorithms.ECAlgorithm.to_jwk(mine.public_key()))},
        ),
        "access_token": secrets.token_urlsafe(40),
    }


async def test_no_forged_identity_is_believed(page, simulator, keys, owner):
    await consented(keys, KEN)
    before = await owner.fetchval("select count(*) from consent_event")
    good = simulator.id_token(SAKURA)
    tried = corpus(good, simulator.http.get("/oauth2/v2.1/certs").json()["keys"])
    for fault in ("expired", "wrong_aud", "wrong_iss", "hs256", "unknown_kid", "forged"):
        tried[f"simulator_{fault}"] = simulator.id_token(KEN, fault)
    accepted = []
    for name, token in tried.items():
        answer = await page.offer(token)
        calls = [(await page.call(method, path, json={})).status_code for method, path in ROUTES]
        if answer.status_code not in (401, 422) or set(calls) != {401}:
            accepted.append((name, answer.status_code, calls))
    print(f"S1: 偽物 {len(tried)}種 × 道 {len(ROUTES) + 1}、受け入れた数 {len(accepted)}")
    assert accepted == []
    assert await owner.fetchval("select count(*) from consent_event") == before


async def test_a_token_older_than_ten_minutes_is_stale(page, simulator):
    token = simulator.id_token(SAKURA)
    await clock.advance(11 * 60)
    assert (await page.offer(token)).status_code == 401


@pytest.mark.parametrize("how", ["bit", "other_key", "empty", "console", "short", "unknown_version"])
async def test_a_forged_session_cookie_is_no_session(page, line_settings, how):
    await page.sign_in(SAKURA)
    value = page.http.cookies["ward-liff"]
    forged = {
        "bit": value[:-6] + ("A" if value[-6] != "A" else "B") + value[-5:],
        "other_key": session.seal(
            session.Session(KEN, await clock.now() + timedelta(minutes=9), "a", "b"),
            line_settings.model_copy(update={"session_keys": type(line_settings.session_keys)("1:" + "ab" * 64)}),
        ),
        "empty": "",
        "console": "ward-console-token",
        "short": value[:20],
        "unknown_version": base64.urlsafe_b64encode(b"\x63" + base64.urlsafe_b64decode(value)[1:]).decode(),
    }[how]
    page.http.cookies.clear()
    answer = await page.call("GET", "/liff/api/me", headers={"cookie": f"ward-liff={forged}"})
    assert answer.status_code == 401


async def test_the_cookie_hides_who_it_is(page):
    await page.sign_in(SAKURA)
    raw = base64.urlsafe_b64decode(page.http.cookies["ward-liff"])
    assert SAKURA.encode() not in raw


async def test_keys_can_be_rotated_while_people_are_inside(line_settings, database):
    now = await clock.now()
    mine = session.Session(SAKURA, (now + timedelta(minutes=5)).replace(microsecond=0), "a", "b")
    old = session.seal(mine, line_settings)
    rotated = line_settings.model_copy(
        update={"session_keys": SecretStr(line_settings.session_keys.get_secret_value() + ",2:" + "cd" * 64)}
    )
    assert session.unseal(old, rotated) == mine
    assert session.unseal(session.seal(mine, rotated), line_settings) is None


async def test_sign_in_with_the_login_channel_only(page, simulator):
    assert LOGIN_CHANNEL_ID in jwt.decode(simulator.id_token(SAKURA), options={"verify_signature": False})["aud"]
    assert (await page.sign_in(SAKURA)).status_code == 200
