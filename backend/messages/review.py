"""依頼の道、広報課の側: 確かめて、戻す、承認する。書いた人は承認できない(POL 5(4)イ)。"""

from datetime import datetime

from backend.approval import foureyes
from backend.audit import trail
from backend.delivery import outbox
from backend.errors import Forbidden, Refused
from backend.messages import checks, desk, gates
from backend.messages.desk import Request
from backend.messages.manuscript import Audience, Timing
from backend.messages.package import package
from backend.messages.states import Action, ReturnReason, State, next_state
from backend.permissions import Actor, Permission, Role
from backend.store import work
from backend.ward import office_hours
from backend.ward.kinds import Kind


async def return_(actor: Actor, request_id: int, version: int, reason: ReturnReason, note: str) -> None:
    """理由を一つ選び、直し方を書いて所管課に戻す(RULES 24)。"""
    actor.require(Permission.REVIEW)
    request = await desk.unchanged(actor, request_id, version)
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
    await gates.refuse_small(request.manuscript, minimum)
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
    await gates.note_links(request.source, request.manuscript)
    await trail.record(actor, "message.approve", f"message:{request_id}", delivery=delivery_id, seen=seen)
    return delivery_id


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
