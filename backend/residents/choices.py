"""選んだこと: 住民が「同意して保存」で送った値。目的の選ばれていない属性は落とし、おかしな値は欄ごとに断る。"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date

from backend.consent.notices import Purpose
from backend.errors import Refused
from backend.residents import stages
from backend.residents.vocabulary import AgeBand, Language, Slot, Stream, Topic
from backend.ward import areas

MAX_CHILDREN = 5
DUE_AHEAD_MONTHS = 10
MONTHS_EARLY, MONTHS_LATE = 5, 1
"""予定月が、生まれた月より何か月後(早産)・前(過期産)まで、同じ出産のものと言えるか。"""


class BadChoices(Refused):
    """保存できない値。`fields` は欄の名 → 直し方。何も保存していない。"""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(
            "保存できない項目があります。まだ何も保存していません。", next_step=next(iter(fields.values()))
        )
        self.fields = fields


@dataclass(frozen=True, kw_only=True)
class Choices:
    """一人の選んだことのすべて。答えないことは None か空(P19)。月はその月の1日。

    `due_months` は妊娠(一つまで、双子は一組)。`birth_months` は子(5人まで)。`birth_due_months` は同じ並びの、
    修正月齢のために残す予定月(なければNone、または空)。`guardian` は「保護者の方と読みました」。
    """

    purposes: Purpose
    area: int | None = None
    age_band: int | None = None
    due_months: tuple[date, ...] = ()
    birth_months: tuple[date, ...] = ()
    birth_due_months: tuple[date | None, ...] = ()
    topics: tuple[Topic, ...] = ()
    language: Language | None = None
    collection_area: int | None = None
    streams: tuple[Stream, ...] = ()
    slot: int | None = None
    guardian: bool = False


def tidy(choices: Choices, today: date, born: Collection[date] = ()) -> Choices:
    """保存してよい形にする: 目的のない属性を落とし、値を確かめる。だめなら `BadChoices`。

    `born` はもう預かっている生まれた月。高校の年代を過ぎていても断らない: 消すのは作業の仕事で、本人のほかの変更を止めない。
    """
    kept = _only_consented(choices)
    problems = {name: words for name, words in _problems(kept, today, born) if words}
    if problems:
        raise BadChoices(problems)
    return kept


def check_value(name: str, value: object, today: date) -> None:
    """一つの答えだけを確かめる(窓口での訂正)。だめなら `BadChoices`。"""
    if name == "language" and value is not None and value not in set(Language):
        raise BadChoices({name: "言語を一覧から選んでください。"})
    one = replace(Choices(purposes=Purpose(63), guardian=True), **{name: value})  # type: ignore[arg-type]  # 値はすぐ確かめる
    problems = {field: words for field, words in _problems(one, today) if words}
    if problems:
        raise BadChoices(problems)


def guarded(choices: Choices) -> Purpose:
    """15歳以下の方に、保護者と読んだかを尋ねる目的(RULES 19)。妊娠だけのときは尋ねない。"""
    if choices.age_band != AgeBand.UP_TO_15:
        return Purpose(0)
    parenting = Purpose.PARENTING if choices.birth_months else Purpose(0)
    return choices.purposes & (Purpose.AGE | Purpose.TOPICS | parenting)


def changed(before: Choices, after: Choices) -> Purpose:
    """`after` で、新しく選ばれたか、答えの変わった目的。並べ方の違いは、変わったことにしない。"""
    added = after.purposes & ~before.purposes
    kept = after.purposes & before.purposes
    return added | Purpose(sum(int(one) for one in kept if _answers(before, one) != _answers(after, one)))


def _answers(choices: Choices, purpose: Purpose) -> object:
    if purpose is Purpose.PARENTING:
        dues = choices.birth_due_months or (None,) * len(choices.birth_months)
        born = zip(choices.birth_months, (due or date.min for due in dues), strict=True)
        return choices.due_months, sorted(born)
    values = [getattr(choices, name) for name in ATTRIBUTES[purpose]]
    return [set(value) if isinstance(value, tuple) else value for value in values]


def _only_consented(choices: Choices) -> Choices:
    on = choices.purposes
    empty = Choices(purposes=on)
    drop: dict[str, object] = {}
    for purpose, names in ATTRIBUTES.items():
        if not on & purpose:
            drop |= {name: getattr(empty, name) for name in names}
    return replace(choices, **drop)  # type: ignore[arg-type]  # 名と値は同じ型から取っている


ATTRIBUTES: dict[Purpose, tuple[str, ...]] = {
    Purpose.AREA: ("area",),
    Purpose.AGE: ("age_band",),
    Purpose.PARENTING: ("due_months", "birth_months", "birth_due_months"),
    Purpose.TOPICS: ("topics",),
    Purpose.GARBAGE: ("collection_area", "streams", "slot"),
    Purpose.LANGUAGE: ("language",),
}
"""属性はちょうど一つの目的に属する。"""

COLUMNS: dict[Purpose, dict[str, str]] = {
    Purpose.AREA: {"area": "null"},
    Purpose.AGE: {"age_band": "null"},
    Purpose.PARENTING: {"due_month": "null", **{f"birth_{n}": "null" for n in range(1, MAX_CHILDREN + 1)}},
    Purpose.TOPICS: {"topics": "0"},
    Purpose.GARBAGE: {"collection_area": "null", "streams": "0", "slot": "null"},
    Purpose.LANGUAGE: {"language": "null"},
}
"""目的をやめたときに消す `resident` の列と、消した後の値。子の月は `resident_child` ごと消える。"""


def _problems(choices: Choices, today: date, born: Collection[date] = ()) -> Iterable[tuple[str, str]]:
    if not 0 < int(choices.purposes) < 64:
        yield "purposes", "受け取りたいお知らせを一つ以上選んでください。"
    if choices.area is not None and choices.area not in {*areas.BY_CODE, areas.OUTSIDE}:
        yield "area", "地域を一覧から選んでください。"
    if choices.age_band is not None and choices.age_band not in set(AgeBand):
        yield "age_band", "年代を一覧から選んでください。"
    if choices.collection_area is not None and choices.collection_area not in areas.BY_CODE:
        yield "collection_area", "ごみを出す地域を一覧から選んでください。"
    if choices.slot is not None and choices.slot not in set(Slot):
        yield "slot", "受け取る時刻を一覧から選んでください。"
    yield "children", _children_problem(choices, today, born)
    if guarded(choices) and not choices.guardian:
        yield "guardian", "15歳以下の方は、保護者の方と一緒に読んでください。"


def _children_problem(choices: Choices, today: date, born: Collection[date]) -> str:
    months = [*choices.due_months, *choices.birth_months, *(due for due in choices.birth_due_months if due)]
    if any(month.day != 1 for month in months):
        return "月だけを選んでください。"
    if len(choices.birth_months) > MAX_CHILDREN or len(choices.due_months) > 1:
        return f"子どもは{MAX_CHILDREN}人まで、予定月は一つまで登録できます。"
    if choices.birth_due_months and len(choices.birth_due_months) != len(choices.birth_months):
        return "予定月と生まれた月の組み合わせを確かめてください。"
    for due in choices.due_months:
        if not -stages.GRACE_MONTHS <= stages.months_between(today, due) <= DUE_AHEAD_MONTHS:
            return "出産の予定月を確かめてください。"
    for birth, due in zip(choices.birth_months, choices.birth_due_months, strict=False):
        if due and not -MONTHS_LATE <= stages.months_between(birth, due) <= MONTHS_EARLY:
            return "生まれた月と出産の予定月の組み合わせを確かめてください。"
    for birth in choices.birth_months:
        if birth not in born and stages.stage_of(birth, today) is None:
            return "生まれた月を確かめてください。これからの月と、高校を卒業する年代より前の月は選べません。"
    return ""
