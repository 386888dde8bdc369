"""受信設定: 同意して保存、いまの内容、取りやめ。台帳に書く件と本人の行は、同じ取引で動く(P8)。"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from backend.consent import ledger, notices, receipt
from backend.consent.ledger import Action, Channel, Entry, Grant
from backend.consent.notices import Notice, Purpose
from backend.consent.receipt import Receipt
from backend.errors import Refused
from backend.residents import choices as chosen
from backend.residents import ending, incident, journal, rows, wording
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.store import clock


class NoticeChanged(Refused):
    """読んでいる間に告知文の版が変わった。新しい文を示し直す。"""


@dataclass(frozen=True)
class Held:
    """いま預かっているもの。`grants` は目的ごとの同意、`current` の版がいまの告知文。"""

    id: UUID
    choices: Choices
    grants: dict[Purpose, Grant]
    consented_at: datetime
    positions: tuple[int, ...]
    """`choices.birth_months` と同じ並びの、子の位置(一人ずつ止めるときに使う)。"""

    @property
    def words(self) -> list[str]:
        """預かっている内容の読み下し。"""
        return wording.sentences(self.choices)


async def save(
    keys: AddressKeys, user_id: str, choices: Choices, *, language: str = "ja", notice_version: int | None = None
) -> Receipt:
    """一人の選んだことを保存し、レシートを返す。選ばれなくなった目的は、同じ取引で取りやめになる。

    `notice_version` は本人が読んだ告知文の版。いまの版と違えば `NoticeChanged`、値がおかしければ `BadChoices`。
    """
    return (await save_many(keys, [(user_id, choices)], language=language, notice_version=notice_version))[0]


async def save_many(
    keys: AddressKeys,
    people: Sequence[tuple[str, Choices]],
    *,
    language: str = "ja",
    notice_version: int | None = None,
    channel: Channel = Channel.LIFF,
) -> list[Receipt]:
    """何人分でも一つの取引で保存する。取引は呼ぶ側が `work.run` で開く。"""
    await incident.require_open()
    now = await clock.now()
    today = now.astimezone(clock.JST).date()
    wanted = [(user_id, chosen.tidy(choices, today)) for user_id, choices in people]
    notice = await notices.current(language)
    if notice_version is not None and notice_version != notice.version:
        raise NoticeChanged(
            "告知文が新しくなりました。まだ何も保存していません。", next_step="新しい文を読んでください。"
        )
    await rows.lock(keys, [user_id for user_id, _ in wanted])
    before = await rows.find(keys, [user_id for user_id, _ in wanted])
    drafts = [_draft(keys, user_id, choices, before.get(user_id)) for user_id, choices in wanted]
    held = await ledger.live([ledger.subject(draft.subject_key) for draft in drafts if draft.known])
    await ledger.append([entry for draft in drafts for entry in _entries(draft, held, notice, channel)])
    live = await ledger.live([ledger.subject(draft.subject_key) for draft in drafts])
    ends = {d.id: min(g.until for g in live[ledger.subject(d.subject_key)].values()) for d in drafts}
    await rows.write(drafts, ends, notice.version)
    for (user_id, _), draft in zip(wanted, drafts, strict=True):
        if draft.known and (parts := _left_out(draft.known, draft.choices)):
            await journal.append_parts(keys, user_id, await clock.now(), parts)
    return [_receipt(draft, live[ledger.subject(draft.subject_key)], notice) for draft in drafts]


async def held(keys: AddressKeys, user_id: str) -> Held | None:
    """いま預かっているもの。なければNone。"""
    found = (await rows.find(keys, [user_id])).get(user_id)
    return await held_in(found) if found else None


async def held_in(row: dict[str, Any]) -> Held:
    """一行にあるもの。"""
    who = ledger.subject(bytes(row["subject_key"]))
    grants = (await ledger.live([who]))[who]
    children = await rows.children_of(row["id"])
    choices = rows.choices_of(row, children)
    return Held(row["id"], choices, grants, row["consented_at"], tuple(child["position"] for child in children))


async def stop_child(keys: AddressKeys, user_id: str, position: int) -> bool:
    """一つの妊娠(0)か一人の子(1〜5)だけを静かに止める。あれば真。何も尋ねない(RULES 44)。"""
    await rows.lock(keys, [user_id])
    row = (await rows.find(keys, [user_id])).get(user_id)
    if row is None or not Purpose(row["purposes"]) & Purpose.PARENTING:
        return False
    known = {child["position"] for child in await rows.children_of(row["id"])} | ({0} if row["due_month"] else set())
    if position not in known:
        return False
    await ending.stop_child(keys, user_id, row, position, Action.WITHDRAWN, Channel.LIFF)
    return True


async def withdraw(
    keys: AddressKeys, user_id: str, purposes: Purpose | None = None, *, channel: Channel = Channel.LIFF
) -> Receipt | None:
    """`purposes`(Noneならすべて)を取りやめ、証明を返す。預かっていなければNone。理由は尋ねない(P7)。

    すべてなくなれば行ごと消え、台帳の札の鍵も消える。一部のときは、残る目的はそのまま。
    """
    await rows.lock(keys, [user_id])
    row = (await rows.find(keys, [user_id])).get(user_id)
    if row is None:
        return None
    return await ending.end(keys, user_id, row, purposes, Action.WITHDRAWN, channel)


def _draft(keys: AddressKeys, user_id: str, choices: Choices, row: dict[str, Any] | None) -> rows.Draft:
    dropped = row is not None and bool(Purpose(row["purposes"]) & ~choices.purposes)
    return rows.Draft(
        id=keys.index(user_id),
        index_version=keys.index_version,
        cipher=keys.seal(user_id),
        subject_key=bytes(row["subject_key"]) if row else ledger.new_key(),
        # 目的が一つでも減ったら番号も替える: もう固まった送信単位から、この人は外れる(P8)。
        number=row["number"] if row and not dropped else rows.new_number(),
        choices=choices,
        known=row,
    )


def _left_out(row: dict[str, Any], choices: Choices) -> list[str]:
    """選ばれなくなった目的と子の、消去の記録に書く印のもと。答えの直しは書かない(控えを戻すと、前の答えになる)。"""
    before = Purpose(row["purposes"])
    parts = [journal.purpose(purpose) for purpose in before & ~choices.purposes]
    if before & choices.purposes & Purpose.PARENTING:
        born = set(rows.births(row))
        parts += [journal.birth(month) for month in sorted(born - {*choices.birth_months})]
        # 「生まれました」は止めたのではない。
        if row["due_month"] and row["due_month"] not in choices.due_months and born >= {*choices.birth_months}:
            parts.append(journal.due(row["due_month"]))
    return parts


def _entries(
    draft: rows.Draft, held: dict[bytes, dict[Purpose, Grant]], notice: Notice, channel: Channel
) -> list[Entry]:
    who = ledger.subject(draft.subject_key)
    gone = [grant for purpose, grant in held.get(who, {}).items() if not purpose & draft.choices.purposes]
    return [
        *ledger.ended(who, gone, Action.WITHDRAWN, channel),
        *ledger.granted(who, draft.choices.purposes, notice, channel, guarded=chosen.guarded(draft.choices)),
    ]


def _receipt(draft: rows.Draft, grants: dict[Purpose, Grant], notice: Notice) -> Receipt:
    return receipt.consent([*grants.values()], notice, wording.sentences(draft.choices))
