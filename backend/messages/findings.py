"""点検の指摘の形。"""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    BLOCK = "block"
    WARN = "warn"

    @property
    def label(self) -> str:
        return {"block": "直す", "warn": "確かめる"}[self.value]


@dataclass(frozen=True)
class Finding:
    """一つの指摘。`field` は欄の名前、`line` は本文の行(1から、行に関わらないものは0)。

    `todo` があるものは、誤りではなく、まだ決めていないこと(欄の呼び名)。書き始めた人を赤く責めない。
    """

    severity: Severity
    field: str
    line: int
    message: str
    remedy: str
    todo: str = ""


def unset(field: str, name: str, message: str, remedy: str) -> Finding:
    """まだ決めていないこと。残っていると提出できない。"""
    return Finding(Severity.BLOCK, field, 0, message, remedy, name)


def block(field: str, line: int, message: str, remedy: str) -> Finding:
    """残っていると提出できない指摘。"""
    return Finding(Severity.BLOCK, field, line, message, remedy)


def warn(field: str, line: int, message: str, remedy: str) -> Finding:
    """人が確かめれば提出できる指摘。"""
    return Finding(Severity.WARN, field, line, message, remedy)
