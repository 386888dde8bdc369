"""LINEログインのAPI: LIFF SDKとサーバーが呼ぶ、トークンと本人の確認(LINE.md 3.1、3.3)。"""

from typing import Any

from litestar import Request, Response, get, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from backend.simulator import id_tokens
from backend.simulator.id_tokens import Fault
from backend.simulator.permits import ACCESS_TOKEN_SECONDS
from backend.simulator.sign_in import Faults, SignIn

SCOPE = id_tokens.SCOPE
# 本物と同じく、別の出どころのページから呼べる。
_CORS = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, accept",
    "access-control-max-age": "600",
}
_PATHS = [
    "/liff/v2/apps/{app_id:str}/contextToken",
    "/liff/v2/apps/{app_id:str}/featureToken",
    "/oauth2/v2.1/token",
    "/oauth2/v2.1/certs",
    "/oauth2/v2.1/verify",
    "/v2/profile",
    "/friendship/v1/status",
]

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]


@route(_PATHS, http_method=["OPTIONS"], sync_to_thread=False)
def preflight() -> Answer:
    return Response(None, status_code=204, headers=_CORS)


@get(_PATHS[0], sync_to_thread=False)
def context_token(app_id: FromPath[str], sign_in: NamedDependency[SignIn]) -> Answer:
    if app_id != sign_in.settings.liff_id:
        return _json({"message": "not found"}, 404)
    return _json({"contextToken": id_tokens.context_token(liff_id=app_id, endpoint=sign_in.endpoint)})


@get(_PATHS[1], sync_to_thread=False)
def feature_token(app_id: FromPath[str], sign_in: NamedDependency[SignIn]) -> Answer:
    if app_id != sign_in.settings.liff_id:
        return _json({"message": "not found"}, 404)
    return _json({"featureToken": id_tokens.context_token(liff_id=app_id, endpoint=sign_in.endpoint)})


@post("/oauth2/v2.1/token")
async def token(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Answer:
    """一度だけの認可コードを、アクセストークンとIDトークンに替える。"""
    form = {key: str(value) for key, value in (await request.form()).items()}
    if form.get("grant_type") != "authorization_code":
        return _oauth_error("unsupported_grant_type", "unsupported grant_type")
    if (
        form.get("client_id") != sign_in.channel_id
        or form.get("appId", sign_in.settings.liff_id) != sign_in.settings.liff_id
    ):
        return _oauth_error("invalid_client", "invalid client_id")
    try:
        user = sign_in.permits.redeem(
            form.get("code", ""),
            verifier=form.get("code_verifier", ""),
            redirect_uri=form.get("redirect_uri", ""),
        )
        issued = sign_in.id_token(user, sign_in.faults.token_fault())
    except (ValueError, KeyError) as error:
        return _oauth_error("invalid_grant", str(error.args[0]))
    return _json(
        {
            "access_token": sign_in.permits.access_token(user),
            "expires_in": ACCESS_TOKEN_SECONDS,
            "id_token": issued,
            "refresh_token": id_tokens.base64url(user.encode()[:12]),
            "scope": SCOPE,
            "token_type": "Bearer",
        }
    )


@get("/oauth2/v2.1/certs", sync_to_thread=False)
def certs(sign_in: NamedDependency[SignIn]) -> Answer:
    return _json({"keys": [key.jwk() for key in sign_in.permits.signing_keys()]})


@get("/oauth2/v2.1/verify", sync_to_thread=False)
def verify_access_token(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Answer:
    held = sign_in.permits.holder(request.query_params.get("access_token", ""))
    if held is None:
        return _oauth_error("invalid_request", "access token expired")
    return _json({"scope": SCOPE, "client_id": sign_in.channel_id, "expires_in": held[1]})


@post("/oauth2/v2.1/verify", status_code=200)
async def verify_id_token(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Answer:
    form = {key: str(value) for key, value in (await request.form()).items()}
    try:
        claims = id_tokens.verify(
            sign_in.permits.signing_keys(),
            form.get("id_token", ""),
            channel_id=form.get("client_id", ""),
            now=sign_in.permits.now(),
            user=form.get("user_id", ""),
            nonce=form.get("nonce", ""),
        )
    except ValueError as error:
        return _oauth_error("invalid_request", str(error))
    return _json(claims)


@get("/v2/profile", sync_to_thread=False)
def profile(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Answer:
    return _without_profile(request, sign_in)


@get("/friendship/v1/status", sync_to_thread=False)
def friendship(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Answer:
    return _without_profile(request, sign_in)


@get("/_sim/login", sync_to_thread=False)
def read_faults(sign_in: NamedDependency[SignIn]) -> dict[str, Any]:
    faults = sign_in.faults
    return {
        "id_token": faults.id_token.value,
        "refuse": faults.refuse,
        "times": faults.times,
    }


@post("/_sim/login", status_code=200)
async def set_faults(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Answer:
    """`{id_token?: 故障, refuse?: bool, times?: int, rotate?: bool, forget?: user}`。書かなかった故障は直る。"""
    wanted = dict(await request.json())
    try:
        fault = Fault(wanted.get("id_token") or "")
    except ValueError:
        return _json({"message": f"id_token は {[f.value for f in Fault]} のどれかです。"}, 400)
    sign_in.faults = Faults(fault, bool(wanted.get("refuse")), wanted.get("times"))
    if wanted.get("rotate"):
        sign_in.permits.rotate()
    if wanted.get("forget"):
        sign_in.permits.forget(str(wanted["forget"]))
    return _json({"ok": True})


@post("/_sim/login/token", status_code=200)
async def mint(request: AnyRequest, sign_in: NamedDependency[SignIn]) -> Answer:
    """試験の近道: `{user, fault?}` → 画面を通らずに `{id_token, access_token}`。"""
    wanted = dict(await request.json())
    user = str(wanted.get("user", ""))
    if sign_in.people.person(user) is None:
        return _json({"message": "その人はいません。"}, 404)
    issued = sign_in.id_token(user, Fault(wanted.get("fault") or ""))
    return _json({"id_token": issued, "access_token": sign_in.permits.access_token(user)})


def _without_profile(request: AnyRequest, sign_in: SignIn) -> Answer:
    """名前も友だちかどうかも、`profile` の許可のない札には渡さない。区の設定は `openid` だけを求める。"""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not sign_in.permits.holder(value):
        return _json({"message": "The access token expired"}, 401)
    return _json({"message": "The request requires higher privileges than provided by the access token"}, 403)


def _json(content: dict[str, Any], status: int = 200) -> Answer:
    return Response(content, status_code=status, headers={**_CORS, "cache-control": "no-store"})


def _oauth_error(error: str, description: str) -> Answer:
    return _json({"error": error, "error_description": description}, 400)


routes: list[Any] = [
    preflight,
    context_token,
    feature_token,
    token,
    certs,
    verify_access_token,
    verify_id_token,
    profile,
    friendship,
    read_faults,
    set_faults,
    mint,
]
