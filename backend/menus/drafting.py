"""版を書く: 新しい書きかけ、書き直し、写し。反映するまで、住民には何も起きない。"""

from backend.audit import trail
from backend.errors import Refused
from backend.menus import declaration, versions
from backend.menus.building import Built, Image
from backend.menus.roles import Role
from backend.permissions import Actor, Permission
from backend.store import work


async def draft(actor: Actor | None, role: Role, text: str, built: Built, *, based_on: int | None = None) -> int:
    """新しい版を作る。`actor` がNoneなら運用者の命令。読めない宣言は `Refused`。"""
    if actor:
        actor.require(Permission.MANAGE_MENUS)
    return await _insert(actor, role, text, list(built.images), based_on)


async def edit(actor: Actor, version_id: int, edition: int, text: str, built: Built) -> None:
    """書きかけ・差戻しの版を書き直す。ほかの画面で先に直されていれば `Refused`。"""
    actor.require(Permission.MANAGE_MENUS)
    found = await versions.find(version_id, lock=True)
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
    source = await versions.find(version_id)
    return await _insert(actor, source.role, source.text, await versions.images(version_id), version_id)


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
        actor.name if actor else versions.OPERATOR,
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


def _name(text: str) -> str:
    found = declaration.parse(text)
    if found.declaration is None:
        first = found.findings[0]
        raise Refused(f"{first.line}行目: {first.message}", next_step=first.remedy)
    return found.declaration.name
