"""続けるかを尋ねる相手: まだ続けていない人、もうすぐ期限の来る人。ほかの条件と組み合わせられない。

だれがまだ続けていないかは、地域や年代と組み合わせると、少ない人を割り出す道になる。だから一つだけで使い、
否定もできない。宛先は送る直前に決まるので、前の日に「続ける」を押した人には送られない(RULES 38)。
"""

import re
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from backend.consent.ledger import GRACE_DAYS
from backend.store.clock import JST

FIELDS = ("not_renewed", "ends_in")
"""`not_renewed` は内容の変わった告知文の版の番号、`ends_in` は同意の期限が来る月「2027-03」。"""
_MONTH = re.compile(r"20[0-9]{2}-(0[1-9]|1[0-2])")


def is_known(field: str, value: object) -> bool:
    """形の正しい値か。公開されていない版や、だれの期限も来ない月には、だれも当てはまらない。"""
    if field == "not_renewed":
        return type(value) is int and 1 < value < 10_000
    return isinstance(value, str) and _MONTH.fullmatch(value) is not None


def label(field: str, value: int | str) -> str:
    if field == "not_renewed":
        return f"告知文の第{value}版で、まだ「続ける」を押していない"
    year, month = str(value).split("-")
    return f"受信設定の期限が{year}年{int(month)}月に来る"


def condition(field: str, value: int | str, placeholder: Callable[[Any], str]) -> str:
    """`resident r` に対するSQLの真偽。「続ける」を押すと告知文の版も期限も新しくなり、どちらからも外れる。"""
    if field == "not_renewed":
        version = placeholder(value)
        # 公開されていない版では副問い合わせがNULLになり、だれにも当てはまらない。
        return f"r.notice_version < {version} and (r.purposes & ({_MATERIAL.format(version=version)})) <> 0"
    first, following = (placeholder(moment) for moment in span(str(value)))
    return f"r.live_until >= {first} and r.live_until < {following} and not exists ({_ENDED_BY_NOTICE})"


def span(month: str) -> tuple[datetime, datetime]:
    """「2027-03」の、日本時間での始まりと、次の月の始まり。"""
    first = date.fromisoformat(f"{month}-01")
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return datetime.combine(first, time(), JST), datetime.combine(following, time(), JST)


_MATERIAL = """select n.material from notice n join notice_decision d on d.version = n.version and d.published
where n.version = {version}"""
# 告知文の切りかえで終わる同意は `not_renewed` の方で尋ねるので、二重に数えない。
_ENDED_BY_NOTICE = f"""select 1 from notice n join notice_decision d on d.version = n.version and d.published
where n.version > r.notice_version and n.material & r.purposes <> 0
  and (n.effective_on + {GRACE_DAYS})::timestamp at time zone 'Asia/Tokyo' = r.live_until"""  # noqa: S608  定数
