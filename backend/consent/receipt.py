"""同意レシート: ISO/IEC TS 27560 の項目を持つJSONと、区の署名(Ed25519)。区に尋ねずに確かめられる(P6)。

氏名もLINEの利用者IDも入らない。目的の語は、読む人に見えるところ(`text`)には選ばれた分だけが出る。
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import SecretStr

from backend.consent import days
from backend.consent.ledger import Grant
from backend.consent.notices import Notice, Purpose
from backend.errors import Refused
from backend.store.clock import JST
from backend.ward import account

SCHEMA = "ISO/IEC TS 27560:2023"
ALGORITHM = "Ed25519"


@dataclass(frozen=True)
class Receipt:
    """署名の前のレシート。`body` はJSONになる値、`text` は読むための文。"""

    body: Mapping[str, Any]
    text: str


def consent(grants: Sequence[Grant], notice: Notice, words: Sequence[str]) -> Receipt:
    """いま生きている同意のレシート。`words` は預かった内容の読み下し(本人の画面だけに出る)。"""
    issued = max(grant.granted_at for grant in grants)
    body: dict[str, Any] = {
        "schema_version": SCHEMA,
        "record_id": str(uuid4()),
        "record_type": "consent",
        "issued_at": _time(issued),
        "pii_controller": {"name": account.MUNICIPALITY, "contact": account.OPERATOR, "url": account.WARD_SITE},
        "service": {"name": f"{account.ACCOUNT_NAME} LINE公式アカウント", "id": account.ACCOUNT_ID},
        "jurisdiction": "JP",
        "legal_basis": "consent",
        "law": "個人情報の保護に関する法律(平成15年法律第57号)",
        "privacy_rights": ["access", "rectification", "erasure", "withdrawal", "portability"],
        "withdrawal_method": "LINEの受信設定のページ、または文京区のアカウントのブロック",
        "recipients": [],
        "storage_location": "JP",
        "notice": {"version": notice.version, "published_on": notice.published_on.isoformat()},
        "processing": [_processing(grant) for grant in grants],
    }
    return Receipt(body, _text(grants, words, body["record_id"]))


def erasure(
    purposes: Sequence[Purpose],
    event_ids: Sequence[str],
    at: datetime,
    *,
    kept: Sequence[Purpose],
    rows: int,
    answers: int,
    mark: str,
) -> Receipt:
    """取りやめと消去の証明。`kept` は残る目的(なければ、すべて消えた)。

    `rows` と `answers` は、消した後に数えた、本人につながる行と、やめた目的の答えの数。`mark` は消去の記録に残した
    鍵付きハッシュ(控えを戻したときに、もう一度消すため)。
    """
    everything = not kept
    body = {
        "schema_version": SCHEMA,
        "record_id": str(uuid4()),
        "record_type": "erasure" if everything else "withdrawal",
        "issued_at": _time(at),
        "pii_controller": {"name": account.MUNICIPALITY, "contact": account.OPERATOR, "url": account.WARD_SITE},
        "withdrawn": [purpose.code for purpose in purposes],
        "event_ids": list(event_ids),
        "everything": everything,
        "kept": [purpose.code for purpose in kept],
        "rows_left": rows,
        "answers_left": answers,
        "journal": mark,
        "backups_within_days": 35,
    }
    names = "、".join(purpose.label for purpose in purposes) or "預かっていたもの"
    lines = [
        f"{days.moment(at)} に消しました。",
        f"消したもの: {names}" + ("。LINEの利用者IDの暗号も消しました。" if everything else ""),
        "残っているもの: " + ("ありません。消した後に数えました。" if everything else "、".join(p.label for p in kept)),
        "お知らせの対象には、もう入りません。" if everything else "やめた目的のお知らせの対象には、もう入りません。",
        "控えからは最長35日で消えます。",
        f"証明の番号: {body['record_id']}",
    ]
    return Receipt(body, "\n".join(lines))


def signed(receipt: Receipt, key: SecretStr) -> dict[str, Any]:
    """署名を添えたJSON。鍵がなければ署名なし(`signature` がNone)で返す。"""
    private = _private(key)
    if private is None:
        return {**receipt.body, "signature": None}
    public = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    value = base64.b64encode(private.sign(canonical(receipt.body))).decode()
    return {**receipt.body, "signature": {"algorithm": ALGORITHM, "key_id": key_id(public), "value": value}}


def public_key(key: SecretStr) -> str:
    """確かめる人に配る公開鍵(16進64桁)。鍵がなければ空。"""
    private = _private(key)
    if private is None:
        return ""
    return private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()


def verify(document: bytes, public: str) -> dict[str, Any]:
    """レシートのバイト列を公開鍵(16進)で確かめ、中身を返す。値が一つでも違えば `Refused`。網も区の仕組みも要らない。"""
    try:
        body = json.loads(document, object_pairs_hook=_no_repeats)
        signature = body.pop("signature")
        value = base64.b64decode(signature["value"], validate=True)
        if set(signature) != {"algorithm", "key_id", "value"} or signature["algorithm"] != ALGORITHM:
            raise ValueError("algorithm")
        if base64.b64encode(value).decode() != signature["value"]:
            raise ValueError("base64")  # 余りのビットだけを変えた別の綴りを認めない
        raw = bytes.fromhex(public)
        if signature["key_id"] != key_id(raw):
            raise Refused("このレシートは、別の鍵で署名されています。", next_step="公開鍵の版を確かめてください。")
        Ed25519PublicKey.from_public_bytes(raw).verify(value, canonical(body))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidSignature) as error:
        raise Refused("このレシートは、区が署名したものではないか、書き換えられています。") from error
    return body


def canonical(body: Mapping[str, Any]) -> bytes:
    """署名するバイト列: 鍵の順に並べた、空白のないJSON。"""
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def key_id(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:16]


def _private(key: SecretStr) -> Ed25519PrivateKey | None:
    value = key.get_secret_value()
    if not value:
        return None
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(value)[:32])


def _processing(grant: Grant) -> dict[str, Any]:
    return {
        "purpose": grant.purpose.code,
        "purpose_label": grant.purpose.label,
        "event_id": str(grant.event_id),
        "event_type": "explicit_consent",
        "event_time": _time(grant.granted_at),
        "valid_until": _time(grant.until),
        "notice_version": grant.notice_version,
        "notice_language": grant.language,
        "notice_sha256": grant.text_sha256,
        "guardian": grant.guardian,
        "retention": "until valid_until or withdrawal",
    }


def _text(grants: Sequence[Grant], words: Sequence[str], record_id: str) -> str:
    versions = "・".join(f"第{version}版" for version in sorted({grant.notice_version for grant in grants}))
    latest = max(grant.granted_at for grant in grants)
    once = len({grant.granted_at for grant in grants}) == 1
    lines = [
        f"{account.MUNICIPALITY} 同意レシート",
        f"{days.moment(latest)} {'に、次のことに同意しました。' if once else 'までに、次のことに同意しています。'}",
        *(f"・{grant.purpose.label}({days.day(grant.until)}まで)" for grant in grants),
        "預かっているもの:",
        *(f"・{word}" for word in words),
        f"告知文 {versions}。受信設定のページで、いつでもやめられます。",
        f"レシートの番号: {record_id}",
    ]
    return "\n".join(lines)


def _time(moment: datetime) -> str:
    return moment.astimezone(JST).isoformat(timespec="microseconds")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("同じ名前が二度ある")
    return dict(pairs)
