"""関門: 提出と承認の前に、必ず通るところ。"""

from dataclasses import dataclass

from backend.delivery.brakes import COUNTED_KINDS
from backend.errors import Refused
from backend.links import register
from backend.messages import checks, links
from backend.messages.desk import Request
from backend.messages.manuscript import Audience, Manuscript
from backend.segments import audience


@dataclass(frozen=True)
class Attested:
    """提出する人が言うこと: 出どころを確かめた、未確定の内容でない(POL 5(3)イ)、今日送るならその理由(RULES 20)。"""

    sourced: bool
    settled: bool
    today_because: str = ""


def refuse_unattested(request: Request, attested: Attested) -> None:
    if request.for_today and not attested.today_because.strip():
        raise Refused("今日送る理由が書かれていません。", next_step="明日以降にできない理由を、一言書いてください。")
    if not (attested.sourced and attested.settled):
        raise Refused(
            "二つの確認にチェックがありません。", next_step="内容を確かめて、両方にチェックを入れてください。"
        )


def refuse_unseen(request: Request, *, chief_check: bool) -> None:
    """課長がまだ見ていない原稿は提出できない(RULES 20)。"""
    if chief_check and request.chief_seen_at is None:
        raise Refused(
            "課長の確認がまだです。",
            next_step="課長に、提出の前の画面を開いて「課長確認」を押してもらってください。",
        )


def refuse_blocked(manuscript: Manuscript, request: Request) -> None:
    found = checks.blocking(checks.check(manuscript, request.now, request.public_number))
    if found:
        raise Refused(f"直すところが{len(found)}つあります: {found[0].message}", next_step=found[0].remedy)


async def refuse_dead_links(manuscript: Manuscript) -> None:
    found = await links.unusable(f"{manuscript.body}\n{manuscript.body_en}")
    if found:
        _, _, message, remedy = found[0]
        raise Refused(message, next_step=remedy)


async def refuse_small(manuscript: Manuscript, minimum: int) -> None:
    if manuscript.audience is Audience.EVERYONE or manuscript.kind not in COUNTED_KINDS:
        return
    if manuscript.criteria is None:
        raise Refused("条件が読み取れません。だれにも送られません。", next_step="対象をもう一度選んでください。")
    if await audience.count(manuscript.criteria) < minimum:
        raise Refused(
            f"対象が{minimum}人未満なので送れません(個人あての連絡にしないため)。",
            next_step="地域や年代を広げてください。",
        )


async def note_links(source: str, manuscript: Manuscript) -> None:
    """提出したあとは、リンクの行き先を変えるのに二人が要る(RULES 28)。承認する人が見た行き先のまま送られる。"""
    await register.note_uses(source, register.codes_in(f"{manuscript.body}\n{manuscript.body_en}"))
