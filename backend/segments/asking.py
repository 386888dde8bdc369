"""人数を尋ねる: 画面に出す数は、ここだけを通る。引き算で少ない人を割り出せないようにする(CHECKS C6)。

守りは三つ。20人未満は出さず、十の位で切り捨てる。ほとんど同じ人たちについての問いには、同じ数で答える。
一人が一日に尋ねられる条件の数に、限りがある(切り捨てだけでは、問いを重ねると平均から割り出せる)。
"""

from backend.permissions import Actor
from backend.segments import audience, criteria
from backend.segments.criteria import Criteria
from backend.store import work

A_DAY = 120
OVER = f"今日はもう数えられません(1日{A_DAY}通りまで)"
_TODAY = "(ward_now() at time zone 'Asia/Tokyo')::date"
_REMEMBER = """
insert into audience_question (staff_id, asked_on, criteria, people)
values ($1, (ward_now() at time zone 'Asia/Tokyo')::date, $2, $3)
on conflict (staff_id, asked_on, criteria) do update set people = excluded.people
"""


async def ask(actor: Actor, wanted: Criteria) -> str:
    """`wanted` の人数の言い方: 「約1,240人」「20人未満」、限りに達していれば `OVER`。同じ条件は何度尋ねても一つに数える。"""
    return await work.run(_ask, actor, wanted)


async def _ask(actor: Actor, wanted: Criteria) -> str:
    # 同時の問いで限りを越えないよう、一人ずつ順に答える。
    await work.sql("select pg_advisory_xact_lock(hashtext('audience_question'), $1::int)", actor.staff_id % 2**31)
    text = criteria.dump(wanted)
    asked = await work.sql(
        f"select id, criteria, people from audience_question where staff_id = $1 and asked_on = {_TODAY} order by id",  # noqa: S608  定数
        actor.staff_id,
    )
    if len(asked) >= A_DAY and text not in [row["criteria"] for row in asked]:
        return OVER
    people = await audience.count(wanted)
    await work.sql(_REMEMBER, actor.staff_id, text, people)
    if people < audience.HIDDEN_BELOW:
        return audience.wording(people)
    earlier = [row["criteria"] for row in asked if _alike(row["people"], people)]
    earlier = earlier[: earlier.index(text)] if text in earlier else earlier
    return audience.wording(await _as_first_told(wanted, earlier) or people)


def _alike(before: int, now: int) -> bool:
    """ほとんど同じ人たちかもしれない大きさ。隠した数は、その後の答えを決めない。"""
    return before >= audience.HIDDEN_BELOW and abs(before - now) < 2 * audience.HIDDEN_BELOW


async def _as_first_told(wanted: Criteria, earlier: list[str]) -> int | None:
    """違いが20人未満の、最初の問いのいまの人数。なければNone。"""
    for text in earlier:
        other = criteria.parse(text)
        if 0 < await audience.difference(wanted, other) < audience.HIDDEN_BELOW:
            told = await audience.count(other)
            return told if told >= audience.HIDDEN_BELOW else None
    return None
