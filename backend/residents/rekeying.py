"""鍵の取り替え: 前の版の鍵で書かれた本人の行を、少しずついまの版に書き直す。保存も送信も止めない(CHECKS S8)。

何度でも、途中からでも行える。すべてのプロセスが新しい版で書くようになってから始める(`settings.current_version`)。
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from backend.residents import rows
from backend.residents.address import AddressKeys
from backend.store import work

BATCH = 200
"""一つの取引で書き直す人数。その人たちの保存は、取引の間(数十ミリ秒)だけ待つ。"""
_START = UUID(int=0)
Step = Callable[[AddressKeys, UUID], Awaitable[tuple[UUID | None, int]]]


async def waiting(keys: AddressKeys, what: str) -> int:
    """まだ前の版で書かれている人の数。`what` は `index`(索引)か `cipher`(暗号)。"""
    found = await work.sql(_WAITING[what], _version(keys, what))
    return int(found[0]["people"])


async def rekey(keys: AddressKeys, what: str, moved: Callable[[int], Any] = lambda _: None) -> int:
    """すべて書き直し、書き直した数を返す。一かたまりごとに `moved(人数)` を呼ぶ。"""
    done = 0
    while await waiting(keys, what):
        at: UUID | None = _START
        while at is not None:
            at, changed = await work.run(_STEPS[what], keys, at)
            done += changed
            moved(changed)
    return done


async def _index(keys: AddressKeys, after: UUID) -> tuple[UUID | None, int]:
    """索引は行の鍵でもあるので、本人の操作と同じ順番で待ってから書き直す。子と窓口の札も、一緒に移る。"""
    found = await work.sql(_OLD["index"], after, _version(keys, "index"), BATCH)
    people = {row["id"]: keys.open(bytes(row["cipher"])) for row in found}
    await rows.lock(keys, list(people.values()))
    changed = await work.sql(
        "update resident r set id = x.new, index_version = $3 from unnest($1::uuid[], $2::uuid[]) x (old, new) "
        "where r.id = x.old and r.index_version <> $3 returning 1",
        list(people),
        [keys.index(user_id) for user_id in people.values()],
        keys.index_version,
    )
    return (found[-1]["id"] if len(found) == BATCH else None), len(changed)


async def _cipher(keys: AddressKeys, after: UUID) -> tuple[UUID | None, int]:
    """暗号だけが替わる。読んだ後に本人が保存していれば、その行はもう新しいので、触らない。"""
    found = await work.sql(_OLD["cipher"], after, _version(keys, "cipher"), BATCH)
    old = [bytes(row["cipher"]) for row in found]
    changed = await work.sql(
        "update resident r set cipher = x.new from unnest($1::uuid[], $2::bytea[], $3::bytea[]) x (id, old, new) "
        "where r.id = x.id and r.cipher = x.old returning 1",
        [row["id"] for row in found],
        old,
        [keys.seal(keys.open(sealed)) for sealed in old],
    )
    return (found[-1]["id"] if len(found) == BATCH else None), len(changed)


def _version(keys: AddressKeys, what: str) -> int:
    return keys.index_version if what == "index" else keys.cipher_version


_STEPS: dict[str, Step] = {"index": _index, "cipher": _cipher}
_WAITING = {
    "index": "select count(*) as people from resident where index_version <> $1",
    "cipher": "select count(*) as people from resident where get_byte(cipher, 0) <> $1",
}
_OLD = {
    "index": "select id, cipher from resident where id > $1 and index_version <> $2 order by id limit $3",
    "cipher": "select id, cipher from resident where id > $1 and get_byte(cipher, 0) <> $2 order by id limit $3",
}
