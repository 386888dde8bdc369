"""配信対象者: 条件に合う人を数える。画面に出すのは丸めた数だけ(DESIGN 7)。"""

from backend.segments import criteria
from backend.segments.criteria import Criteria
from backend.store import work

HIDDEN_BELOW = 20  # 少ない人数は、だれのことかを推し量らせる


async def count(wanted: Criteria) -> int:
    """いま条件に合う人の数。正確な数なので、画面には `wording` を通して出す。"""
    clause, parameters = criteria.where(wanted)
    rows = await work.sql(f"select count(*) as people from resident r where {clause}", *parameters)  # noqa: S608  値は渡す
    return int(rows[0]["people"])


async def difference(one: Criteria, other: Criteria) -> int:
    """片方にだけ当てはまる人の数。二つの数の引き算から分かる人の数にあたる。"""
    first, parameters = criteria.where(one)
    second, more = criteria.where(other, len(parameters) + 1)
    query = f"select count(*) as people from resident r where ({first}) is distinct from ({second})"  # noqa: S608  値は渡す
    rows = await work.sql(query, *parameters, *more)
    return int(rows[0]["people"])


def wording(people: int) -> str:
    """「20人未満」か、十の位までに丸めた「約1,240人」。"""
    return f"約{people // 10 * 10:,}人" if people >= HIDDEN_BELOW else f"{HIDDEN_BELOW}人未満"
