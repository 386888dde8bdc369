"""メニューの版: 役目ごとに番号の付いた宣言の文と絵。ここは読むだけで、書くのは `drafting`、認めるのは `approving`。"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.errors import NotFound
from backend.menus import declaration
from backend.menus.building import Image
from backend.menus.declaration import Declaration
from backend.menus.roles import Role
from backend.store import work

OPERATOR = "運用者(命令)"


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return {
            "draft": "書きかけ",
            "submitted": "承認待ち",
            "returned": "差戻し",
            "approved": "承認済",
            "withdrawn": "取下げ",
        }[self.value]

    @property
    def editable(self) -> bool:
        return self in (State.DRAFT, State.RETURNED)


@dataclass(frozen=True)
class Version:
    """一つの版。`edition` は二つの画面からの書き込みを見分ける番号、`current` はいまその役目で使われている版か。"""

    id: int
    role: Role
    number: int
    name: str
    text: str
    state: State
    edition: int
    reason: str
    note: str
    based_on: int | None
    author: int | None
    author_name: str
    last_editor: int | None
    submitted_at: datetime | None
    submitted_by: int | None
    approved_by: str | None
    approval_id: int | None
    approved_at: datetime | None
    plan_checksum: str | None
    applied_at: datetime | None
    created_at: datetime
    updated_at: datetime
    current: bool

    @property
    def declaration(self) -> Declaration:
        """保存された文は必ず読める(読めない文は保存しない)。"""
        found = declaration.parse(self.text).declaration
        assert found is not None
        return found

    @property
    def subject(self) -> str:
        return f"menu:{self.id}"

    @property
    def hands(self) -> tuple[int, ...]:
        """承認してはならない人: 書いた人、直した人、出した人(運用者の版は、出した人が一人目になる)。"""
        return tuple(hand for hand in (self.author, self.last_editor, self.submitted_by) if hand is not None)

    @property
    def by_operator(self) -> bool:
        """運用者の命令で入り、職員がまだ触れていない。"""
        return not self.hands

    @property
    def title(self) -> str:
        return f"{self.role.label} 第{self.number}版"


_BEYOND = 2**63  # アドレスの番号は、列に入らないほど大きく書ける
_SELECT = """
select v.*, exists (select from menu_current c where c.version_id = v.id) as current from menu_version v
"""


async def find(version_id: int, *, lock: bool = False) -> Version:
    query = f"{_SELECT} where v.id = $1{' for update of v' if lock else ''}"
    rows = await work.sql(query, version_id) if version_id < _BEYOND else []
    if not rows:
        raise NotFound("その版はありません。", next_step="メニューの一覧からお探しください。")
    return _version(rows[0])


async def listing(limit: int = 60) -> list[Version]:
    """いま使われているものを先に、新しい順に。"""
    rows = await work.sql(f"{_SELECT} order by current desc, v.updated_at desc, v.id desc limit $1", limit)
    return [_version(row) for row in rows]


async def current() -> dict[Role, Version]:
    """役目ごとの、いまの版。"""
    rows = await work.sql(f"{_SELECT} join menu_current c on c.version_id = v.id")
    return {Role(row["role"]): _version(row) for row in rows}


async def newest(role: Role) -> Version | None:
    rows = await work.sql(
        f"{_SELECT} where v.role = $1 and v.state <> 'withdrawn' order by v.number desc limit 1", role.value
    )
    return _version(rows[0]) if rows else None


async def ahead() -> list[Version]:
    """命令の相手になる版: いまの版より新しく、承認されたか、運用者が入れて承認を待つもの。番号の順。職員の書きかけは含まない。"""
    rows = await work.sql(
        f"{_SELECT} where v.role <> 'event' and (v.state = 'approved' or v.author is null) "  # noqa: S608  文はこの部屋のものだけ
        "and v.state not in ('returned', 'withdrawn') and v.number > coalesce((select max(b.number) from menu_current c "
        "join menu_version b on b.id = c.version_id where c.role = v.role), 0) order by v.number"
    )
    return [_version(row) for row in rows]


async def succeeded_at(version: Version) -> datetime | None:
    """同じ役目の、次の版が反映されたとき。いまの版ならNone。"""
    rows = await work.sql(
        "select min(applied_at) as at from menu_version where role = $1 and id <> $2 and applied_at > $3",
        version.role.value,
        version.id,
        version.applied_at,
    )
    return rows[0]["at"]


async def was_loaded(role: Role, text: str) -> bool:
    """運用者が、この文をもう入れたことがあるか。"""
    rows = await work.sql(
        "select 1 from menu_version where role = $1 and declaration = $2 and author is null", role.value, text
    )
    return bool(rows)


async def images(version_id: int) -> list[Image]:
    rows = await work.sql(
        "select alias, body, content_type from menu_image where version_id = $1 order by position", version_id
    )
    return [Image(row["alias"], bytes(row["body"]), row["content_type"]) for row in rows]


def _version(row: dict[str, Any]) -> Version:
    fields: dict[str, Any] = {name: row[name] for name in Version.__dataclass_fields__ if name in row}
    fields |= {"role": Role(row["role"]), "state": State(row["state"]), "text": row["declaration"]}
    return Version(**fields)
