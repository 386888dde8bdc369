"""ログインの試験の道具: 画面を通る人の手つきを、HTTPだけでまねる。"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import connect
from typing import Any
from urllib.parse import parse_qs, urlsplit

from litestar import Litestar
from litestar.di import Provide
from litestar.testing import TestClient

from backend.settings import Settings
from backend.simulator import login, login_api
from backend.simulator.permits import Permits
from backend.simulator.sign_in import SignIn

LIFF_ID = "2006123456-AbCdEfGh"
CHANNEL = "2006123456"
ENDPOINT = "https://ward.example.jp/liff"
SAKURA, KEN, LIN = (f"U{number:032x}" for number in (1, 2, 3))


@dataclass(frozen=True)
class Person:
    user: str
    name: str
    friend: bool = True
    blocked: bool = False


class Cast:
    """三人だけの友だち。"""

    def __init__(self) -> None:
        self.all = {
            p.user: p
            for p in (
                Person(SAKURA, "さくら"),
                Person(KEN, "健"),
                Person(LIN, "リン", blocked=True),
            )
        }

    def person(self, user: str) -> Person | None:
        return self.all.get(user)

    def search(self, text: str, offset: int, limit: int) -> tuple[list[Person], int]:
        found = [person for person in self.all.values() if text in person.name]
        return found[offset : offset + limit], len(found)


class Clock:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class House:
    """模擬ログインと、それに話しかけるブラウザ。"""

    def __init__(self, file: Path, clock: Clock, **settings: Any) -> None:
        # 出来事の輪は別の糸で回るので、糸の見張りを外す。
        database = connect(file, check_same_thread=False)
        chosen = {
            "liff_id": LIFF_ID,
            "public_url": "https://ward.example.jp",
            **settings,
        }
        self.sign_in = SignIn(Cast(), Permits(database, clock), Settings(**chosen))
        app = Litestar(
            [*login.routes, *login_api.routes],
            dependencies={"sign_in": Provide(lambda: self.sign_in, sync_to_thread=False)},
        )
        self.browser = TestClient(app, base_url="http://access.line.me")

    def as_friend(self, user: str) -> None:
        self.browser.cookies.set(login.FRIEND_COOKIE, user)

    def login(self, user: str) -> dict[str, Any]:
        """許可のページで「許可する」を押し、コードをトークンに替えるまで。"""
        self.as_friend(user)
        verifier, asked = ask()
        code = returned(self.press("allow", asked))["code"]
        return self.trade(code, verifier).json()

    def press(self, decision: str, asked: dict[str, str]):
        return self.browser.post(
            "/liff/v1/authorize",
            data={**asked, "decision": decision},
            follow_redirects=False,
        )

    def trade(self, code: str, verifier: str, **changed: str):
        form = {
            "grant_type": "authorization_code",
            "client_id": CHANNEL,
            "appId": LIFF_ID,
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": ENDPOINT,
            "id_token_key_type": "JWK",
        }
        return self.browser.post("/oauth2/v2.1/token", data={**form, **changed})


def ask(**changed: str) -> tuple[str, dict[str, str]]:
    """SDKと同じ認可の頼み。(検証子, 問い合わせ)"""
    verifier = secrets.token_urlsafe(32)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "app_id": LIFF_ID,
        "state": "abcdefghijkl",
        "response_type": "code",
        "code_challenge_method": "S256",
        "code_challenge": challenge,
        "liff_sdk_version": "2.31.0",
        "redirect_uri": ENDPOINT,
    }
    return verifier, {**asked, **changed}


def returned(answer: Any) -> dict[str, str]:
    """戻り先のURLに付いてきたもの。"""
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
