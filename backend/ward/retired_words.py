"""使われなくなった防災の言葉(RULES 5)。古いひな形の写しから紛れ込むのを止める。"""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RetiredWord:
    """`text` を書いてはならない。`remedy` は代わりの書き方。"""

    text: str
    since: str
    remedy: str


def _load() -> tuple[RetiredWord, ...]:
    with Path(__file__).with_name("retired_words.csv").open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return tuple(RetiredWord(row["word"], row["since"], row["remedy"]) for row in rows)


WORDS = _load()


def found(text: str) -> list[RetiredWord]:
    """`text` にある、使われなくなった言葉。重なるものは長いほうだけ。"""
    here = [word for word in WORDS if word.text in text]
    return [word for word in here if not any(word.text != other.text and word.text in other.text for other in here)]
