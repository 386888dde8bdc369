"""IDトークンの確かめ。"""

import asyncio
import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from backend.errors import LineError, Outcome, Unavailable
from backend.line.identity import REFETCHES, Certs, Forged, verify
from backend.simulator.id_tokens import SigningKey

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CHANNELS = ["1660000000", "1660000001"]
SAKURA = "U" + "a" * 32
KEY = SigningKey.make()


class Line:
    """公開鍵を配るLINE。"""

    def __init__(self, *keys: SigningKey) -> None:
        self.keys, self.asked, self.down = list(keys), 0, False

    async def fetch(self) -> list[dict[str, Any]]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise LineError(Outcome.UNKNOWN, "時間切れ")
        return [key.jwk() for key in self.keys]


def _claims(**changes: Any) -> dict[str, Any]:
    issued = int(NOW.timestamp()) - 5
    claims = {"iss": "https://access.line.me", "sub": SAKURA, "aud": CHANNELS[0], "exp": issued + 3600, "iat": issued}
    return {name: value for name, value in {**claims, **changes}.items() if value is not ...}


def _token(key: SigningKey = KEY, kid: str | None = None, **changes: Any) -> str:
    return jwt.encode(_claims(**changes), key.private, algorithm="ES256", headers={"kid": kid or key.kid})


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def _why(token: str, certs: Certs | None = None) -> str:
    with pytest.raises(Forged) as caught:
        await verify(token, certs or Certs(Line(KEY).fetch), CHANNELS, NOW)
    return caught.value.reason


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_real_token_names_the_person(channel: str) -> None:
    found = await verify(_token(aud=channel), Certs(Line(KEY).fetch), CHANNELS, NOW)
    assert (found.user_id, found.expires_at) == (SAKURA, NOW + timedelta(seconds=3595))


async def test_two_tokens_of_the_same_second_are_two_tokens() -> None:
    """サインインし直しは、同じ秒のうちに済むことがある。中身は同じで、署名だけが違う。"""
    certs = Certs(Line(KEY).fetch)
    one, other = _token(), _token()
    assert one.rpartition(".")[0] == other.rpartition(".")[0]
    assert (await verify(one, certs, CHANNELS, NOW)).digest != (await verify(other, certs, CHANNELS, NOW)).digest


async def test_the_same_token_spelled_otherwise_is_not_a_fresh_one() -> None:
    """盗んだトークンは、鍵がなくても署名だけを別の正しい綴りに直せる。それで二度目に使えてはならない。"""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    token = _token()
    signed, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    other = raw[:32] + (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    certs = Certs(Line(KEY).fetch)
    spelled = [token, f"{token}==", f"{signed}.{_base64url(other)}"]
    assert len({(await verify(one, certs, CHANNELS, NOW)).digest for one in spelled}) == 1


async def test_a_person_is_not_in_the_printed_form() -> None:
    assert SAKURA not in repr(await verify(_token(), Certs(Line(KEY).fetch), CHANNELS, NOW))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://example.com"}, "issuer"),
        ({"iss": ...}, "issuer"),
        ({"aud": "1650000000"}, "audience"),
        ({"aud": CHANNELS}, "audience"),
        ({"aud": ...}, "audience"),
        ({"exp": NOW.timestamp()}, "expired"),
        ({"exp": ...}, "expired"),
        ({"exp": "later"}, "expired"),
        ({"exp": 1e30}, "expired"),
        ({"iat": NOW.timestamp() - 601}, "stale"),
        ({"iat": NOW.timestamp() + 61}, "stale"),
        ({"iat": ...}, "stale"),
        ({"sub": "Uxyz"}, "subject"),
        ({"sub": ...}, "subject"),
        ({"sub": f"{SAKURA}\n"}, "subject"),
    ],
)
async def test_a_token_with_a_wrong_claim_is_refused(changes: dict[str, Any], reason: str) -> None:
    assert await _why(_token(**changes)) == reason


async def test_a_token_signed_by_another_key_is_refused() -> None:
    assert await _why(_token(SigningKey.make(), kid=KEY.kid)) == "signature"


async def test_an_unsigned_token_is_refused() -> None:
    assert await _why(jwt.encode(_claims(), None, algorithm="none", headers={"kid": KEY.kid})) == "algorithm"


async def test_a_token_signed_with_the_public_key_as_a_secret_is_refused() -> None:
    head = {"alg": "HS256", "kid": KEY.kid}
    signed = ".".join(_base64url(json.dumps(part).encode()) for part in (head, _claims()))
    public = json.dumps(KEY.jwk()).encode()  # PyJWTは公開鍵をHMACの鍵にさせないので、自分で署名する
    assert await _why(f"{signed}.{_base64url(hmac.new(public, signed.encode(), 'sha256').digest())}") == "algorithm"


async def test_a_token_signed_with_rsa_is_refused() -> None:
    private = rsa.generate_private_key(65537, 2048)
    assert await _why(jwt.encode(_claims(), private, algorithm="RS256", headers={"kid": KEY.kid})) == "algorithm"


async def test_a_header_that_lies_about_its_algorithm_is_refused() -> None:
    head = _base64url(json.dumps({"alg": "ES256", "kid": KEY.kid}).encode())
    body, signature = jwt.encode(_claims(), "s" * 40, algorithm="HS256").split(".")[1:]
    assert await _why(f"{head}.{body}.{signature}") == "signature"


@pytest.mark.parametrize("token", ["", "x", "a.b", "a.b.c", "あ.い.う", "." * 9, "x" * 5000, "null", "\x00"])
async def test_what_is_no_token_is_refused(token: str) -> None:
    assert await _why(token) in {"signature", "too_long", "algorithm"}


async def test_keys_are_fetched_once() -> None:
    line = Line(KEY)
    certs = Certs(line.fetch)
    await asyncio.gather(*(verify(_token(), certs, CHANNELS, NOW) for _ in range(20)))
    assert line.asked == 1


async def test_a_new_key_of_line_is_learnt_at_its_first_token() -> None:
    line = Line(KEY)
    certs = Certs(line.fetch)
    await verify(_token(), certs, CHANNELS, NOW)
    line.keys.append(SigningKey.make())
    found = await verify(_token(line.keys[1]), certs, CHANNELS, NOW)
    assert (found.user_id, line.asked) == (SAKURA, 2)


async def test_made_up_kids_cannot_make_us_ask_line_for_ever() -> None:
    line = Line(KEY)
    certs = Certs(line.fetch)
    for number in range(50):
        assert await _why(_token(kid=f"made-up-{number}"), certs) == "unknown_kid"
    assert line.asked <= REFETCHES


async def test_without_lines_keys_nobody_is_called_a_forger() -> None:
    line = Line(KEY)
    line.down = True
    with pytest.raises(Unavailable):
        await verify(_token(), Certs(line.fetch), CHANNELS, NOW)


@pytest.mark.parametrize(
    "jwk", [{}, {"kid": "k"}, {"kid": "k", "crv": "P-256", "kty": "EC"}, {"kid": "k", "crv": "P-384"}, "x"]
)
async def test_a_broken_public_key_is_left_out(jwk: Any) -> None:
    async def fetch() -> list[Any]:
        return [jwk, KEY.jwk()]

    assert (await verify(_token(), Certs(fetch), CHANNELS, NOW)).user_id == SAKURA
