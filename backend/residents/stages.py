"""時期: 妊娠中から高校生の年代まで。保存せず、予定月・誕生月から、尋ねた日(日本時間)に求める。

月だけを持つので、日の単位のことは言わない。4月1日生まれの早生まれは区別できず、4月生まれとして扱う。
"""

from datetime import date
from enum import StrEnum

TODAY = "(select (ward_now() at time zone 'Asia/Tokyo')::date)"
"""SQLの今日。副問い合わせにして、一度だけ求めさせる。"""
_MONTH = "(select date_trunc('month', ward_now() at time zone 'Asia/Tokyo')::date)"
# 学年の始まりの4月1日。3か月さかのぼると、1〜3月は前の年になる。
_SCHOOL = (
    "(select make_date(extract(year from (ward_now() at time zone 'Asia/Tokyo') - interval '3 months')::int, 4, 1))"
)
GRACE_MONTHS = 2  # 予定月が過ぎてから、黙って終えるまで(RULES 44)


GROWN = f"birth_month < (select ({_SCHOOL} - interval '18 years')::date)"
"""`resident_child` の、高校の年代を過ぎた子。"""


class Stage(StrEnum):
    """一人の子(または一つの妊娠)の時期。"""

    PREGNANT = "pregnant"
    MONTHS_0_2 = "m0_2"
    MONTHS_3_5 = "m3_5"
    MONTHS_6_11 = "m6_11"
    YEAR_1 = "y1"
    YEAR_2 = "y2"
    PRESCHOOL = "y3_5"
    ELEMENTARY = "elementary"
    JUNIOR_HIGH = "junior_high"
    HIGH = "high"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Stage.PREGNANT: "妊娠中",
    Stage.MONTHS_0_2: "0–2か月",
    Stage.MONTHS_3_5: "3–5か月",
    Stage.MONTHS_6_11: "6–11か月",
    Stage.YEAR_1: "1歳",
    Stage.YEAR_2: "2歳",
    Stage.PRESCHOOL: "3–5歳(未就学)",
    Stage.ELEMENTARY: "小学生",
    Stage.JUNIOR_HIGH: "中学生",
    Stage.HIGH: "高校生の年代",
}
_BY_MONTHS = {  # 月齢の [下, 上]
    Stage.MONTHS_0_2: (0, 2),
    Stage.MONTHS_3_5: (3, 5),
    Stage.MONTHS_6_11: (6, 11),
    Stage.YEAR_1: (12, 23),
    Stage.YEAR_2: (24, 35),
}
_BY_SCHOOL = {  # 学年の始まりの年から引く [上, 下): 最も年上の子の生まれた学年, 次の時期との境
    Stage.ELEMENTARY: (12, 6),
    Stage.JUNIOR_HIGH: (15, 12),
    Stage.HIGH: (18, 15),
}
OLDEST_SCHOOL_YEARS = 18
CHILDREN = 5
"""一人の行に写す子の月の数(`resident.birth_1` から)。"""


def stage_of(birth_month: date, today: date) -> Stage | None:
    """`birth_month`(その月の1日)に生まれた子の、`today` の時期。生まれる前と、高校の年代を過ぎた後はNone。"""
    months = months_between(birth_month, today)
    for stage, (low, high) in _BY_MONTHS.items():
        if low <= months <= high:
            return stage
    start = school_start(today)
    for stage, (oldest, youngest) in _BY_SCHOOL.items():
        if _years_before(start, oldest) <= birth_month < _years_before(start, youngest):
            return stage
    return Stage.PRESCHOOL if months >= 36 and birth_month >= _years_before(start, 6) else None


def is_pregnant(due_month: date, today: date) -> bool:
    """予定月が終わるまでは妊娠中。過ぎた後は何も送らず、生まれたことにもしない(RULES 44)。"""
    return due_month >= today.replace(day=1)


def asks_for_birth(due_month: date, today: date) -> bool:
    """予定月が過ぎて、ページが「生まれました」「まだです」「止める」を静かに尋ねる間か。"""
    return 1 <= months_between(due_month, today) <= GRACE_MONTHS


def condition(stage: Stage, alias: str = "r") -> str:
    """`resident` の別名 `alias` に対するSQLの真偽。値は渡さない: すべてデータベースの日付から求まる。"""
    if stage is Stage.PREGNANT:
        return f"{alias}.due_month >= {_MONTH}"
    if stage in _BY_MONTHS:
        low, high = _BY_MONTHS[stage]
        return _any_child(alias, _months_ago(high), f"<= {_months_ago(low)}")
    if stage in _BY_SCHOOL:
        oldest, youngest = _BY_SCHOOL[stage]
        return _any_child(alias, _school_years_ago(oldest), f"< {_school_years_ago(youngest)}")
    return _any_child(alias, _school_years_ago(6), f"<= {_months_ago(36)}")


def answered(alias: str = "r") -> str:
    """妊娠か子を一つでも答えた人(否定の条件は、答えた人だけを数える)。"""
    return f"({alias}.due_month is not null or {alias}.birth_1 is not null)"


def _any_child(alias: str, oldest: str, youngest: str) -> str:
    """本人の行にある子の月の写しを見る。前から詰めてあるので、いない子のところで調べ終える。"""
    clause = ""
    for n in range(CHILDREN, 0, -1):
        born = f"{alias}.birth_{n}"
        span = f"{born} >= {oldest} and {born} {youngest}"
        clause = f"({born} is not null and (({span}) or {clause}))" if clause else f"({born} is not null and {span})"
    return clause


def months_between(earlier: date, later: date) -> int:
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def school_start(today: date) -> date:
    """`today` の学年が始まった4月1日。"""
    return date(today.year if today.month >= 4 else today.year - 1, 4, 1)


def _years_before(start: date, years: int) -> date:
    return start.replace(year=start.year - years)


def _months_ago(months: int) -> str:
    # 副問い合わせにまとめて、行ごとに求め直させない。
    return f"(select ({_MONTH} - interval '{months} months')::date)"


def _school_years_ago(years: int) -> str:
    return f"(select ({_SCHOOL} - interval '{years} years')::date)"
