"""依頼の机: 依頼を読む。所管課は自分の課の依頼だけ、広報課はすべてを見る(POL 5(4))。"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backend.errors import NotFound, Refused
from backend.links import register
from backend.messages.manuscript import Audience, Manuscript, Timing, fingerprint
from backend.messages.states import ReturnReason, State
from backend.permissions import Actor, Permission
from backend.segments import criteria
from backend.segments.criteria import Criteria
from backend.store import work
from backend.store.clock import JST
from backend.ward.kinds import Kind


@dataclass(frozen=True)
class Request:
    """一つの配信依頼。`version` は二つの画面からの書き込みを見分ける番号、`now` は読んだときの業務の時刻。"""

    id: int
    state: State
    version: int
    author: int
    author_name: str
    last_editor: int
    last_editor_name: str
    section_code: str
    section_name: str
    manuscript: Manuscript
    public_number: str | None
    attested_by_name: str | None
    chief_seen_by_name: str | None
    chief_seen_at: datetime | None
    same_day_reason: str
    submitted_at: datetime | None
    returned_at: datetime | None
    return_reason: ReturnReason | None
    return_note: str
    approved_at: datetime | None
    reminder: str | None
    updated_at: datetime
    now: datetime
    targets: tuple[tuple[str, str], ...] = ()  # 本文の /go/名前 と行き先。一つを開いたときだけ読む

    @property
    def source(self) -> str:
        """配信予約の鍵。同じ依頼を二度予約しても一つの配信になる。"""
        return f"message:{self.id}"

    @property
    def fingerprint(self) -> str:
        """見ている内容の指紋(16進)。"""
        return fingerprint(self.manuscript, self.public_number, self.targets).hex()

    @property
    def due(self) -> datetime | None:
        """いつまでに確認が要るか: 送る日時、承認後すぐなら期限。"""
        return self.manuscript.send_at or self.manuscript.expires_at

    @property
    def for_today(self) -> bool:
        """今日のうちに送る依頼か。承認されたらすぐ送るものは、いつも今日。"""
        wished = self.manuscript.send_at
        on_approval = self.manuscript.timing is Timing.ON_APPROVAL
        return on_approval or (wished is not None and wished.astimezone(JST).date() == self.now.astimezone(JST).date())

    @property
    def wished_time_passed(self) -> bool:
        """希望の日時は過ぎたが、期限はまだ。"""
        return self.manuscript.send_at is not None and self.manuscript.send_at <= self.now


_SELECT = """
select q.*, ward_now() as now, s.name as section_name, a.name as author_name, e.name as last_editor_name,
       t.name as attested_by_name, c.name as chief_seen_by_name
from delivery_request q
join section s on s.code = q.section_code
join staff_member a on a.id = q.author
join staff_member e on e.id = q.last_editor
left join staff_member t on t.id = q.attested_by
left join staff_member c on c.id = q.chief_seen_by
"""


async def find(actor: Actor, request_id: int, *, lock: bool = False) -> Request:
    """見てよい依頼。ほかの課の依頼は、無いのと同じに `NotFound`。`lock` なら取引の終わりまで手放さない。"""
    rows = await work.sql(f"{_SELECT} where q.id = $1{' for update of q' if lock else ''}", request_id)
    if not rows or not _visible(actor, rows[0]["section_code"]):
        raise NotFound("その依頼はありません。", next_step="依頼の一覧からお探しください。")
    request = _request(rows[0])
    written = f"{request.manuscript.body}\n{request.manuscript.body_en}"
    return replace(request, targets=await register.targets(written))


async def unchanged(actor: Actor, request_id: int, version: int) -> Request:
    """手放さずに読んだ依頼。画面を開いた後に、ほかで変えられていたら `Refused`。"""
    request = await find(actor, request_id, lock=True)
    if request.version != version:
        raise Refused(
            f"ほかの画面で先に変えられています(いまは「{request.state.label}」、最後に直した人: {request.last_editor_name})。"
            "上書きしていません。",
            next_step="この画面の文章を写し取ってから、開き直してください。",
        )
    return request


async def listing(actor: Actor, *, limit: int = 200) -> list[Request]:
    """見てよい依頼を、新しく動いた順に。"""
    rows = await work.sql(
        f"{_SELECT} where ($1::text is null or q.section_code = $1) order by q.updated_at desc limit $2",
        None if actor.may(Permission.REVIEW) else actor.section_code,
        limit,
    )
    return [_request(row) for row in rows]


async def queue(actor: Actor) -> list[Request]:
    """確認待ちの列を、期限の近い順に。時間切れのものも、所管課に戻すまでは並ぶ。"""
    actor.require(Permission.REVIEW)
    rows = await work.sql(f"{_SELECT} where q.state = 'submitted' order by coalesce(q.send_at, q.expires_at), q.id")
    return [_request(row) for row in rows]


async def by_number(number: str) -> Request | None:
    """確認番号の依頼。だれでも見る確認ページのためのもので、承認済みだけを返す。"""
    rows = await work.sql(f"{_SELECT} where q.public_number = $1 and q.state = 'approved'", number)
    return _request(rows[0]) if rows else None


async def approved_since(days: int) -> list[Request]:
    """この `days` 日に承認された依頼を、新しい順に。"""
    rows = await work.sql(
        f"{_SELECT} where q.state = 'approved' and q.approved_at > ward_now() - make_interval(days => $1) "
        "order by q.approved_at desc limit 500",
        days,
    )
    return [_request(row) for row in rows]


def _visible(actor: Actor, section_code: str) -> bool:
    return actor.may(Permission.REVIEW) or (actor.may(Permission.READ_REQUESTS) and actor.section_code == section_code)


def _request(row: dict[str, Any]) -> Request:
    state = State(row["state"])
    if state is State.SUBMITTED and row["expires_at"] <= row["now"]:
        state = State.EXPIRED
    return Request(
        id=row["id"],
        state=state,
        version=row["version"],
        author=row["author"],
        author_name=row["author_name"],
        last_editor=row["last_editor"],
        last_editor_name=row["last_editor_name"],
        section_code=row["section_code"],
        section_name=row["section_name"],
        manuscript=_manuscript(row),
        public_number=row["public_number"],
        attested_by_name=row["attested_by_name"],
        chief_seen_by_name=row["chief_seen_by_name"],
        chief_seen_at=row["chief_seen_at"],
        same_day_reason=row["same_day_reason"],
        submitted_at=row["submitted_at"],
        returned_at=row["returned_at"],
        return_reason=ReturnReason(row["return_reason"]) if row["return_reason"] else None,
        return_note=row["return_note"],
        approved_at=row["approved_at"],
        reminder=row["reminder"],
        updated_at=row["updated_at"],
        now=row["now"],
    )


def _manuscript(row: dict[str, Any]) -> Manuscript:
    return Manuscript(
        kind=Kind(row["kind"]) if row["kind"] else None,
        title=row["title"],
        body=row["body"],
        body_en=row["body_en"],
        contact=row["contact"],
        audience=Audience(row["audience"]) if row["audience"] else None,
        criteria=_criteria(row["criteria"]),
        timing=Timing(row["timing"]) if row["timing"] else None,
        send_at=row["send_at"],
        expires_at=row["expires_at"],
        silent=row["silent"],
        source_note=row["source_note"],
    )


def _criteria(stored: str | None) -> Criteria | None:
    """保存した条件。選択肢が無くなって読めない条件は「選ばれていない」: 提出も承認もできず、だれにも送られない。"""
    try:
        return criteria.parse(stored) if stored else None
    except Refused:
        return None
