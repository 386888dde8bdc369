"""送られたお知らせ: LINEが受け付けたものだけを、だれにでも見せる。予約や条件の中身は見せない。"""

from dataclasses import dataclass
from datetime import datetime

from backend.delivery import outbox
from backend.links import addresses, repoint
from backend.links.addresses import Sort
from backend.links.repoint import Change
from backend.messages import desk, view
from backend.messages.desk import Request
from backend.messages.manuscript import Audience
from backend.texts import languages


@dataclass(frozen=True)
class Place:
    """リンクの行き先。"""

    sort: Sort
    address: str


@dataclass(frozen=True)
class Turned:
    """送ると決めたあとに変わった、一つのリンク。職員の名と理由は出さない。`after` がNoneなら、案内をやめた。"""

    link: str
    at: datetime
    section_name: str
    before: Place
    after: Place | None


@dataclass(frozen=True)
class Sent:
    """一つのお知らせ。`to_everyone` でなければ、条件に合う人に送ったもの。`bubbles` は(HTMLの言語の印, 文字)。"""

    number: str
    title: str
    section_name: str
    sent_at: datetime
    to_everyone: bool
    bubbles: list[tuple[str, str]]


async def find(number: str) -> Sent | None:
    """その番号で送られたお知らせ。送られていなければNone。"""
    request = await desk.by_number(number)
    status = await outbox.status_of(request.source) if request else None
    return _sent(request, status.first_accepted_at) if request and status and status.first_accepted_at else None


async def turned(number: str) -> list[Turned]:
    """そのお知らせのリンクのうち、承認のあとで行き先が変わったもの。起きた順(RULES 28)。"""
    request = await desk.by_number(number)
    if request is None or request.approved_at is None:
        return []
    return [_turned(change) for change in await repoint.repointed_after_use(request.source, request.approved_at)]


async def recent(days: int) -> list[Sent]:
    """この `days` 日に送られたお知らせを、新しい順に。"""
    accepted = {status.source: status.first_accepted_at for status in await outbox.listing()}
    made = [
        _sent(request, moment)
        for request in await desk.approved_since(days)
        if (moment := accepted.get(request.source)) is not None
    ]
    return sorted(made, key=lambda one: one.sent_at, reverse=True)


def _turned(change: Change) -> Turned:
    after = None if change.what == "retire" else _place(change.url_after)
    return Turned(change.title, change.at, change.section_name, _place(change.url_before), after)


def _place(url: str) -> Place:
    return Place(addresses.sort_of(url), url.removeprefix("tel:").removeprefix("https://"))


def _sent(request: Request, moment: datetime) -> Sent:
    return Sent(
        number=request.public_number or "",
        title=request.manuscript.title,
        section_name=request.section_name,
        sent_at=moment,
        to_everyone=request.manuscript.audience is Audience.EVERYONE,
        bubbles=[*zip(_tags(request), view.bubbles(request.manuscript, request.public_number), strict=True)],
    )


def _tags(request: Request) -> list[str]:
    return [languages.BY_CODE[language].tag for language in request.manuscript.languages]
