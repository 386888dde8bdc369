"""配信条件: JSONを読み、日本語で言い、SQLにする。

条件は「群のAND、群は項のOR」。空、知らない語、型の違いはすべて断る: 読めない条件はだれにも届かず、全員になることはない(DESIGN 7)。
"""

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from backend.errors import Refused
from backend.segments import fields
from backend.segments.fields import Term

MAX_BYTES = 20_000
MAX_GROUPS = 10
MAX_TERMS = 100


@dataclass(frozen=True)
class Criteria:
    """読み終えた条件。必ず一つ以上の群があり、どの群にも一つ以上の項がある。群も項も決まった順に並ぶ。"""

    groups: tuple[tuple[Term, ...], ...]


def parse(text: str | bytes) -> Criteria:
    """JSONを条件にする。形は `{"all": [{"any": [{"field": "area", "value": 12, "not": false}, …]}, …]}`。

    少しでも形の違うものは `Refused`。黙って読み飛ばすと、対象が広がる。
    """
    if len(text) > MAX_BYTES:
        _refuse("条件が長すぎます。")
    try:
        document = json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constants)
    except (ValueError, RecursionError) as error:
        raise Refused("配信の条件を読み取れませんでした。", next_step="対象をもう一度選んでください。") from error
    return _criteria(document)


def build(groups: list[list[Term]]) -> Criteria:
    """画面で選ばれた項から条件を作る。空の群は断る。"""
    if not groups or not all(groups):
        _refuse("対象がまだ選ばれていません。")
    if len(groups) > MAX_GROUPS or any(len(group) > MAX_TERMS for group in groups):
        _refuse("条件が多すぎます。")
    ordered = {tuple(sorted(set(group), key=fields.order)) for group in groups}
    made = Criteria(tuple(sorted(ordered, key=lambda group: [fields.order(term) for term in group])))
    _refuse_mixed(made)
    return made


def dump(criteria: Criteria) -> str:
    """決まった綴りのJSON。同じ意味の並べ替えは同じ文字列になる。"""
    groups = [{"any": [fields.as_json(term) for term in group]} for group in criteria.groups]
    return json.dumps({"all": groups}, ensure_ascii=False, separators=(",", ":"))


def describe(criteria: Criteria) -> str:
    """人に読ませる言い方: 「本郷三丁目の、30代または40代の方」。"""
    return "、".join(_phrase(group) for group in criteria.groups) + "方"


def where(criteria: Criteria, first_parameter: int = 1) -> tuple[str, list[Any]]:
    """`resident r` に対する条件文と値の列。値の番号は `$first_parameter` から始まる。

    どの項も、その目的への同意が今あることを含む。否定の項は、その問いに答えた人だけを数える。
    """
    if not criteria.groups or not all(criteria.groups):
        _refuse("対象がまだ選ばれていません。")
    _refuse_mixed(criteria)
    parameters: list[Any] = []

    def placeholder(value: Any) -> str:
        parameters.append(value)
        return f"${first_parameter + len(parameters) - 1}"

    clauses = [" or ".join(fields.condition(term, placeholder) for term in group) for group in criteria.groups]
    return " and ".join([*(f"({clause})" for clause in clauses), fields.LIVE]), parameters


def _refuse_mixed(criteria: Criteria) -> None:
    terms = [term for group in criteria.groups for term in group]
    if any(term.alone for term in terms) and (len(terms) > 1 or terms[0].negated):
        _refuse("続けるかを尋ねる相手は、ほかの条件と組み合わせたり、「以外」にしたりできません。")


def _criteria(document: Any) -> Criteria:
    if not _is_object(document, {"all"}) or not isinstance(document["all"], list):
        _refuse("条件の形が正しくありません。")
    groups: list[list[Term]] = []
    for group in document["all"]:
        if not _is_object(group, {"any"}) or not isinstance(group["any"], list):
            _refuse("条件の形が正しくありません。")
        groups.append([_term(term) for term in group["any"]])
    return build(groups)


def _term(term: Any) -> Term:
    if not (_is_object(term, {"field", "value"}) or _is_object(term, {"field", "value", "not"})):
        _refuse("条件の形が正しくありません。")
    negated = term.get("not", False)
    if not isinstance(term["field"], str) or not isinstance(negated, bool):
        _refuse("条件の形が正しくありません。")
    return fields.term(term["field"], term["value"], negated=negated)


def _phrase(group: tuple[Term, ...]) -> str:
    if len({(term.field, term.negated) for term in group if not term.negated}) == 1 and not any(
        term.negated for term in group
    ):
        return fields.phrase(group)
    return "「" + "」または「".join(fields.phrase((term,)) for term in group) + "」"


def _is_object(value: Any, keys: set[str]) -> bool:
    return isinstance(value, dict) and set(value) == keys


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("同じ名前が二度ある")
    return dict(pairs)


def _no_constants(word: str) -> NoReturn:
    raise ValueError(word)


def _refuse(why: str) -> NoReturn:
    raise Refused(why, next_step="対象をもう一度選んでください。だれにも送られません。")
