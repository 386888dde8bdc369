"""依頼の道、所管課の側: 書く、直す、出す、取り下げる。確かめる側は `review`(POL 5(4)ア)。"""

from datetime import datetime
from typing import Any, NoReturn

from backend.audit import trail
from backend.delivery import outbox
from backend.errors import Forbidden, Refused
from backend.messages import checks, desk, gates
from backend.messages.desk import Request
from backend.messages.gates import Attested
from backend.messages.manuscript import Manuscript
from backend.messages.states import Action, State, next_state
from backend.permissions import Actor, Permission, Role
from backend.segments import criteria
from backend.store import work
from backend.store.clock import JST


async def draft(actor: Actor, manuscript: Manuscript) -> int:
    """新しい下書き。番号を返す。"""
    actor.require(Permission.DRAFT)
    columns = _columns(manuscript)
    names = ", ".join(columns)
    values = ", ".join(f"${n}" for n in range(4, 4 + len(columns)))
    rows = await work.sql(
        f"insert into delivery_request (author, last_editor, section_code, {names}) values ($1, $2, $3, {values}) returning id",  # noqa: S608  欄の名はこのファイルの定数
        actor.staff_id,
        actor.staff_id,
        actor.section_code,
        *columns.values(),
    )
    await trail.record(actor, "message.draft", f"message:{rows[0]['id']}")
    return rows[0]["id"]


async def edit(actor: Actor, request_id: int, version: int, manuscript: Manuscript) -> Request:
    """書き直す。所管課は下書き・差戻し・時間切れを、広報課は確認待ちも。最後に直した人は承認できなくなる(RULES 23)。

    課長確認は無効になる(RULES 20)。
    ほかの画面で先に書き換えられていたら `Refused`(何も上書きしない)。
    """
    actor.require(Permission.DRAFT)
    request = await desk.unchanged(actor, request_id, version)
    state = next_state(request.state, Action.EDIT)
    if request.state is State.SUBMITTED:
        if not actor.may(Permission.REVIEW):
            _refuse_submitted()
        gates.refuse_blocked(manuscript, request)
        await gates.note_links(request.source, manuscript)
    elif request.section_code != actor.section_code:
        raise Forbidden("ほかの課の下書きは直せません。", next_step="所管課に差し戻して、直してもらってください。")
    columns = _columns(manuscript)
    pairs = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 4))
    await work.sql(
        f"update delivery_request set state = $2, last_editor = $3, version = version + 1, updated_at = ward_now(), "  # noqa: S608
        f"chief_seen_by = null, chief_seen_at = null, {pairs} where id = $1",
        request_id,
        state.value,
        actor.staff_id,
        *columns.values(),
    )
    await trail.record(actor, "message.edit", f"message:{request_id}", state=state.value)
    return await desk.find(actor, request_id)


async def confirm(actor: Actor, request_id: int, version: int) -> None:
    """課長確認: その課の課長が、提出の前にこの原稿を見たと記す(RULES 20)。"""
    request = await desk.unchanged(actor, request_id, version)
    if not may_confirm(actor, request):
        raise Forbidden(
            "課長確認は、その課の課長だけができます。", next_step="課長に、この画面を開いてもらってください。"
        )
    next_state(request.state, Action.CONFIRM)
    gates.refuse_blocked(request.manuscript, request)
    await work.sql(
        "update delivery_request set chief_seen_by = $2, chief_seen_at = ward_now() where id = $1",
        request_id,
        actor.staff_id,
    )
    await trail.record(actor, "message.confirm", f"message:{request_id}")


def may_confirm(actor: Actor, request: Request) -> bool:
    """この課の課長か。広報課の原稿では広報課長。"""
    return actor.role in (Role.SECTION_CHIEF, Role.PR_CHIEF) and actor.section_code == request.section_code


