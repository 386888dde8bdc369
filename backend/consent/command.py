"""`ward receipt …`: 同意レシートの署名を確かめる。"""

import argparse
import json
from pathlib import Path
from typing import Any

from backend.arguments import below, verb
from backend.errors import Refused
from backend.settings import Settings


def add_to(verbs: Any) -> None:
    receipts = below(verbs, "receipt", "同意レシート")
    verify = verb(receipts, "verify", "同意レシートの署名を確かめる(ネットワークは要らない)", _verify)
    verify.add_argument("file", help="レシートのファイル(JSON)")
    verify.add_argument("--key", default="", help="区の公開鍵(16進64桁)。既定は、この設定の鍵のもの")
    verify.add_argument("--keys", default="", help="区の公開のページ(/policy/consent)で配る、鍵のファイル")
    verify.add_argument("--json", action="store_true", help="中身もJSONで表示する")
    verb(receipts, "key", "レシートを確かめるための公開鍵を表示する", _key)


def _verify(settings: Settings, options: argparse.Namespace) -> None:
    from backend.consent import keys, receipt

    document = _read(options.file)
    if options.keys:
        public = keys.chosen(document, _read(options.keys))
    else:
        public = options.key or receipt.public_key(settings.receipt_signing_key)
    if not public:
        raise Refused(
            "公開鍵がありません。", next_step="`--keys` に、区の公開のページで配る鍵のファイルを書いてください。"
        )
    body = receipt.verify(document, public)
    print("このレシートは、区が署名したとおりです。")
    if options.json:
        print(json.dumps(body, ensure_ascii=False, indent=1))


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except FileNotFoundError as error:
        raise Refused(f"{name} がありません。") from error


def _key(settings: Settings, _options: argparse.Namespace) -> None:
    from backend.consent import receipt

    public = receipt.public_key(settings.receipt_signing_key)
    if not public:
        raise Refused("WARD_RECEIPT_SIGNING_KEY が設定されていません。")
    print(public)
