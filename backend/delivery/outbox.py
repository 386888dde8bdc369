"""配信予約: 承認された包みを受け取り、その後はもとを見ない。同じ出どころは一つの配信(DESIGN 3)。"""

from typing import Any

from backend.approval import foureyes
from backend.audit import trail
from backend.delivery import plans
from backend.delivery.fingerprint import address_columns, digest
from backend.delivery.states import (
    NORMAL,
    URGENT,
    Address,
    ByCriteria,
    Everyone,
    Package,
    Reason,
    RecipientsOf,
    State,
)
from backend.delivery.status import Status, listing, status_of
from backend.errors import Refused
from backend.permissions import Actor
from backend.store import listen, work
from backend.ward.kinds import Kind

__all__ = [
    "CHANNEL",
    "MOVED",
    "NORMAL",
    "URGENT",
    "Address",
    "ByCriteria",
    "Everyone",
    "Package",
    "Reason",
    "RecipientsOf",
    "State",
    "Status",
    "cancel",
    "digest",
    "listing",
    "schedule",
    "status_of",
    "stored",
]

CHANNEL = "delivery"
"""予約・決定・停止を送り手に知らせる名。"""
MOVED = "delivery_moved"
"""数や状態が動いたことを画面に知らせる名。中身は配信の番号。"""


async def schedule(
    package: Package, approval_id: int, authorised_by: str, *, plan: tuple[str, bytes] | None = None
) -> int:
    """呼んだ側の取引の中で予約し、配信の番号を返す。同じ出どころの二度目は、前の番号を返すだけ。

    承認は包みの `digest` に対するもの。承認された計画(ごみ収集日など)の包みは、計画の `(subject, digest)` を `plan` に
    渡す(`plans.keep`)。その計画に入っていない包み、有効な承認のない包みは `Refused`(CHECKS I4)。
    """
    _refuse_incomplete(package)
    subject, approved = plan or (package.source, digest(package))
    covered = await plans.authorises(subject, approved, package.source, digest(package))
    if not covered or not await foureyes.valid(approval_id, subject, approved):
        raise Refused(
            "承認された内容と一致しないので、予約しません。", next_step="内容を確かめて、承認からやり直してください。"
        )
    rows = await work.sql(_INSERT, *_columns(package, approval_id, subject, approved, authorised_by))
    if not rows:
        return await _existing(package)
    delivery_id: int = rows[0]["id"]
    await work.sql(
        "insert into delivery_body (delivery_id, language, messages) select $1, * from unnest($2::text[], $3::bytea[])",
        delivery_id,
        list(package.bodies),
        list(package.bodies.values()),
    )
    await trail.record(None, "delivery.schedule", f"delivery:{delivery_id}", source=package.source, by=authorised_by)
    await listen.notify(CHANNEL, str(delivery_id))
    return delivery_id


async def cancel(actor: Actor, source: str) -> bool:
    """送る相手を確定する前なら予約を取り消して真。もう確定していれば偽(何も変えない)。"""
    rows = await work.sql(
        "update delivery set state = 'stopped', reason = $2, finished_at = ward_now() "
        "where source = $1 and state in ('scheduled', 'held') and frozen_at is null returning id",
        source,
        Reason.WITHDRAWN.value,
    )
    if not rows:
        return False
    await trail.record(actor, "delivery.cancel", f"delivery:{rows[0]['id']}", source=source)
    await listen.notify(MOVED, str(rows[0]["id"]))
    return True


async def stored(row: dict[str, Any]) -> Package:
    """保存した行から、予約したときの包みを組み立て直す。"""
    bodies = await work.sql("select language, messages from delivery_body where delivery_id = $1", row["id"])
    return Package(
        source=row["source"],
        title=row["title"],
        owner_section=row["owner_section"],
        public_number=row["public_number"],
        kind=Kind(row["kind"]),
        bodies={body["language"]: body["messages"] for body in bodies},
        address=_address(row),
        send_at=row["send_at"],
        expires_at=row["expires_at"],
        source_at=row["source_at"],
        priority=row["priority"],
        silent=row["silent"],
        own_hour=row["own_hour"],
    )


_INSERT = """
insert into delivery (source, title, owner_section, public_number, kind, priority, silent, address, criteria,
  recipients_of, send_at, expires_at, source_at, own_hour, digest, approval_id, approval_subject, approval_digest,
  authorised_by, not_before)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $11)
on conflict (source) do nothing returning id
"""


def _columns(package: Package, approval_id: int, subject: str, approved: bytes, by: str) -> list[Any]:
    return [
        package.source,
        package.title,
        package.owner_section,
        package.public_number,
        package.kind.value,
        package.priority,
        package.silent,
        *address_columns(package.address),
        package.send_at,
        package.expires_at,
        package.source_at,
        package.own_hour,
        digest(package),
        approval_id,
        subject,
        approved,
        by,
    ]


def _address(row: dict[str, Any]) -> Address:
    match row["address"]:
        case "everyone":
            return Everyone()
        case "criteria":
            return ByCriteria(row["criteria"])
        case _:
            return RecipientsOf(row["recipients_of"])


def _refuse_incomplete(package: Package) -> None:
    if not package.bodies.get("ja") or not all(package.bodies.values()):
        raise Refused("本文がありません。だれにも送られません。", next_step="本文を書いてください。")
    if isinstance(package.address, Everyone) and len(package.bodies) > 1:
        raise Refused("全員あては一つの本文だけです。", next_step="ほかの言語は同じ本文の続きに書いてください。")
    if package.send_at >= package.expires_at:
        raise Refused("送る期限が、送る日時より前です。", next_step="期限を決め直してください。")


async def _existing(package: Package) -> int:
    rows = await work.sql("select id, digest from delivery where source = $1", package.source)
    if rows[0]["digest"] != digest(package):
        raise Refused(
            "同じ依頼が、違う内容で予約されています。上書きしません。",
            next_step="配信の一覧で、前の予約を確かめてください。",
        )
    return rows[0]["id"]
