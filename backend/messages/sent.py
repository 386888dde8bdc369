"""送られたお知らせ: LINEが受け付けたものだけを、だれにでも見せる。予約や条件の中身は見せない。"""

from dataclasses import dataclass
from datetime import datetime

from backend.delivery import outbox
from backend.messages import desk, view
from backend.messages.desk import Request
from backend.messages.manuscript import Audience


@dataclass(frozen=True)
class Sent:
    """一つのお知らせ。`to_everyone` でなければ、条件に合う人に送ったもの。"""

    number: str
    title: str
    section_name: str
    sent_at: datetime
    to_everyone: bool
    bubbles: list[str]


async def find(number: str) -> Sent | None:
    """その番号で送られたお知らせ。送られていなければNone。"""
    request = await desk.by_number(number)
    status = await outbox.status_of(request.source) if request else None
    return _sent(request, status.first_accepted_at) if request and status and status.first_accepted_at else None


async def recent(days: int) -> list[Sent]:
    """この `days` 日に送られたお知らせを、新しい順に。"""
    accepted = {status.source: status.first_accepted_at for status in await outbox.listing()}
    made = [
        _sent(request, moment)
        for request in await desk.approved_since(days)
        if (moment := accepted.get(request.source)) is not None
    ]
    return sorted(made, key=lambda one: one.sent_at, reverse=True)


def _sent(request: Request, moment: datetime) -> Sent:
    return Sent(
        number=request.public_number or "",
        title=request.manuscript.title,
        section_name=request.section_name,
        sent_at=moment,
        to_everyone=request.manuscript.audience is Audience.EVERYONE,
        bubbles=view.bubbles(request.manuscript, request.public_number),
    )
