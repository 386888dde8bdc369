"""本人の行: 鍵をかける、見つける、書く、狭める。SQLはここだけ。"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from backend.consent.notices import Purpose
from backend.residents.address import AddressKeys
from backend.residents.choices import COLUMNS, MAX_CHILDREN, Choices
from backend.residents.vocabulary import Language, Stream, Topic, mask
from backend.store import work

_MANY = 500  # これより多い人数では、一人ずつの鍵の代わりに表の鍵を使う(お試しの用意)


@dataclass(frozen=True, repr=False)
class Draft:
    """これから書く一行。`known` はいまの行(なければNone)。"""

    id: UUID
    index_version: int
    cipher: bytes
    subject_key: bytes
    number: int
    choices: Choices
    known: dict[str, Any] | None


async def lock(keys: AddressKeys, user_ids: Sequence[str]) -> None:
    """人ごとに順番にする。取引の終わりまで、同じ人の保存・取りやめ・ブロックは待つ。"""
    if len(user_ids) > _MANY:
        await work.sql("lock table resident in share row exclusive mode")
        return
    # 鍵の版が変わっても同じ錠になるように、最も古い版の索引を使う。
    for number in sorted({lock_number(keys.indexes(user_id)[-1]) for user_id in user_ids}):
        await work.sql("select pg_advisory_xact_lock($1)", number)


def lock_number(index: UUID) -> int:
    return int.from_bytes(index.bytes[:8], "big", signed=True)


async def find(keys: AddressKeys, user_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """利用者ID → いまの行。どの版の鍵の索引で書かれていても見つける。"""
    owner = {index: user_id for user_id in user_ids for index in keys.indexes(user_id)}
    found = await work.sql("select * from resident where id = any($1::uuid[])", [*owner])
    return {owner[row["id"]]: row for row in found}


async def children_of(resident_id: UUID) -> list[dict[str, Any]]:
    return await work.sql(
        "select position, birth_month, due_month from resident_child where resident_id = $1 order by position",
        resident_id,
    )


def births(row: Mapping[str, Any]) -> list[date]:
    """行に写してある、子の生まれた月。"""
    return [month for n in range(1, MAX_CHILDREN + 1) if (month := row[f"birth_{n}"])]


def choices_of(row: dict[str, Any], children: Sequence[dict[str, Any]]) -> Choices:
    """行と子を、選んだことに戻す。"""
    due: date | None = row["due_month"]
    return Choices(
        purposes=Purpose(row["purposes"]),
        area=row["area"],
        age_band=row["age_band"],
        due_months=(due,) if due else (),
        birth_months=tuple(child["birth_month"] for child in children),
        birth_due_months=tuple(child["due_month"] for child in children),
        topics=tuple(topic for topic in Topic if topic.bit & row["topics"]),
        language=Language(row["language"]) if row["language"] else None,
        collection_area=row["collection_area"],
        streams=tuple(stream for stream in Stream if stream.bit & row["streams"]),
        slot=row["slot"],
    )


_INSERT = """
insert into resident (id, number, index_version, cipher, subject_key, purposes, live_until, notice_version, area, age_band, topics, language,
                      due_month, collection_area, streams, slot, consented_at, updated_at)
select w.*, ward_now(), ward_now() from unnest(
    $1::uuid[], $2::bigint[], $3::smallint[], $4::bytea[], $5::bytea[], $6::smallint[], $7::timestamptz[], $8::integer[],
    $9::smallint[], $10::smallint[], $11::bigint[], $12::text[], $13::date[], $14::smallint[], $15::smallint[],
    $16::smallint[]) w
on conflict (id) do update set
    number = excluded.number, cipher = excluded.cipher, purposes = excluded.purposes, live_until = excluded.live_until,
    notice_version = excluded.notice_version, area = excluded.area, age_band = excluded.age_band, topics = excluded.topics, language = excluded.language,
    due_month = excluded.due_month, collection_area = excluded.collection_area, streams = excluded.streams,
    slot = excluded.slot, absences = 0, consented_at = excluded.consented_at, updated_at = excluded.updated_at
"""


async def write(
    drafts: Sequence[Draft], live_until: Mapping[UUID, datetime], notice_versions: Mapping[UUID, int]
) -> None:
    """行と子をまとめて書く。前の版の鍵の索引で書かれた行は、いまの版の行に置き換わる。"""
    moved = [draft.known["id"] for draft in drafts if draft.known and draft.known["id"] != draft.id]
    if moved:
        await work.sql("delete from resident where id = any($1::uuid[])", moved)
    again = [draft.id for draft in drafts if draft.known]
    if again:
        await work.sql("delete from resident_child where resident_id = any($1::uuid[])", again)
    values = [_values(draft, live_until[draft.id], notice_versions[draft.id]) for draft in drafts]
    await work.sql(_INSERT, *(list(column) for column in zip(*values, strict=True)))
    children = [child for draft in drafts for child in _children(draft)]
    if children:
        await work.sql(
            "insert into resident_child (resident_id, position, birth_month, due_month) "
            "select * from unnest($1::uuid[], $2::smallint[], $3::date[], $4::date[])",
            *(list(column) for column in zip(*children, strict=True)),
        )


async def narrow(row: dict[str, Any], left: Purpose, live_until: datetime, notice_version: int) -> None:
    """残る目的だけの行にする。やめた目的の属性は同じ文で消え、番号も替わる。"""
    gone = [purpose for purpose in COLUMNS if not purpose & left]
    cleared = {column: value for purpose in gone for column, value in COLUMNS[purpose].items()}
    sets = "".join(f", {column} = {value}" for column, value in cleared.items())
    await work.sql(
        f"update resident set purposes = $2, live_until = $3, number = $4, notice_version = $5, updated_at = ward_now(){sets} "  # noqa: S608  列の名は表から
        "where id = $1",
        row["id"],
        int(left),
        live_until,
        new_number(),
        notice_version,
    )
    if not left & Purpose.PARENTING:
        await work.sql("delete from resident_child where resident_id = $1", row["id"])


def new_number() -> int:
    """送信単位が指す乱数の番号(64ビット、符号つき)。人からは求められない。"""
    return secrets.randbits(64) - 2**63


def _values(draft: Draft, live_until: datetime, notice_version: int) -> tuple[Any, ...]:
    c = draft.choices
    return (
        draft.id,
        draft.number,
        draft.index_version,
        draft.cipher,
        draft.subject_key,
        int(c.purposes),
        live_until,
        notice_version,
        c.area,
        c.age_band,
        mask(c.topics),
        c.language.value if c.language else None,
        c.due_months[0] if c.due_months else None,
        c.collection_area,
        mask(c.streams),
        c.slot,
    )


def _children(draft: Draft) -> list[tuple[Any, ...]]:
    c = draft.choices
    dues = c.birth_due_months or (None,) * len(c.birth_months)
    return [(draft.id, n, birth, due) for n, (birth, due) in enumerate(zip(c.birth_months, dues, strict=True), 1)]
