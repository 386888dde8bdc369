"""TLSの口: 本物のホスト名のまま、SDKと同じ順でサインインできる(LINE.md 3.3の2)。"""

import base64
import hashlib
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LIFF_ID, LOGIN_CHANNEL_ID
from tests.simulator.api import SAKURA
from tests.simulator.login_client import ask, returned
from tests.simulator.receiver import receiving
from tests.simulator.running import RunningSimulator

WARD = "https://ward.example.jp"


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    with receiving() as product:
        simulator = RunningSimulator(
            tmp_path_factory.mktemp("tls"),
            channel_id=CHANNEL_ID,
            channel_secret=CHANNEL_SECRET,
            liff_id=LIFF_ID,
            public_url=WARD,
            tls=True,
            ward_upstream=product.url.removesuffix("/line/webhook"),
        )
        simulator.start()
        simulator.put_people({"user": SAKURA, "name": "さくら"})
        yield simulator
        simulator.kill()


class Browser:
    """どのホスト名も模擬LINEのTLSの口へ向け、証明書は `spki` の一つだけを信じるブラウザのまね。"""

    def __init__(self, simulator: RunningSimulator) -> None:
        context = ssl.create_default_context(cafile=str(simulator.folder / "tls" / "ward.example.jp.crt"))
        self._port = simulator.tls_port
        self._http = httpx.Client(verify=context, trust_env=False)
        self.cookies = {"line_friend": SAKURA}

    def ask(self, method: str, url: str, **more: Any) -> httpx.Response:
        there = httpx.URL(url)
        headers = {"host": there.host, **more.pop("headers", {})}
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        extensions = {"sni_hostname": there.host}
        local = there.copy_with(host="127.0.0.1", port=self._port)
        return self._http.request(method, local, headers=headers, extensions=extensions, **more)


def test_the_announced_spki_is_that_of_the_certificate(secure: RunningSimulator) -> None:
    pem = ssl.get_server_certificate(("127.0.0.1", secure.tls_port))
    public = x509.load_pem_x509_certificate(pem.encode()).public_key()
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert secure.spki == base64.b64encode(hashlib.sha256(der).digest()).decode()
    assert secure.spki in (secure.folder / "simulator.log").read_text()


def test_the_whole_sign_in_of_the_sdk_over_real_host_names(secure: RunningSimulator) -> None:
    browser = Browser(secure)
    opened = browser.ask("GET", f"https://liff.line.me/{LIFF_ID}/settings")
    assert (opened.status_code, opened.headers["location"]) == (302, f"{WARD}/liff?liff.state=%2Fsettings")

    context = browser.ask("GET", f"https://api.line.me/liff/v2/apps/{LIFF_ID}/contextToken").json()["contextToken"]
    assert jwt.decode(context, options={"verify_signature": False})["endpointUrl"] == f"{WARD}/liff"

    verifier, asked = ask(app_id=LIFF_ID, redirect_uri=f"{WARD}/liff")
    page = browser.ask("GET", "https://access.line.me/liff/v1/authorize", params=asked)
    assert "許可する" in page.text
    allowed = browser.ask("POST", "https://access.line.me/liff/v1/authorize", data={**asked, "decision": "allow"})
    back = returned(allowed)

    form = {
        "grant_type": "authorization_code",
        "client_id": back["liffClientId"],
        "appId": LIFF_ID,
        "code": back["code"],
        "code_verifier": verifier,
        "redirect_uri": back["liffRedirectUri"],
        "id_token_key_type": "JWK",
    }
    cross = {"origin": WARD}
    tokens = browser.ask("POST", "https://api.line.me/oauth2/v2.1/token", data=form, headers=cross)
    assert tokens.headers["access-control-allow-origin"] == "*"
    keys = browser.ask("GET", "https://api.line.me/oauth2/v2.1/certs", headers=cross).json()["keys"]
    token = tokens.json()["id_token"]
    key = next(key for key in keys if key["kid"] == jwt.get_unverified_header(token)["kid"])
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["ES256"], audience=LOGIN_CHANNEL_ID)
    assert claims["sub"] == SAKURA


def test_a_preflight_allows_what_the_sdk_sends(secure: RunningSimulator) -> None:
    answer = Browser(secure).ask("OPTIONS", "https://api.line.me/oauth2/v2.1/certs")
    allowed = answer.headers["access-control-allow-headers"]
    assert (answer.status_code, all(name in allowed for name in ("authorization", "content-type", "accept"))) == (
        204,
        True,
    )


def test_the_products_own_host_is_passed_on_to_it(secure: RunningSimulator) -> None:
    browser = Browser(secure)
    answer = browser.ask("POST", f"{WARD}/liff/session?x=1", content=b"token")
    assert answer.status_code == 200
    assert browser.ask("GET", f"{WARD}/").status_code == 501, "試験の受け手はPOSTしか知らない"
    assert "x-line-request-id" in browser.ask("GET", "https://api.line.me/v2/bot/info").headers


def test_plain_and_tls_are_one_line(secure: RunningSimulator) -> None:
    headers = {"authorization": f"Bearer {secure.channel_token()}"}
    assert (
        Browser(secure).ask("GET", f"https://api.line.me/v2/bot/profile/{SAKURA}", headers=headers).status_code == 200
    )
