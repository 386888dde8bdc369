"""`ward audit verify`: 記録の封を確かめる。"""

import argparse
import json
from typing import Any

from backend.arguments import DONE, REFUSED, InDatabase, below, verb
from backend.settings import Settings


def add_to(verbs: Any, in_database: InDatabase) -> None:
    audit = below(verbs, "audit", "記録を確かめる")
    words = "記録の封を確かめ、変えられた所を示す"
    verify = verb(audit, "verify", words, lambda settings, options: _verify(settings, options, in_database))
    verify.add_argument("--json", action="store_true", help="結果をJSONで出す")


def _verify(settings: Settings, options: argparse.Namespace, in_database: InDatabase) -> int:
    from backend.audit import verify

    findings = in_database(settings, lambda: verify.verify_all(settings.data_dir))
    if options.json:
        print(json.dumps([finding.as_json() for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            print(finding.words)
        print(f"{len(findings)}か所の誤りがあります。" if findings else "記録と封と控えは、すべて合っています。")
    return REFUSED if findings else DONE
