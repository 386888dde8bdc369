"""依頼を画面で読むための言い方: 電話の見え方、人数、並べ方、経緯。"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backend.audit import trail
from backend.messages.desk import Request
from backend.messages.manuscript import Audience, Manuscript, audience_words, text
from backend.messages.states import ReturnReason, State
from backend.permissions import Actor
from backend.segments import asking, audience


@dataclass(frozen=True)
class People:
    """宛先と人数の言い方。`count` は丸めた言葉で、正確な数は画面に出さない(RULES 17)。"""

    who: str
    count: str
    everyone: bool = False
    chosen: bool = True


@dataclass(frozen=True)
class Event:
    at: datetime
    who: str
    what: str
    note: str


def bubbles(manuscript: Manuscript, number: str | None) -> list[str]:
    """電話に並ぶ吹き出しの文字。LINEに渡す文字と同じ関数で作る。"""
    return [text(manuscript, number, language) for language in manuscript.languages]


async def people(manuscript: Manuscript, actor: Actor | None) -> People:
    """いま送るとしたら、だれに、約何人に送られるか。尋ねる回数は `actor` に数える。

    確認する広報課のように、人の決めた条件をただ読むときは `actor` をNoneにする: 承認の前に人数が見えないことはない。
    """
    if manuscript.audience is Audience.EVERYONE:
        return People("友だち全員", "", everyone=True)
    if manuscript.criteria is None:
        return People("まだ選ばれていません", "", chosen=False)
    count = (
        await asking.ask(actor, manuscript.criteria)
        if actor
        else audience.wording(await audience.count(manuscript.criteria))
    )
    return People(audience_words(manuscript), count)


def groups(requests: Sequence[Request]) -> list[tuple[str, list[Request]]]:
    """「いましなければならないこと」を先に。"""
    now_first = (
        ("直して出し直すもの", (State.RETURNED, State.EXPIRED)),
        ("書きかけ", (State.DRAFT,)),
        ("広報課の確認を待っているもの", (State.SUBMITTED,)),
        ("承認されたもの", (State.APPROVED,)),
        ("取り下げたもの", (State.WITHDRAWN,)),
    )
    parted = [(title, [r for r in requests if r.state in states]) for title, states in now_first]
    return [(title, members) for title, members in parted if members]


def without_times(source: Manuscript) -> Manuscript:
    """写しのもと。日時と出どころは引き継がない: 前の日時のまま送られないように。"""
    return replace(source, timing=None, send_at=None, expires_at=None, source_note="")


async def history(request: Request) -> list[Event]:
    """この依頼に起きたことを、古い順に。"""
    entries = await trail.latest(subject=request.source, limit=100)
    return [Event(e.at, e.who, e.label, _note(e.detail)) for e in reversed(entries)]


def _note(detail: dict[str, Any]) -> str:
    if "reason" in detail:
        return f"{ReturnReason(detail['reason']).label}: {detail.get('note', '')}"
    return str(detail.get("number", ""))
