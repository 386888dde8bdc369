"""受信設定: 同意して保存、いまの内容、取りやめ。台帳に書く件と本人の行は、同じ取引で動く(P8)。"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from backend.consent import ledger, notices, receipt
from backend.consent.ledger import Action, Channel, Entry, Grant
from backend.consent.notices import Notice, Purpose
from backend.consent.receipt import Receipt
from backend.errors import Refused
from backend.residents import choices as chosen
from backend.residents import ending, incident, journal, renewal, rows, wording
from backend.residents.address import AddressKeys
from backend.residents.choices import BadChoices, Choices
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
    同意の件を書くのは、新しく選んだ目的と、答えを変えた目的だけ。そのままの目的は、前の文への同意も期限もそのまま残る:
    一つを直すことで、ほかの目的の新しい文や期限にまで同意したことにしない(P3)。続けるのは `renew`。
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
    today = (await clock.now()).astimezone(clock.JST).date()
    await rows.lock(keys, [user_id for user_id, _ in people])
    before = await rows.find(keys, [user_id for user_id, _ in people])
    drafts = [
        _draft(keys, user_id, chosen.tidy(choices, today, _born(before.get(user_id))), before.get(user_id))
        for user_id, choices in people
    ]
    notice = await _read(language, notice_version)
    affirmed = {draft.id: await _affirmed(draft) for draft in drafts}
    receipts = await _write(drafts, affirmed, notice, channel)
    for (user_id, _), draft in zip(people, drafts, strict=True):
        if draft.known and (parts := _left_out(draft.known, draft.choices)):
            await journal.append_parts(keys, user_id, await clock.now(), parts)
    return receipts


async def renew(
    keys: AddressKeys,
    user_id: str,
    purpose: Purpose,
    *,
    language: str = "ja",
    notice_version: int | None = None,
    guardian: bool = False,
) -> Receipt | None:
    """「続ける」: いま見せた文に、その目的だけ、同意し直す(RULES 38)。答えは受け取らない。同意していなければNone。"""
    await incident.require_open()
    await rows.lock(keys, [user_id])
    row = (await rows.find(keys, [user_id])).get(user_id)
    if row is None or purpose not in Purpose(row["purposes"]):
        return None
    choices = replace((await held_in(row)).choices, guardian=guardian)
    if chosen.guarded(choices) & purpose and not guardian:
        raise BadChoices({"guardian": "15歳以下の方は、保護者の方と一緒に読んでください。"})
    draft = _draft(keys, user_id, choices, row)
    return (await _write([draft], {draft.id: purpose}, await _read(language, notice_version), Channel.LIFF))[0]


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


async def _read(language: str, notice_version: int | None) -> Notice:
    """本人が読んだはずの告知文。その後に版が変わっていたら `NoticeChanged`。"""
    notice = await notices.current(language)
    if notice_version is not None and notice_version != notice.version:
        raise NoticeChanged(
            "告知文が新しくなりました。まだ何も保存していません。", next_step="新しい文を読んでください。"
        )
    return notice


async def _affirmed(draft: rows.Draft) -> Purpose:
    """この保存で同意した目的: 新しく選ばれたもの、答えの変わったもの、前の同意の終わっているもの。"""
    if draft.known is None:
        return draft.choices.purposes
    before = await held_in(draft.known)
    now = await clock.now()
    live = Purpose(sum(int(purpose) for purpose, grant in before.grants.items() if grant.until > now))
    return chosen.changed(before.choices, draft.choices) | (draft.choices.purposes & ~live)


async def _write(
    drafts: Sequence[rows.Draft], affirmed: Mapping[UUID, Purpose], notice: Notice, channel: Channel
) -> list[Receipt]:
    """台帳に書き足し、本人の行をその畳み込みに合わせる。"""
    held = await ledger.live([ledger.subject(draft.subject_key) for draft in drafts if draft.known])
    await ledger.append([one for draft in drafts for one in _entries(draft, affirmed[draft.id], held, notice, channel)])
    found = await ledger.live([ledger.subject(draft.subject_key) for draft in drafts])
    live = {draft.id: found[ledger.subject(draft.subject_key)] for draft in drafts}
    fresh = await renewal.caught_up(grant for grants in live.values() for grant in grants.values())
    await rows.write(
        drafts,
        {one: min(grant.until for grant in grants.values()) for one, grants in live.items()},
        {one: min(fresh[g.notice_version, g.purpose] for g in grants.values()) for one, grants in live.items()},
    )
    return [_receipt(draft, affirmed[draft.id], live[draft.id], notice) for draft in drafts]


def _born(row: dict[str, Any] | None) -> list[date]:
    return rows.births(row) if row else []


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
    draft: rows.Draft,
    affirmed: Purpose,
    held: dict[bytes, dict[Purpose, Grant]],
    notice: Notice,
    channel: Channel,
) -> list[Entry]:
    who = ledger.subject(draft.subject_key)
    gone = [grant for purpose, grant in held.get(who, {}).items() if not purpose & draft.choices.purposes]
    return [
        *ledger.ended(who, gone, Action.WITHDRAWN, channel),
        *ledger.granted(who, affirmed, notice, channel, guarded=chosen.guarded(draft.choices)),
    ]


def _receipt(draft: rows.Draft, affirmed: Purpose, grants: dict[Purpose, Grant], notice: Notice) -> Receipt:
    """いま同意した目的の控え。やめただけで新しい同意がなければ、残っている同意の控え。"""
    agreed = [grant for purpose, grant in grants.items() if purpose & (affirmed or draft.choices.purposes)]
    return receipt.consent(agreed, notice, wording.sentences(draft.choices))
