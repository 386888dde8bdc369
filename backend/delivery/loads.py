"""送っている配信の、送信単位に共通のもの: 本文のバイト列と、宛先の条件。"""

from dataclasses import dataclass

from backend.delivery import audience, freeze, outbox
from backend.delivery.audience import Clause
from backend.errors import Refused
from backend.store import work


class Unapproved(Refused):
    """確定した後に、本文か宛先が書き換えられている(I4, I5)。"""


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
    """条件が読めなければ `Refused`(確定のときに読めているので、語が消えたときだけ)、承認されたものと違えば `Unapproved`。"""
    rows = await work.sql("select * from delivery where id = $1", delivery_id)
    row = rows[0]
    package = await outbox.stored(row)
    if not await freeze.approved(row, package):
        raise Unapproved("承認された内容と一致しません。")
    everyone = row["address"] == "everyone"
    return Load(
        delivery_id,
        everyone,
        row["priority"],
        row["silent"],
        dict(package.bodies),
        None if everyone else await audience.clause(row, 3),
    )