def awaits_chief(actor: Actor, request: Request) -> bool:
    """書き上がっていて、この人の課長確認を待っている。"""
    if request.state not in (State.DRAFT, State.RETURNED) or request.chief_seen_at or not may_confirm(actor, request):
        return False
    return not checks.blocking(checks.check(request.manuscript, request.now, request.public_number))


async def submit(
    actor: Actor, request_id: int, version: int, attested: Attested, *, minimum: int, chief_check: bool = True
) -> str:
    """提出し、確認番号を割り当てて返す。出し直しでは前の番号のまま。

    `minimum` は、人が書いた条件で送れる最少の人数。`chief_check` は、課長確認を求める区か(RULES 20)。
    """
    actor.require(Permission.DRAFT)
    request = await desk.unchanged(actor, request_id, version)
    if request.section_code != actor.section_code:
        raise Forbidden("ほかの課の原稿は提出できません。")
    next_state(request.state, Action.SUBMIT)
    gates.refuse_unseen(request, chief_check=chief_check)
    gates.refuse_unattested(request, attested)
    gates.refuse_blocked(request.manuscript, request)
    await gates.refuse_dead_links(request.manuscript)
    await gates.refuse_small(request.manuscript, minimum)
    number = request.public_number or await _allocate(request.now)
    await work.sql(
        "update delivery_request set state = 'submitted', version = version + 1, public_number = $2, attested_by = $3, "
        "same_day_reason = $4, submitted_at = ward_now(), updated_at = ward_now(), return_reason = null, "
        "return_note = '', returned_at = null where id = $1",
        request_id,
        number,
        actor.staff_id,
        attested.today_because.strip() if request.for_today else "",
    )
    await gates.note_links(request.source, request.manuscript)
    await trail.record(actor, "message.submit", f"message:{request_id}", number=number)
    return number


async def withdraw(actor: Actor, request_id: int, version: int) -> None:
    """取り下げる。承認の後でも、送る相手を確定する前なら予約ごと取り消せる(RULES 22)。"""
    request = await desk.unchanged(actor, request_id, version)
    own = request.section_code == actor.section_code and actor.may(Permission.DRAFT)
    if not (own or actor.may(Permission.REVIEW)):
        raise Forbidden("ほかの課の依頼は取り下げられません。")
    state = next_state(request.state, Action.WITHDRAW)
    if request.state is State.APPROVED and not await outbox.cancel(actor, request.source):
        raise Refused(
            "もう送り始めているので、取り下げられません。",
            next_step="止めるには、配信の画面で「この配信を止める」を押してください。",
        )
    await work.sql(
        "update delivery_request set state = $2, version = version + 1, updated_at = ward_now() where id = $1",
        request_id,
        state.value,
    )
    await trail.record(actor, "message.withdraw", f"message:{request_id}", was=request.state.value)


def _refuse_submitted() -> NoReturn:
    raise Refused(
        "提出した依頼は、そのままでは直せません。", next_step="取り下げて写しを作るか、広報課に差戻しを頼んでください。"
    )


async def _allocate(now: datetime) -> str:
    month = f"{now.astimezone(JST):%y%m}"
    rows = await work.sql(
        "insert into public_number (month, last) values ($1, 1) "
        "on conflict (month) do update set last = public_number.last + 1 returning last",
        month,
    )
    return f"B-{month}-{rows[0]['last']:04d}"


def _columns(manuscript: Manuscript) -> dict[str, Any]:
    return {
        "kind": manuscript.kind.value if manuscript.kind else None,
        "title": manuscript.title,
        "body": manuscript.body,
        "body_en": manuscript.body_en,
        "contact": manuscript.contact,
        "audience": manuscript.audience.value if manuscript.audience else None,
        "criteria": criteria.dump(manuscript.criteria) if manuscript.criteria else None,
        "timing": manuscript.timing.value if manuscript.timing else None,
        "send_at": manuscript.send_at,
        "expires_at": manuscript.expires_at,
        "silent": manuscript.silent,
        "source_note": manuscript.source_note,
    }
