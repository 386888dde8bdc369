"""メニューの版: 書く、出す、承認する、戻す。書いた人は承認できない(POL 5(4)イ)。"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from backend.approval import foureyes
from backend.audit import trail
from backend.errors import Forbidden, NotFound, Refused
from backend.menus import declaration
from backend.menus.building import Built, Image
from backend.menus.declaration import Declaration
from backend.menus.roles import Role
from backend.permissions import Actor, Permission
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


_SELECT = """
select v.*, exists (select from menu_current c where c.version_id = v.id) as current from menu_version v
"""


async def find(version_id: int, *, lock: bool = False) -> Version:
    rows = await work.sql(f"{_SELECT} where v.id = $1{' for update of v' if lock else ''}", version_id)
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


async def candidates() -> list[Version]:
    """命令で置ける版: 役目ごとに、いまの版より新しく、承認されたか運用者が入れたもの。職員の書きかけは含まない。"""
    rows = await work.sql(
        f"{_SELECT} where v.role <> 'event' and (v.state = 'approved' or v.author is null) "  # noqa: S608  文はこの部屋のものだけ
        "and v.state not in ('returned', 'withdrawn') and v.number > coalesce((select max(b.number) from menu_current c "
        "join menu_version b on b.id = c.version_id where c.role = v.role), 0) order by v.number"
    )
    return list({row["role"]: _version(row) for row in rows}.values())


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


def digest(version: Version, pictures: list[Image], checksum: str) -> bytes:
    """承認が結び付くもの: 宣言の文、絵のバイト、変更計画の印。一つでも変われば承認は消える。"""
    seen = hashlib.sha256()
    for part in (version.role.value.encode(), version.text.encode(), *(p.sha256 for p in pictures), checksum.encode()):
        seen.update(len(part).to_bytes(8, "big") + part)
    return seen.digest()


# ── 書く ──


async def draft(actor: Actor | None, role: Role, text: str, built: Built, *, based_on: int | None = None) -> int:
    """新しい版を作る。`actor` がNoneなら運用者の命令。読めない宣言は `Refused`。"""
    if actor:
        actor.require(Permission.MANAGE_MENUS)
    return await _insert(actor, role, text, list(built.images), based_on)


async def edit(actor: Actor, version_id: int, edition: int, text: str, built: Built) -> None:
    """書きかけ・差戻しの版を書き直す。ほかの画面で先に直されていれば `Refused`。"""
    actor.require(Permission.MANAGE_MENUS)
    found = await find(version_id, lock=True)
    if not found.state.editable:
        raise Refused("この版はもう直せません。", next_step="「これをもとに新しい版を作る」を使ってください。")
    if found.edition != edition:
        raise Refused("ほかの画面で先に直されています。", next_step="画面を開き直して、直し直してください。")
    await work.sql(
        "update menu_version set declaration = $2, name = $3, edition = edition + 1, last_editor = $4, state = 'draft', "
        "updated_at = ward_now() where id = $1",
        version_id,
        text,
        _name(text),
        actor.staff_id,
    )
    await work.sql("delete from menu_image where version_id = $1", version_id)
    await _store(version_id, list(built.images))
    await trail.record(actor, "menu.edit", f"menu:{version_id}")


async def copy(actor: Actor, version_id: int) -> int:
    """この版をもとに、新しい書きかけを作る。絵のバイトもそのまま移す: 戻すときは、前と同じものになる。"""
    actor.require(Permission.MANAGE_MENUS)
    source = await find(version_id)
    return await _insert(actor, source.role, source.text, await images(version_id), version_id)


async def submit(actor: Actor, version_id: int, edition: int, reason: str, checksum: str, built: Built | None) -> None:
    """承認を求める。直すところが残っていれば `Refused`。"""
    actor.require(Permission.MANAGE_MENUS)
    found = await find(version_id, lock=True)
    if not found.state.editable or found.edition != edition:
        raise Refused("この版の状態が変わっています。", next_step="画面を開き直してください。")
    if not reason.strip():
        raise Refused(
            "なぜ変えるのかが書かれていません。", next_step="承認する人が判断できるように、理由を書いてください。"
        )
    if built and built.blocked:
        raise Refused(
            "直すところが残っているので、出せません。", next_step="「直す」の印のあるところを直してください。"
        )
    await work.sql(
        "update menu_version set state = 'submitted', reason = $2, plan_checksum = $3, submitted_at = ward_now(), submitted_by = $4, "
        "note = '', updated_at = ward_now() where id = $1",
        version_id,
        reason.strip(),
        checksum,
        actor.staff_id,
    )
    await trail.record(actor, "menu.submit", f"menu:{version_id}", reason=reason.strip())


async def return_(actor: Actor, version_id: int, note: str) -> None:
    actor.require(Permission.APPROVE_MENUS)
    if not note.strip():
        raise Refused("どう直せばよいかを書いてください。")
    await _move(version_id, State.SUBMITTED, "state = 'returned', note = $2", note.strip())
    await trail.record(actor, "menu.return", f"menu:{version_id}", note=note.strip())


async def withdraw(actor: Actor, version_id: int) -> None:
    """取り下げる。反映の済んだ版は取り下げられない。"""
    actor.require(Permission.MANAGE_MENUS)
    found = await find(version_id, lock=True)
    if found.applied_at or found.state is State.WITHDRAWN:
        raise Refused("この版は取り下げられません。", next_step="前の版に戻すには、その版を開いてください。")
    await work.sql("update menu_version set state = 'withdrawn', updated_at = ward_now() where id = $1", version_id)
    await trail.record(actor, "menu.withdraw", f"menu:{version_id}")


async def approve(actor: Actor, version_id: int, checksum: str) -> int:
    """見た計画の印 `checksum` ごと承認する。出した人・直した人にはできない。"""
    actor.require(Permission.APPROVE_MENUS)
    found = await find(version_id, lock=True)
    if found.state not in (State.SUBMITTED, State.APPROVED) or found.applied_at:
        raise Refused("この版は、承認を待っていません。", next_step="画面を開き直してください。")
    approval = await foureyes.approve(
        actor, found.subject, digest(found, await images(version_id), checksum), *found.hands
    )
    await work.sql(
        "update menu_version set state = 'approved', approval_id = $2, approved_by = $3, approved_at = ward_now(), "
        "plan_checksum = $4, updated_at = ward_now() where id = $1",
        version_id,
        approval,
        actor.name,
        checksum,
    )
    await trail.record(actor, "menu.approve", f"menu:{version_id}", checksum=checksum)
    return approval


async def approve_for_demo(version_id: int, checksum: str) -> None:
    """お試しの始めの版だけは、人の代わりに仕組みが承認する。呼ぶのは `command` だけ。"""
    await work.sql(
        "update menu_version set state = 'approved', approved_by = $2, approved_at = ward_now(), plan_checksum = $3, "
        "reason = case when reason = '' then '出荷時のメニュー' else reason end, updated_at = ward_now() "
        "where id = $1 and applied_at is null and author is null and last_editor is null "
        "and submitted_by is null",
        version_id,
        OPERATOR,
        checksum,
    )


async def require_approved(version: Version, checksum: str) -> None:
    """その計画での承認が、いまも生きているか。なければ `Refused`。"""
    if version.state is not State.APPROVED:
        raise Forbidden(f"{version.title}は、まだ承認されていません。", next_step="もう一人に承認を頼んでください。")
    if version.approval_id is None:
        return  # お試しの始めの版
    seen = digest(version, await images(version.id), checksum)
    if not await foureyes.valid(version.approval_id, version.subject, seen):
        raise Refused(
            "承認の後に、LINEの姿か内容が変わりました。承認したものと違うので、反映しません。",
            next_step="いまの計画を見て、もう一度承認してください。",
        )


async def _insert(actor: Actor | None, role: Role, text: str, pictures: list[Image], based_on: int | None) -> int:
    await work.sql("select pg_advisory_xact_lock(hashtext('menu_version'))")
    rows = await work.sql(
        "insert into menu_version (role, number, name, declaration, based_on, author, author_name, last_editor) "
        "select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6, $5 from menu_version where role = $1 returning id",
        role.value,
        _name(text),
        text,
        based_on,
        actor.staff_id if actor else None,
        actor.name if actor else OPERATOR,
    )
    await _store(rows[0]["id"], pictures)
    await trail.record(actor, "menu.draft", f"menu:{rows[0]['id']}", role=role.value, based_on=based_on)
    return rows[0]["id"]


async def _store(version_id: int, pictures: list[Image]) -> None:
    for position, picture in enumerate(pictures):
        await work.sql(
            "insert into menu_image (version_id, position, alias, body, content_type, sha256) values ($1, $2, $3, $4, $5, $6)",
            version_id,
            position,
            picture.alias,
            picture.body,
            picture.content_type,
            picture.sha256,
        )


async def _move(version_id: int, expected: State, change: str, *values: Any) -> None:
    rows = await work.sql(
        f"update menu_version set {change}, updated_at = ward_now() where id = $1 and state = '{expected.value}' returning id",  # noqa: S608  文はこの部屋が書いた二つだけ
        version_id,
        *values,
    )
    if not rows:
        raise Refused("この版の状態が変わっています。", next_step="画面を開き直してください。")


def _name(text: str) -> str:
    found = declaration.parse(text)
    if found.declaration is None:
        first = found.findings[0]
        raise Refused(f"{first.line}行目: {first.message}", next_step=first.remedy)
    return found.declaration.name


def _version(row: dict[str, Any]) -> Version:
    fields: dict[str, Any] = {name: row[name] for name in Version.__dataclass_fields__ if name in row}
    fields |= {"role": Role(row["role"]), "state": State(row["state"]), "text": row["declaration"]}
    return Version(**fields)
