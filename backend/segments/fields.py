"""条件に使える語: 町丁目、町、年代、時期、関心、言語。ここと `renewals` に無い語は条件にならない。"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.residents import stages
from backend.residents.stages import Stage
from backend.residents.vocabulary import AgeBand, Language, Topic
from backend.segments import renewals
from backend.ward import areas

FIELDS = ("area", "town", "age_band", "stage", "topic", "language")


@dataclass(frozen=True)
class Term:
    """一つの項。`value` は町丁目・町・年代では番号、ほかでは綴り。"""

    field: str
    value: int | str
    negated: bool = False

    @property
    def alone(self) -> bool:
        """ほかの条件と組み合わせられない項。"""
        return self.field in renewals.FIELDS


def term(field: str, value: Any, *, negated: bool = False) -> Term:
    """知っている語だけを項にする。知らない語、型の違う値は `Refused`。"""
    if type(value) not in (int, str) or not _is_known(field, value):
        _unknown()
    return Term(field, value, negated)


def order(item: Term) -> tuple[int, bool, int]:
    """決まった並び: 語の順、肯定が先、選択肢の順。"""
    if item.alone:
        return len(FIELDS), item.negated, 0
    return FIELDS.index(item.field), item.negated, _KNOWN[item.field]().index(item.value)


def as_json(item: Term) -> dict[str, Any]:
    return {"field": item.field, "value": item.value, "not": item.negated}


def label(item: Term) -> str:
    """選択肢の呼び名: 「本郷三丁目」「30代」。"""
    if item.alone:
        return renewals.label(item.field, item.value)
    match item.field:
        case "area":
            return areas.name_of(int(item.value))
        case "town":
            return areas.TOWN_BY_CODE[int(item.value)].name
        case "age_band":
            return AgeBand(item.value).label
        case "stage":
            return Stage(item.value).label
        case "topic":
            return Topic(item.value).label
        case _:
            return Language(item.value).label


def phrase(same_field: Sequence[Term]) -> str:
    """一つの語についての言い方。肯定は並べ、否定は一つずつ渡す。"""
    first = same_field[0]
    words = [label(item) for item in same_field]
    if first.alone:
        return words[0]
    joined = "または".join(words) if len(words) <= 2 else "・".join(words) + "のいずれか"
    if first.negated:
        return {"topic": f"関心に「{joined}」を選んでいない", "language": f"言語が{joined}でない"}.get(
            first.field, f"{joined}以外の"
        )
    return {"topic": f"「{joined}」に関心がある", "language": f"言語が{joined}の"}.get(first.field, f"{joined}の")


def condition(item: Term, placeholder: Callable[[Any], str]) -> str:
    """一つの項のSQL(`resident r` に対する真偽)。値はすべて `placeholder` に渡す。使う側が `LIVE` をANDで足す。"""
    if item.alone:
        return renewals.condition(item.field, item.value, placeholder)
    match item.field:
        case "area":
            return _column("area", Purpose.AREA, item.negated, placeholder(item.value))
        case "town":
            return _town(item, placeholder)
        case "age_band":
            return _column("age_band", Purpose.AGE, item.negated, placeholder(item.value))
        case "language":
            return _column("language", Purpose.LANGUAGE, item.negated, placeholder(item.value))
        case "topic":
            return _topic(item, placeholder)
        case _:
            return _stage(item)


def _column(column: str, purpose: Purpose, negated: bool, value: str) -> str:
    # 答えていない人は列がNULLで、= も <> も真にならない。
    return f"r.{column} {'<>' if negated else '='} {value} and {_consented(purpose)}"


def _town(item: Term, placeholder: Callable[[Any], str]) -> str:
    codes = placeholder([area.code for area in areas.TOWN_BY_CODE[int(item.value)].areas])
    verb = "<> all" if item.negated else "= any"
    return f"r.area {verb}({codes}::smallint[]) and {_consented(Purpose.AREA)}"


def _topic(item: Term, placeholder: Callable[[Any], str]) -> str:
    bit = placeholder(Topic(item.value).bit)
    chosen = f"(r.topics & {bit}::bigint)"
    match = f"r.topics <> 0 and {chosen} = 0" if item.negated else f"{chosen} <> 0"
    return f"{match} and {_consented(Purpose.TOPICS)}"


def _stage(item: Term) -> str:
    match = stages.condition(Stage(item.value), "r")
    # 予定月のない人は妊娠中でも妊娠中でなくもなくNULLになる。答えた人なら「妊娠中以外」に入れる。
    match = f"{stages.answered('r')} and ({match}) is not true" if item.negated else f"({match})"
    return f"{match} and {_consented(Purpose.PARENTING)}"


def _consented(purpose: Purpose) -> str:
    # 値より後に調べる: 値の合わない人がほとんどで、百万人を数える時間はここで決まる。
    return f"(r.purposes & {int(purpose)}) <> 0"


LIVE = "(r.live_until > (select ward_now())) is true and (select personal_open())"
"""どの条件にも一度だけ付く: 期限を過ぎた人は、消される前から数えない。「個人設定を閉じる」(RULES 42)の間は、だれも数えない。

どちらも副問い合わせにして、行ごとではなく一度だけ求める。`is true` は、期限の索引で表をばらばらに読む計画を選ばせないため。
"""

_KNOWN: dict[str, Callable[[], list[int | str]]] = {
    "area": lambda: [*areas.BY_CODE, areas.OUTSIDE],
    "town": lambda: [*areas.TOWN_BY_CODE],
    "age_band": lambda: [band.value for band in AgeBand],
    "stage": lambda: [stage.value for stage in Stage],
    "topic": lambda: [topic.value for topic in Topic],
    "language": lambda: [language.value for language in Language],
}


def _is_known(field: str, value: int | str) -> bool:
    if field in renewals.FIELDS:
        return renewals.is_known(field, value)
    return field in _KNOWN and value in _KNOWN[field]()


def _unknown() -> NoReturn:
    raise Refused(
        "配信の条件に、いまは使えない選択肢があります。",
        next_step="対象をもう一度選んでください。だれにも送られません。",
    )
