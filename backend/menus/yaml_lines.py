"""YAMLを、値と「どの行に書いてあるか」に読む。指摘は必ず行を言うため。"""

from dataclasses import dataclass, field
from typing import Any

import yaml

LONGEST = 200_000  # 文字。手で書く宣言は1万文字もない
_DEEPEST = 12

Path = tuple[str | int, ...]


class Unreadable(Exception):
    """YAMLとして読めない。`line` は1から。"""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass
class Read:
    """`lines` は値の道(`("tabs", 0, "alias")`)から行の番号。"""

    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """その値の行。無ければ、いちばん近い親の行。"""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Read:
    """値は dict・list・str・int・bool・None だけになる。読めなければ `Unreadable`。

    参照(`&`・`*`)は断る: 小さな文から巨大な値を作れるため。
    """
    if len(text) > LONGEST:
        raise Unreadable(1, "宣言が長すぎます。")
    try:
        _refuse_references(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable((mark.line + 1) if mark else 1, "YAMLの書き方に誤りがあります。") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Unreadable(1, "YAMLとして読めません。") from error
    if node is None:
        raise Unreadable(1, "何も書かれていません。")
    result = Read()
    result.value = _value(node, (), result.lines)
    return result


def _refuse_references(text: str) -> None:
    for token in yaml.scan(text, Loader=yaml.SafeLoader):
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
            raise Unreadable(token.start_mark.line + 1, "「&」「*」「!」で始まる書き方は使えません。")


def _value(node: yaml.Node, path: Path, lines: dict[Path, int]) -> Any:
    lines[path] = node.start_mark.line + 1
    if len(path) > _DEEPEST:
        raise Unreadable(lines[path], "入れ子が深すぎます。")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), lines) for index, item in enumerate(node.value)]
    return _scalar(node, lines[path])


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(getattr(key_node, "value", ""))
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise Unreadable(line, "項目の名前を読めません。")
        if key in found:
            raise Unreadable(line, f"「{key}」が二度書かれています。")
        found[key] = _value(value_node, (*path, key), lines)
        lines[(*path, key)] = line
    return found


def _scalar(node: yaml.Node, line: int) -> str | int | bool | None:
    """日付や小数は文字のまま。"""
    text = str(node.value)
    kind = node.tag.rsplit(":", 1)[-1]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in ("true", "yes", "on")
    if kind == "int" and text.lstrip("+-").isdigit():
        if len(text) > 9:
            raise Unreadable(line, "数が大きすぎます。")
        # 0で始まる電話番号(119ではなく0338…)を数にすると桁が失われる。
        return text if text.startswith("0") and len(text) > 1 else int(text)
    return text
