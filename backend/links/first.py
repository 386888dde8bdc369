"""最初のリンク台帳(`backend/ward/links.csv`)を、移行のSQLにする。"""

import csv
from pathlib import Path
from urllib.parse import urlsplit

FILE = Path(__file__).parent.parent / "ward" / "links.csv"
OWNER = "koho"


def sql() -> str:
    """`insert` の文の列。持ち主は広報課にし、後から所管課に替える。`outside` の書かれたものは、LINEの外で開く。"""
    with FILE.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    words: list[str] = []
    for row in rows:
        host = urlsplit(row["url"]).hostname or ""
        code, label, url = (_quoted(row[name]) for name in ("key", "label", "url"))
        outside = "true" if row["outside"] else "false"
        words.append(
            "insert into link (code, label, owner_section, url, allowed_hosts, external_browser) "  # noqa: S608  値は同梱のCSVから
            f"values ({code}, {label}, '{OWNER}', {url}, array[{_quoted(host)}], {outside});"
        )
    return "\n".join([*words, "insert into link_check (code) select code from link;"])


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
