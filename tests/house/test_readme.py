"""READMEは玄関: 使っているものはすべて、なぜあるかが書かれている。"""

import json
import re
import tomllib
from collections.abc import Iterator

from tests.house import files

README = (files.ROOT / "README.md").read_text(encoding="utf-8")


def dependencies() -> Iterator[str]:
    project = tomllib.loads((files.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for one in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        yield re.split(r"[\[<>=~!]", one)[0]
    for place in ("liff_static", "tests/bench"):
        package = json.loads((files.ROOT / place / "package.json").read_text(encoding="utf-8"))
        yield from package.get("dependencies", {})
        yield from package.get("devDependencies", {})


def test_every_dependency_is_there_for_a_reason_that_is_written() -> None:
    written = README.split("## 依存ライブラリ")[1].split("\n## ")[0]
    assert [name for name in dependencies() if name not in written] == []


def test_it_says_what_it_is_in_three_sentences() -> None:
    opening = README.split("\n![", 1)[0].split("\n\n", 1)[1]
    assert opening.count("。") == 3
