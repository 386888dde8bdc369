"""条件を選ぶ欄: 地域・年代・時期・関心・言語のチェックと、「選んだ以外」の切りかえ。"""

from typing import Annotated, Any

import msgspec

from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.residents.stages import Stage
from backend.residents.vocabulary import AgeBand, Language, Topic
from backend.segments import criteria, fields
from backend.segments.criteria import Criteria
from backend.segments.fields import Term
from backend.ward import areas

Values = Annotated[list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=100)]
NEGATABLE = ("place", "age_band", "stage", "topic", "language")
_NUMBERS = ("area", "town", "age_band")


class Picked(msgspec.Struct, kw_only=True):
    """選ばれた欄の値。`negated` には「選んだ以外」にした欄の名(地域は `place`)が入る。

    `kept` は、この欄では表せない条件(前の版や別の道具で作られたもの)をそのまま持ち運ぶJSON。
    """

    area: Values = []
    town: Values = []
    age_band: Values = []
    stage: Values = []
    topic: Values = []
    language: Values = []
    negated: Values = []
    kept: Annotated[str, msgspec.Meta(max_length=criteria.MAX_BYTES)] = ""


def criteria_of(chosen: Picked) -> Criteria | None:
    """選ばれた欄の条件。同じ欄の中はOR、欄と欄はAND。何もなければ、また読めなければNone(だれにも送られない)。"""
    try:
        if chosen.kept:
            return criteria.parse(chosen.kept)
        groups: list[list[Term]] = []
        for name, terms in (
            ("place", _terms(chosen, "area") + _terms(chosen, "town")),
            *((field, _terms(chosen, field)) for field in NEGATABLE[1:]),
        ):
            # 「選んだ以外」は、どれでもない人: 一つずつを否定してANDにする。
            groups += [[_not(term)] for term in terms] if name in chosen.negated else [terms] if terms else []
        return criteria.build(groups)
    except Refused:
        return None


def picked(source: Criteria | None) -> Picked:
    """条件を欄に戻す。戻して同じ条件にならないものは `kept` に入れる。"""
    chosen = Picked()
    if source is None:
        return chosen
    if any(term.alone for group in source.groups for term in group):
        return Picked(kept=criteria.dump(source))
    for group in source.groups:
        for term in group:
            values: list[str] = getattr(chosen, term.field)
            values.append(str(term.value))
            name = "place" if term.field in ("area", "town") else term.field
            if term.negated and name not in chosen.negated:
                chosen.negated.append(name)
    return chosen if criteria_of(chosen) == source else Picked(kept=criteria.dump(source))


def choices() -> dict[str, Any]:
    """欄に並べる選択肢。"""
    return {
        "towns": areas.TOWNS,
        "outside": (areas.OUTSIDE, areas.OUTSIDE_NAME),
        "age_band": [(band.value, band.label) for band in AgeBand],
        "stage": [(stage.value, stage.label) for stage in Stage],
        "topic": [(topic.value, topic.label) for topic in Topic],
        "language": [(language.value, language.label) for language in Language],
        "purposes": {purpose.code: purpose for purpose in Purpose},
    }


def _terms(chosen: Picked, field: str) -> list[Term]:
    return [
        fields.term(field, int(v) if field in _NUMBERS and v.isascii() and v.isdigit() else v)
        for v in getattr(chosen, field)
    ]


def _not(term: Term) -> Term:
    return Term(term.field, term.value, negated=True)
