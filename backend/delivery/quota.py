"""月の上限: LINEで送れる数に限りがあるときは、緊急(イ)の二回分をいつも残しておく(RULES 53)。上限なしがふつう。"""

from typing import Any

from backend.delivery.states import Reason
from backend.errors import LineError
from backend.line.gateway import Gateway
from backend.store import work

URGENT_TIMES = 2
"""緊急のために残すのは、友だちの数のこれだけ倍。"""


async def lacking(delivery_id: int, gateway: Gateway) -> Reason | None:
    """緊急でない配信を始めてはならない理由。LINEの数は遅れるので、こちらの今月の数と比べて多いほうを取る。

    上限がないか、尋ねられなければNone: 尋ねられないだけで、知らせを止めない。
    """
    try:
        quota = await gateway.quota()
    except LineError:
        return None
    if quota.limit is None:
        return None
    ours = (await work.sql(_OURS, delivery_id))[0]
    return _verdict(quota.limit - max(quota.used, ours["accepted"]) - ours["reserved"], ours)


def _verdict(left: int, ours: dict[str, Any]) -> Reason | None:
    if ours["wanted"] > left:
        return Reason.QUOTA
    return Reason.RESERVED if ours["wanted"] > left - URGENT_TIMES * ours["friends"] else None


# 友だちの数は週に一度の照らし合わせのもの。登録した人より少ないことはない。全員あては人数が分からないので、友だちの数で数える。
_OURS = """
with known as (
  select greatest(coalesce((select friends from follower_sweep order by at desc limit 1), 0),
                  (select count(*) from resident))::int as friends
), batch as (
  select d.id, d.state as delivery, b.state, coalesce(b.size, k.friends) as people,
         case when b.size is null and b.state = 'accepted' then k.friends else b.accepted end as accepted
  from delivery d join delivery_batch b on b.delivery_id = d.id cross join known k
  where d.frozen_at >= date_trunc('month', ward_now(), 'Asia/Tokyo') or d.id = $1
)
select max(k.friends) as friends,
       coalesce(sum(people) filter (where b.id = $1 and state = 'ready'), 0)::int as wanted,
       coalesce(sum(accepted), 0)::int as accepted,
       coalesce(sum(people) filter (where b.id <> $1 and state = 'ready' and delivery = 'sending'), 0)::int as reserved
from known k left join batch b on true
"""
