"""命令の書き方: 引数の読み方と、その断りの日本語。部屋の `command.py` が、ここの言葉で自分の命令を足す。"""

import argparse
import re
import sys
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from pydantic import ValidationError

from backend.settings import Settings

DONE, REFUSED, USAGE = 0, 1, 2
InDatabase = Callable[[Settings, Callable[[], Awaitable[Any]]], Any]
"""データベースにつないでから動詞を呼び、その答えを返すもの。"""
_USAGE_WORDS = (
    (r"the following arguments are required: (.*)", r"\1 が足りません。"),
    (r"unrecognized arguments: (.*)", r"\1 は使えません。"),
    (r"argument ([^:]*): invalid choice: ('[^']*').*choose from (.*)\)", r"\1 に \2 は選べません。選べるもの: \3"),
    (r"argument ([^:]*): invalid int value: (.*)", r"\1 の \2 は整数ではありません。"),
    (r"argument ([^:]*): invalid port value: (.*)", r"\1 の \2 はポートの番号(1〜65535)ではありません。"),
    (r"argument ([^:]*): expected .*", r"\1 の値がありません。"),
)
_SETTING_WORDS = {
    "greater_than_equal": "{ge}以上にしてください",
    "less_than_equal": "{le}以下にしてください",
    "enum": "{expected} のどれかにしてください",
    "int_parsing": "整数で書いてください",
    "bool_parsing": "true か false で書いてください",
}


class Parser(argparse.ArgumentParser):
    """argparseの英語を、日本語に言い換える。"""

    def __init__(self, **more: Any) -> None:
        more.update(add_help=False, allow_abbrev=False)
        super().__init__(**more)
        self._positionals.title, self._optionals.title = "引数", "オプション"
        self.add_argument("-h", "--help", action="help", help="この説明を表示する")

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        for english, japanese in _USAGE_WORDS:
            message = re.sub(english, japanese, message)
        complain(f"使い方が違います: {message}", f"`{self.prog} --help` で使い方を表示します。")
        sys.exit(USAGE)


def port(words: str) -> int:
    """ポートの番号。"""
    number = int(words)
    if not 1 <= number <= 65535:
        raise ValueError(words)
    return number


def verb(parent: Any, name: str, words: str, does: Callable[..., Any]) -> argparse.ArgumentParser:
    """命令を一つ足す。`does(settings, options)` の答えが終わりの値。"""
    parser = parent.add_parser(name, help=words, description=words)
    parser.set_defaults(verb=does)
    return parser


def below(parent: Any, name: str, words: str, description: str = "") -> Any:
    """`ward keys …` のように、下に命令を持つもの。"""
    parser = parent.add_parser(name, help=words, description=description or words)
    return parser.add_subparsers(required=True, metavar="コマンド", title="コマンド", parser_class=Parser)


def setting_errors(error: ValidationError) -> list[str]:
    """設定の誤りを、環境変数の名で言う。"""
    return [_setting_error(one) for one in error.errors()]


def _setting_error(error: Any) -> str:
    name = str(error["loc"][0]).upper() if error["loc"] else ""
    variable = name if not name or name.startswith(("WARD_", "DATABASE_URL")) else f"WARD_{name}"
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    words = (
        _SETTING_WORDS.get(error["type"], "{reason}")
        .format(**{"reason": error["msg"], **error.get("ctx", {})})
        .replace(" or ", "、")
    )
    return f"{variable} の値を読めません({words})。"


def complain(*lines: str) -> None:
    print("\n".join(line for line in lines if line), file=sys.stderr)
