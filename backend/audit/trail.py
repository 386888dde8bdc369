"""操作記録を書き、読む。記録は操作と同じ取引に入る: 操作だけが残ることも、記録だけが残ることもない。"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from backend.audit.words import action_label, role_label
from backend.permissions import Actor
from backend.store import work

SYSTEM = "システム"
PAGE = 50


@dataclass(frozen=True)
class Entry:
    """記録の一行。`detail` は操作ごとに決まった小さな値(人の属性やLINEの識別子は入れない)。"""

    id: int
    at: datetime
    who: str
    role: str
    section_code: str
    action: str
    subject: str
    detail: dict[str, Any]

    @property
    def label(self) -> str:
        return action_label(self.action)


async def record(actor: Actor | None, action: str, subject: str, **detail: Any) -> None:
    """一行を書き足す。`actor` がNoneならシステムの操作。

    `action` は `部屋.操作`(`message.approve`)、`subject` は相手(`message:42`)。`detail` はJSONになる値だけで、
    住民を指す値や秘密を渡してはならない。
    """
    await work.sql(
        "insert into audit_entry (staff_id, staff_name, role, section_code, action, subject, detail) "
        "values ($1, $2, $3, $4, $5, $6, $7::jsonb)",
        actor.staff_id if actor else None,
        actor.name if actor else SYSTEM,
        actor.role.value if actor else "",
        actor.section_code if actor else "",
        action,
        subject,
        msgspec.json.encode(detail).decode(),
    )


async def latest(*, before: int | None = None, subject: str | None = None, limit: int = PAGE) -> list[Entry]:
    """新しい順に `limit` 行。`before` はその番号より前、`subject` は一つの相手だけ。"""
    rows = await work.sql(
        "select id, at, staff_name, role, section_code, action, subject, detail from audit_entry "
        "where ($1::bigint is null or id < $1) and ($2::text is null or subject = $2) order by id desc limit $3",
        before,
        subject,
        limit,
    )
    return [
        Entry(
            row["id"],
            row["at"],
            row["staff_name"],
            role_label(row["role"]),
            row["section_code"],
            row["action"],
            row["subject"],
            msgspec.json.decode(row["detail"]),
        )
        for row in rows
    ]
