"""文京区の町(19)と町丁目(68)。コードは保存される値なので、後から変えない。"""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Area:
    """町丁目。`code` は1..68、`chome` は丁目のない町では0。"""

    code: int
    town: str
    chome: int
    name: str
    kana: str

    @property
    def chome_label(self) -> str:
        """町の中での呼び名: 「三丁目」。丁目のない町では町名。"""
        return self.name.removeprefix(self.town) or self.name


@dataclass(frozen=True)
class Town:
    """町。`code` は五十音順の1..19、`areas` は丁目の順。"""

    code: int
    name: str
    kana: str
    areas: tuple[Area, ...]


OUTSIDE = 69
OUTSIDE_NAME = "文京区外(通勤・通学・転出)"


def _load() -> tuple[Area, ...]:
    with Path(__file__).with_name("areas.csv").open(encoding="utf-8") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return tuple(
            Area(int(r["code"]), r["town"], int(r["chome"] or 0), r["name"], _hiragana(r["kana"])) for r in rows
        )


def _hiragana(katakana: str) -> str:
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in katakana)


def _towns(areas: tuple[Area, ...]) -> tuple[Town, ...]:
    names = sorted({(area.kana, area.town) for area in areas})
    return tuple(
        Town(code, name, kana, tuple(a for a in areas if a.town == name)) for code, (kana, name) in enumerate(names, 1)
    )


AREAS = _load()
TOWNS = _towns(AREAS)
BY_CODE = {area.code: area for area in AREAS}
TOWN_BY_CODE = {town.code: town for town in TOWNS}


def name_of(code: int) -> str:
    """コードの呼び名。知らないコードは `KeyError`。"""
    return OUTSIDE_NAME if code == OUTSIDE else BY_CODE[code].name
