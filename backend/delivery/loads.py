"""送っている配信の、送信単位に共通のもの: 本文のバイト列と、宛先の条件。"""

from dataclasses import dataclass

from backend.delivery import audience
from backend.delivery.audience import Clause
from backend.store import work


@dataclass
class Load:
    """`refusals` は、続けて丸ごと断られた送信単位の数。"""

    delivery_id: int
    everyone: bool
    priority: int
    silent: bool
    bodies: dict[str, bytes]
    clause: Clause | None
    refusals: int = 0


async def read(delivery_id: int) -> Load:
    """条件が読めなければ `Refused`(確定のときに読めているので、語が消えたときだけ)。"""
    rows = await work.sql("select * from delivery where id = $1", delivery_id)
    bodies = await work.sql("select language, messages from delivery_body where delivery_id = $1", delivery_id)
    row = rows[0]
    everyone = row["address"] == "everyone"
    return Load(
        delivery_id,
        everyone,
        row["priority"],
        row["silent"],
        {body["language"]: body["messages"] for body in bodies},
        None if everyone else await audience.clause(row, 3),
    )
