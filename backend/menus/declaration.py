"""リッチメニューの宣言: YAMLで書かれた一組のメニュー(タブの集まり)を値に読み、値から書く(DESIGN 9)。"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
import yaml

from backend.menus import yaml_lines
from backend.menus.yaml_lines import Path, Read, Unreadable


class _Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class Bounds(_Shape, frozen=True):
    """絵の左上からの位置と大きさ(絵の画素)。"""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def overlaps(self, other: "Bounds") -> bool:
        return self.x < other.right and other.x < self.right and self.y < other.bottom and other.y < self.bottom


class Size(_Shape, frozen=True):
    width: int
    height: int


class Action(_Shape, frozen=True):
    """押したときの行き先。一つだけ書く。"""

    uri: str = ""  # そのままのアドレス
    link: str = ""  # リンク台帳の名前
    liff: str = ""  # 住民のページ(`settings` など)
    page: str = ""  # この仕組みの公開ページ(`/menu` など)
    tel: str | int = ""
    tab: str = ""  # 別のタブの名前(alias)

    @property
    def kinds(self) -> list[str]:
        return [name for name in ACTION_KINDS if getattr(self, name) != ""]


ACTION_KINDS = {
    "link": "登録してあるリンクを開く",
    "uri": "区のページを開く(アドレス)",
    "liff": "受信設定などを開く",
    "page": "この仕組みのページを開く",
    "tel": "電話をかける",
    "tab": "タブを切り替える",
}


class Cell(_Shape, frozen=True):
    """押せる場所。`label` は読み上げの言葉、`text` は絵に書く言葉(大きい行、小さい行)。"""

    label: str
    action: Action
    text: list[str] = []
    picture: str = ""
    bounds: Bounds | None = None
    strong: bool = False  # 目立たせる(濃い地に白い文字)


class Rights(_Shape, frozen=True):
    """絵の権利: 持ち主、使ってよいという許し、絵に添える名前。"""

    owner: str
    permission: str
    credit: str = ""


class Tab(_Shape, frozen=True):
    """一枚のメニュー。`alias` はLINEでの名前で、組が一枚だけのときも要る。"""

    alias: str
    title: str
    cells: list[Cell]
    palette: str = "ai"
    grid: str | int = ""
    artwork: str = ""
    rights: Rights | None = None

    @property
    def rows(self) -> list[int]:
        """`3+3` → [3, 3]。書き方が違えば空。"""
        words = str(self.grid)
        return [int(part) for part in words.split("+")] if re.fullmatch(r"[1-5](\+[1-5]){0,3}", words) else []


class Declaration(_Shape, frozen=True):
    """一組のメニュー。タブが二つ以上なら、上にタブの帯を描く。"""

    name: str
    chatBarText: str  # noqa: N815  LINEの項目の名前のまま
    size: Size
    tabs: list[Tab]
    selected: bool = True
    heading: str = ""
    notice: str = ""


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"

    @property
    def label(self) -> str:
        return {"block": "直す", "warn": "確かめる"}[self.value]


@dataclass(frozen=True)
class Finding:
    """一つの指摘。`line` は宣言の行(1から、行に関わらないものは0)、`path` は値の道。"""

    severity: Severity
    line: int
    message: str
    remedy: str
    path: Path = ()
    field: str = ""


@dataclass(frozen=True)
class Parsed:
    """読んだ結果。形が違うときは `declaration` がなく、`findings` に理由がある。"""

    text: str
    declaration: Declaration | None
    findings: tuple[Finding, ...]
    read: Read

    def line(self, *path: str | int) -> int:
        return self.read.line(path)


def parse(text: str) -> Parsed:
    """宣言を読む。規則との照らし合わせは `rules.check`。"""
    try:
        read = yaml_lines.read(text)
    except Unreadable as error:
        remedy = "字下げ、「:」の後の空白、引用符を確かめます。"
        return Parsed(text, None, (Finding(Severity.BLOCK, error.line, error.message, remedy),), Read())
    try:
        return Parsed(text, msgspec.convert(read.value, Declaration), (), read)
    except msgspec.ValidationError as error:
        return Parsed(text, None, (_shape_finding(str(error), read),), read)


def write(declaration: Declaration) -> str:
    """決まった書き方のYAML。`parse(write(d)).declaration == d`、`write(parse(t)) == t`(自分の書いた `t`)。"""
    return yaml.dump(
        msgspec.to_builtins(declaration), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000, indent=2
    )


class _Dumper(yaml.SafeDumper):
    """小さな表(大きさ、位置、行き先)は一行に、並びは字下げして書く。"""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)


def _mapping(dumper: yaml.SafeDumper, value: dict[str, Any]) -> yaml.Node:
    small = all(isinstance(item, str | int) for item in value.values()) and not {"label", "owner"} & set(value)
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=small)


def _sequence(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=all(isinstance(v, str) for v in value))


_Dumper.add_representer(dict, _mapping)
_Dumper.add_representer(list, _sequence)

_TYPES = {"str": "文字", "int": "整数", "bool": "true か false", "object": "項目の並び", "array": "「-」の並び"}


def _shape_finding(words: str, read: Read) -> Finding:
    """msgspecの言葉を、行のある日本語にする。"""
    path = _path(words)
    line = read.line(path)
    if missing := re.search(r"missing required field `(\w+)`", words):
        message, remedy = f"「{missing[1]}」がありません。", f"この項目に {missing[1]}: を書き足します。"
        if missing[1] == "label":
            remedy = "読み上げで使う言葉です。押すと何が起きるかを20文字以内で書きます。"
    elif unknown := re.search(r"unknown field `(\w+)`", words):
        line = read.line((*path, unknown[1]))
        message, remedy = f"「{unknown[1]}」という項目はありません。", "綴りを確かめるか、この行を消します。"
    elif expected := re.search(r"Expected `([^`]+)`, got `([^`]+)`", words):
        wanted = "・".join(_TYPES.get(kind.strip(), kind.strip()) for kind in expected[1].split("|"))
        message, remedy = "値の種類が違います。", f"{wanted}を書きます。"
    else:
        message, remedy = "書き方を読み取れません。", "ほかの宣言の書き方と見くらべます。"
    return Finding(Severity.BLOCK, line, message, remedy, path)


def _path(words: str) -> Path:
    found = re.search(r"at `\$([^`]*)`", words)
    if not found:
        return ()
    parts = re.findall(r"\.(\w+)|\[(\d+)\]", found[1])
    return tuple(int(index) if index else name for name, index in parts)
