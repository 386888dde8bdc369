"""承認された依頼を、配信に渡す包みにする。ここで決まった文字がそのままLINEに渡る(CHECKS I5)。"""

from datetime import datetime

from backend.delivery import outbox
from backend.delivery.outbox import ByCriteria, Everyone, Package
from backend.errors import Refused
from backend.line import message
from backend.messages.desk import Request
from backend.messages.manuscript import Audience, Manuscript, text
from backend.segments import criteria
from backend.ward.kinds import Kind


def package(request: Request, send_at: datetime) -> Package:
    """`send_at` に送る包み。宛先か期限の決まっていない依頼は `Refused`。"""
    manuscript = request.manuscript
    if manuscript.kind is None or manuscript.expires_at is None or request.public_number is None:
        raise Refused("この依頼には、まだ決まっていないことがあります。", next_step="所管課に差し戻してください。")
    return Package(
        source=request.source,
        title=manuscript.title,
        owner_section=request.section_code,
        public_number=request.public_number,
        kind=manuscript.kind,
        bodies=bodies(manuscript, request.public_number),
        address=_address(manuscript),
        send_at=send_at,
        expires_at=manuscript.expires_at,
        source_at=request.now,
        priority=outbox.URGENT if manuscript.kind is Kind.I else outbox.NORMAL,
        silent=manuscript.silent,
    )


def bodies(manuscript: Manuscript, number: str | None) -> dict[str, bytes]:
    """言語ごとのLINEメッセージ(JSONの並び)。全員あては一つの送信なので、ほかの言語も同じ並びに続ける。"""
    bubbles = {language: message.text(text(manuscript, number, language)) for language in manuscript.languages}
    if manuscript.audience is Audience.EVERYONE:
        return {"ja": message.encode(list(bubbles.values()))}
    return {language: message.encode([bubble]) for language, bubble in bubbles.items()}


def _address(manuscript: Manuscript) -> Everyone | ByCriteria:
    # 全員は、全員と選ばれたときだけ。条件が読めないときに全員へ落ちる道はない。
    if manuscript.audience is Audience.EVERYONE and manuscript.criteria is None:
        return Everyone()
    if manuscript.audience is Audience.CRITERIA and manuscript.criteria is not None:
        return ByCriteria(criteria.dump(manuscript.criteria))
    raise Refused("だれに送るかが決まっていません。だれにも送られません。", next_step="所管課に差し戻してください。")
