"""レシートの公開鍵: いまの鍵と、前に使った鍵。公開のページに出し、だれでも区に尋ねずに確かめられるようにする(P6)。"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from backend.consent import receipt
from backend.errors import Refused
from backend.settings import Settings


@dataclass(frozen=True)
class PublicKey:
    """`public` は16進64桁。`current` が偽なら、前に使った鍵(新しいレシートには使わない)。"""

    public: str
    current: bool

    @property
    def key_id(self) -> str:
        """レシートの `signature.key_id` と同じ綴り。"""
        return receipt.key_id(bytes.fromhex(self.public))


def published(settings: Settings) -> list[PublicKey]:
    """いまの鍵、前の鍵の順。署名の鍵がなければ、前の鍵だけ。"""
    now = receipt.public_key(settings.receipt_signing_key)
    retired = [PublicKey(key.lower(), current=False) for key in settings.receipt_retired_keys if key.lower() != now]
    return [*([PublicKey(now, current=True)] if now else []), *retired]


def as_file(keys: Sequence[PublicKey]) -> dict[str, Any]:
    """配る鍵のファイルの中身。`ward receipt verify --keys` が読む。"""
    return {
        "algorithm": receipt.ALGORITHM,
        "signed": "signature を除いたJSONを、名の順に並べ、空白を入れず、UTF-8で書いたバイト列",
        "keys": [{"key_id": one.key_id, "public_key": one.public, "current": one.current} for one in keys],
    }


def chosen(document: bytes, file: bytes) -> str:
    """レシートの `key_id` に合う公開鍵を、鍵のファイルから選ぶ。なければ `Refused`。"""
    try:
        wanted = json.loads(document)["signature"]["key_id"]
        known = {one["key_id"]: one["public_key"] for one in json.loads(file)["keys"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused("レシートか、鍵のファイルを読めません。") from error
    if wanted not in known:
        raise Refused(
            "このレシートを署名した鍵は、鍵のファイルにありません。",
            next_step="区の公開のページ(/policy/consent)から、鍵のファイルを取り直してください。",
        )
    return str(known[wanted])
