"""IDトークン: LINEのログインが出すES256のJWTと、わざと壊したもの(LINE.md 3.3)。"""

import base64
import json
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.types import Options

ISSUER = "https://access.line.me"
SCOPE = "openid"  # 区の設定。利用者のIDだけで、名前も画像も入らない
LIFETIME = 3600  # 秒(LINE.md 3.1)


class Fault(StrEnum):
    """頼まれたときだけ出す、受け取ってはならないIDトークン。"""

    NONE = ""
    EXPIRED = "expired"
    WRONG_AUD = "wrong_aud"
    WRONG_ISS = "wrong_iss"
    HS256 = "hs256"
    UNKNOWN_KID = "unknown_kid"
    FORGED = "forged"  # 知られたkidを名乗り、別の鍵で署名する


@dataclass(frozen=True)
class SigningKey:
    kid: str
    private: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls) -> "SigningKey":
        return cls(secrets.token_hex(16), ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def load(cls, kid: str, pem: str) -> "SigningKey":
        private = serialization.load_pem_private_key(pem.encode(), password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("P-256の鍵ではありません。")
        return cls(kid, private)

    def pem(self) -> str:
        return self.private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def jwk(self) -> dict[str, str]:
        """公開してよい部分だけ(`/oauth2/v2.1/certs` の一つ)。"""
        point = self.private.public_key().public_numbers()
        x, y = (base64url(number.to_bytes(32, "big")) for number in (point.x, point.y))
        return {
            "kty": "EC",
            "alg": "ES256",
            "use": "sig",
            "kid": self.kid,
            "crv": "P-256",
            "x": x,
            "y": y,
        }


def issue(
    key: SigningKey,
    *,
    user: str,
    channel_id: str,
    now: datetime,
    fault: Fault = Fault.NONE,
    secret: str = "",
) -> str:
    """一人のIDトークン。`secret` はHS256の偽物を作るときのチャネルシークレット。"""
    claims = _claims(user, channel_id, int(now.timestamp()), fault)
    if fault is Fault.HS256:
        return jwt.encode(claims, secret.ljust(32, "0"), algorithm="HS256", headers={"kid": key.kid})
    signer = SigningKey.make() if fault in (Fault.UNKNOWN_KID, Fault.FORGED) else key
    kid = signer.kid if fault is Fault.UNKNOWN_KID else key.kid
    return jwt.encode(claims, signer.private, algorithm="ES256", headers={"kid": kid})


def verify(
    keys: list[SigningKey],
    token: str,
    *,
    channel_id: str,
    now: datetime,
    user: str = "",
    nonce: str = "",
) -> dict[str, Any]:
    """`POST /oauth2/v2.1/verify` の答え。だめなら `ValueError` にLINEの `error_description` が入る。"""
    claims = _signed_claims(keys, token)
    if claims.get("iss") != ISSUER:
        raise ValueError("Invalid IdToken Issuer.")
    if claims.get("exp", 0) <= now.timestamp():
        raise ValueError("IdToken expired.")
    if claims.get("aud") != channel_id:
        raise ValueError("Invalid IdToken Audience.")
    if nonce and claims.get("nonce") != nonce:
        raise ValueError("Invalid IdToken Nonce.")
    if user and claims.get("sub") != user:
        raise ValueError("Invalid IdToken Subject Identifier.")
    return claims


def context_token(*, liff_id: str, endpoint: str) -> str:
    """SDKが真ん中だけを読むJWTの形。ASCIIだけにする(SDKは `atob` で開く)。"""
    context = {
        "type": "external",
        "liffId": liff_id,
        "endpointUrl": endpoint,
        "permanentLinkPattern": "concat",
        "viewType": "full",
        "scope": SCOPE.split(),
        "availability": {},  # 空でないとSDKは liff:// へ移ろうとする
    }
    parts = ({"alg": "none", "typ": "JWT"}, context)
    return ".".join([*(base64url(json.dumps(part).encode()) for part in parts), ""])


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _claims(user: str, channel_id: str, now: int, fault: Fault) -> dict[str, Any]:
    issued = now - 2 * LIFETIME if fault is Fault.EXPIRED else now
    return {
        "iss": "https://example.com" if fault is Fault.WRONG_ISS else ISSUER,
        "sub": user,
        "aud": "1000000000" if fault is Fault.WRONG_AUD else channel_id,
        "exp": issued + LIFETIME,
        "iat": issued,
        "amr": ["linesso"],
    }


def _signed_claims(keys: list[SigningKey], token: str) -> dict[str, Any]:
    known = {key.kid: key for key in keys}
    try:
        key = known[str(jwt.get_unverified_header(token).get("kid"))]
        # 期限と宛先は、LINEと同じ言葉で断るために、あとで自分で見る。
        unchecked: Options = {"verify_exp": False, "verify_aud": False, "verify_iss": False, "verify_iat": False}
        return jwt.decode(token, key.private.public_key(), algorithms=["ES256"], options=unchecked)
    except (jwt.PyJWTError, KeyError) as error:
        raise ValueError("Invalid IdToken.") from error
