"""依頼の道: 書く、出す、戻す、承認する、取り下げる。書いた人は承認できない(POL 5(4))。"""

from datetime import datetime
from typing import Any, NoReturn

from backend.approval import foureyes
from backend.audit import trail
from backend.delivery import outbox
from backend.errors import Forbidden, Refused
from backend.links import register
from backend.messages import checks, desk, links
from backend.messages.desk import Request
from backend.messages.manuscript import Audience, Manuscript, Timing
from backend.messages.package import package
from backend.messages.states import Action, ReturnReason, State, next_state
from backend.permissions import Actor, Permission, Role
from backend.segments import audience, criteria
from backend.store import work
from backend.store.clock import JST
from backend.ward import office_hours
from backend.ward.kinds import Kind

__all__ = [
    "approve",
    "chief_only",
    "draft",
    "edit",
    "leaves_at",
    "may_approve",
    "next_state",
    "return_",
    "submit",
    "withdraw",
]

COUNTED_KINDS = (Kind.A, Kind.U, Kind.KI)  # RULES 15: 最小人数は、人が書いた条件のこの三つだけにかかる


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

    ほかの画面で先に書き換えられていたら `Refused`(何も上書きしない)。
    """
    actor.require(Permission.DRAFT)
    request = await _locked(actor, request_id, version)
    state = next_state(request.state, Action.EDIT)
    if request.state is State.SUBMITTED:
        if not actor.may(Permission.REVIEW):
            _refuse_submitted()
        _refuse_blocked(manuscript, request)
        await _note_links(request.source, manuscript)
    elif request.section_code != actor.section_code:
        raise Forbidden("ほかの課の下書きは直せません。", next_step="所管課に差し戻して、直してもらってください。")
    columns = _columns(manuscript)
    pairs = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, 4))
    await work.sql(
        f"update delivery_request set state = $2, last_editor = $3, version = version + 1, updated_at = ward_now(), {pairs} "  # noqa: S608
        "where id = $1",
        request_id,
        state.value,
        actor.staff_id,
        *columns.values(),
    )
    await trail.record(actor, "message.edit", f"message:{request_id}", state=state.value)
    return await desk.find(actor, request_id)


async def submit(actor: Actor, request_id: int, version: int, *, sourced: bool, settled: bool, minimum: int) -> str:
    """提出し、確認番号を割り当てて返す。出し直しでは前の番号のまま。

    `sourced` は「出どころを確かめた」、`settled` は「未確定の内容でない」という二つの表明(POL 5(3)イ)。
    `minimum` は、人が書いた条件で送れる最少の人数。
    """
    actor.require(Permission.DRAFT)
    request = await _locked(actor, request_id, version)
    if request.section_code != actor.section_code:
        raise Forbidden("ほかの課の原稿は提出できません。")
    next_state(request.state, Action.SUBMIT)
    if not (sourced and settled):
        raise Refused(
            "二つの確認にチェックがありません。", next_step="内容を確かめて、両方にチェックを入れてください。"
        )
    _refuse_blocked(request.manuscript, request)
    await _refuse_dead_links(request.manuscript)
    await _refuse_small(request.manuscript, minimum)
    number = request.public_number or await _allocate(request.now)
    await work.sql(
        "update delivery_request set state = 'submitted', version = version + 1, public_number = $2, attested_by = $3, "
        "submitted_at = ward_now(), updated_at = ward_now(), return_reason = null, return_note = '', returned_at = null "
        "where id = $1",
        request_id,
        number,
        actor.staff_id,
    )
    await _note_links(request.source, request.manuscript)
    await trail.record(actor, "message.submit", f"message:{request_id}", number=number)
    return number


async def return_(actor: Actor, request_id: int, version: int, reason: ReturnReason, note: str) -> None:
    """理由を一つ選び、直し方を書いて所管課に戻す(RULES 24)。"""
    actor.require(Permission.REVIEW)
    request = await _locked(actor, request_id, version)
    state = next_state(request.state, Action.RETURN)
    if not note.strip():
        raise Refused("直し方が書かれていません。", next_step="所管課が次に何をすればよいかを、一言書いてください。")
    await work.sql(
        "update delivery_request set state = $2, version = version + 1, return_reason = $3, return_note = $4, "
        "returned_at = ward_now(), updated_at = ward_now() where id = $1",
        request_id,
        state.value,
        reason.value,
        note.strip(),
    )
    await trail.record(actor, "message.return", f"message:{request_id}", reason=reason.value, note=note.strip())


async def approve(actor: Actor, request_id: int, seen: str, *, at_once: bool = False, minimum: int) -> int:
    """承認し、同じ取引で配信を予約する。配信の番号を返す。承認だけ、予約だけが残ることはない。

    `seen` は承認する人が見た内容の指紋(16進)。いまの内容と違えば `Refused`。`at_once` は、希望の日時は過ぎたが
    期限前の依頼を、いま送ると選んだこと。黙って「いま」にはしない(RULES 22)。
    """
    actor.require(Permission.REVIEW)
    request = await desk.find(actor, request_id, lock=True)
    next_state(request.state, Action.APPROVE)
    if seen != request.fingerprint:
        raise Refused(
            "画面を開いた後に内容が変わりました。承認していません。",
            next_step="開き直して、いまの内容を確かめてください。",
        )
    send_at = _send_at(request, at_once)
    if chief_only(request, send_at) and actor.role is not Role.PR_CHIEF:
        raise Forbidden(_why_chief(request), next_step="広報課長に承認を頼んでください。")
    if request.manuscript.kind is not Kind.I and checks.in_quiet_hours(send_at):
        raise Refused(
            "夜9時から朝7時までは、緊急(イ)のほかは送れません。", next_step="所管課に新しい日時を確かめてください。"
        )
    await _refuse_small(request.manuscript, minimum)
    prepared = package(request, send_at)
    approval_id = await foureyes.approve(
        actor, request.source, outbox.digest(prepared), request.author, request.last_editor
    )
    delivery_id = await outbox.schedule(prepared, approval_id, actor.name)
    await work.sql(
        "update delivery_request set state = 'approved', version = version + 1, approval_id = $2, approved_at = ward_now(), "
        "updated_at = ward_now() where id = $1",
        request_id,
        approval_id,
    )
    await _note_links(request.source, request.manuscript)
    await trail.record(actor, "message.approve", f"message:{request_id}", delivery=delivery_id, seen=seen)
    return delivery_id


async def withdraw(actor: Actor, request_id: int, version: int) -> None:
    """取り下げる。承認の後でも、送る相手を確定する前なら予約ごと取り消せる(RULES 22)。"""
    request = await _locked(actor, request_id, version)
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


def chief_only(request: Request, send_at: datetime) -> bool:
    """広報課長だけが承認できるか: キ、または勤務時間外の全員あて(RULES 23)。"""
    everyone = request.manuscript.audience is Audience.EVERYONE
    return request.manuscript.kind is Kind.KI or (everyone and not office_hours.is_open(send_at))


def leaves_at(request: Request) -> datetime:
    """いま承認したら、いつ出るか。希望の日時が過ぎていれば、いま。"""
    wished = request.manuscript.send_at
    return wished if wished and not request.wished_time_passed else request.now


def may_approve(actor: Actor, request: Request) -> bool:
    """この人が、この確認待ちを承認できるか。書いた人と最後に直した人はできない。"""
    if request.state is not State.SUBMITTED or not actor.may(Permission.REVIEW):
        return False
    chief = chief_only(request, leaves_at(request))
    return actor.staff_id not in (request.author, request.last_editor) and (not chief or actor.role is Role.PR_CHIEF)


def _send_at(request: Request, at_once: bool) -> datetime:
    if request.manuscript.timing is Timing.ON_APPROVAL:
        return request.now
    if request.manuscript.send_at is None:
        raise Refused("送る日時がありません。", next_step="所管課に差し戻してください。")
    if not request.wished_time_passed:
        return request.manuscript.send_at
    if not at_once:
        raise Refused(
            "希望の日時を過ぎました。所管課に新しい日時を確かめます。",
            next_step="差し戻すか、期限の前であれば「いますぐ送る」を選んでください。",
        )
    return request.now


def _why_chief(request: Request) -> str:
    if request.manuscript.kind is Kind.KI:
        return "区分キの配信は、広報課長だけが承認できます。"
    return "勤務時間の外に全員へ送る配信は、広報課長だけが承認できます。"


async def _locked(actor: Actor, request_id: int, version: int) -> Request:
    request = await desk.find(actor, request_id, lock=True)
    if request.version != version:
        raise Refused(
            f"ほかの画面で先に変えられています(いまは「{request.state.label}」、最後に直した人: {request.last_editor_name})。"
            "上書きしていません。",
            next_step="この画面の文章を写し取ってから、開き直してください。",
        )
    return request


def _refuse_blocked(manuscript: Manuscript, request: Request) -> None:
    found = checks.blocking(checks.check(manuscript, request.now, request.public_number))
    if found:
        raise Refused(f"直すところが{len(found)}つあります: {found[0].message}", next_step=found[0].remedy)


async def _note_links(source: str, manuscript: Manuscript) -> None:
    """提出したあとは、リンクの行き先を変えるのに二人が要る(RULES 28)。承認する人が見た行き先のまま送られる。"""
    await register.note_uses(source, register.codes_in(f"{manuscript.body}\n{manuscript.body_en}"))


async def _refuse_dead_links(manuscript: Manuscript) -> None:
    found = await links.unusable(f"{manuscript.body}\n{manuscript.body_en}")
    if found:
        _, _, message, remedy = found[0]
        raise Refused(message, next_step=remedy)


def _refuse_submitted() -> NoReturn:
    raise Refused(
        "提出した依頼は、そのままでは直せません。", next_step="取り下げて写しを作るか、広報課に差戻しを頼んでください。"
    )


async def _refuse_small(manuscript: Manuscript, minimum: int) -> None:
    if manuscript.audience is Audience.EVERYONE or manuscript.kind not in COUNTED_KINDS:
        return
    if manuscript.criteria is None:
        raise Refused("条件が読み取れません。だれにも送られません。", next_step="対象をもう一度選んでください。")
    if await audience.count(manuscript.criteria) < minimum:
        raise Refused(
            f"対象が{minimum}人未満なので送れません(個人あての連絡にしないため)。",
            next_step="地域や年代を広げてください。",
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
