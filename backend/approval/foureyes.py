"""二人の目: 書いた人でない人が、見た中身そのものを、一度だけ承認する(POL 5(4)イ, CHECKS G1)。"""

from backend.audit import trail
from backend.errors import Forbidden, Refused
from backend.permissions import Actor
from backend.store import work


async def approve(actor: Actor, subject: str, digest: bytes, *other_hands: int) -> int:
    """`subject`(`message:42`)の中身 `digest`(SHA-256の32バイト)を承認し、承認の番号を返す。

    `other_hands` は書いた人・最後に直した人など、承認してはならない職員の番号。同じ中身がもう承認されていれば
    `Refused`: 二重押しでも、200の同時の承認でも、通るのは一つだけ。
    """
    if actor.staff_id in other_hands:
        raise Forbidden(
            "自分が書いた、または直したものは承認できません。", next_step="ほかの人に確認と承認を頼んでください。"
        )
    rows = await work.sql(
        "insert into approval (subject, digest, staff_id, staff_name) values ($1, $2, $3, $4) "
        "on conflict (subject, digest) do nothing returning id",
        subject,
        digest,
        actor.staff_id,
        actor.name,
    )
    if not rows:
        raise Refused(
            "この内容は、もう承認されています。", next_step="画面を開き直して、いまの状態を確かめてください。"
        )
    await trail.record(actor, "approval.approve", subject, approval=rows[0]["id"], digest=digest.hex())
    return rows[0]["id"]


async def valid(approval_id: int, subject: str, digest: bytes) -> bool:
    """その承認が、その相手の、その中身のものか。一字でも変われば偽。"""
    rows = await work.sql(
        "select 1 from approval where id = $1 and subject = $2 and digest = $3", approval_id, subject, digest
    )
    return bool(rows)
