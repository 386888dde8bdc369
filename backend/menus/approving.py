"""版を認める: 出す、差し戻す、取り下げる、承認する。書いた人は承認できない(POL 5(4)イ)。"""

import hashlib
from typing import Any

from backend.approval import foureyes
from backend.audit import trail
from backend.errors import Forbidden, Refused
from backend.links import register
from backend.menus import links, runs, versions
from backend.menus.building import Built
from backend.menus.versions import State, Version
from backend.permissions import Actor, Permission
from backend.store import work

ASK = "コンソールの「メニュー」でこの版を開き、一人が承認を求め、もう一人の広報課の職員が承認してください。"
"""承認のない版の、次の一歩。"""


async def submit(actor: Actor, version_id: int, edition: int, reason: str, checksum: str, built: Built | None) -> None:
    """承認を求める。直すところが残っていれば `Refused`。"""
    actor.require(Permission.MANAGE_MENUS)
    found = await versions.find(version_id, lock=True)
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
    found = await versions.find(version_id, lock=True)
    running = await runs.unfinished()
    if running and version_id in running.versions:
        raise Refused("いま反映している版です。", next_step="反映の進みを見て、続けるかやめるかを選んでください。")
    if found.applied_at or found.state is State.WITHDRAWN:
        raise Refused("この版は取り下げられません。", next_step="前の版に戻すには、その版を開いてください。")
    await work.sql("update menu_version set state = 'withdrawn', updated_at = ward_now() where id = $1", version_id)
    await register.note_uses(found.subject, ())
    await trail.record(actor, "menu.withdraw", f"menu:{version_id}")


async def approve(actor: Actor, version_id: int, checksum: str) -> int:
    """見た計画の印 `checksum` ごと、リンクの行き先も含めて承認する。出した人・直した人にはできない。"""
    actor.require(Permission.APPROVE_MENUS)
    found = await versions.find(version_id, lock=True)
    if found.state not in (State.SUBMITTED, State.APPROVED) or found.applied_at:
        raise Refused("この版は、承認を待っていません。", next_step="画面を開き直してください。")
    targets = await links.targets(found.declaration)
    # ここから先、行き先を変えるのにも、やめるのにも、ひとりではできない(RULES 28)。
    await register.note_uses(found.subject, links.codes(found.declaration))
    await refuse_unusable(found)
    approval = await foureyes.approve(actor, found.subject, await digest(found, checksum), *found.hands)
    await work.sql(
        "update menu_version set state = 'approved', approval_id = $2, approved_by = $3, approved_at = ward_now(), "
        "plan_checksum = $4, updated_at = ward_now() where id = $1",
        version_id,
        approval,
        actor.name,
        checksum,
    )
    await trail.record(actor, "menu.approve", found.subject, checksum=checksum, targets=dict(targets))
    return approval


async def approve_for_demo(version_id: int, checksum: str) -> None:
    """お試しの始めの版だけは、人の代わりに仕組みが承認する。呼ぶのは `command` だけ。お試しでなければ `Refused`。"""
    if not await _rehearsing():
        raise Refused("仕組みが代わりに承認できるのは、お試しだけです。", next_step=ASK)
    await work.sql(
        "update menu_version set state = 'approved', approved_by = $2, approved_at = ward_now(), plan_checksum = $3, "
        "reason = case when reason = '' then '出荷時のメニュー' else reason end, updated_at = ward_now() "
        "where id = $1 and applied_at is null and author is null and last_editor is null "
        "and submitted_by is null",
        version_id,
        versions.OPERATOR,
        checksum,
    )


async def require_approved(version: Version, checksum: str) -> None:
    """その計画での承認が、いまも生きているか。なければ `Refused`。"""
    if version.state is not State.APPROVED:
        raise Forbidden(f"{version.title}は、まだ承認されていません。", next_step=ASK)
    if version.approval_id is None:
        if await _rehearsing():  # お試しの始めの版
            return
        raise Forbidden(f"{version.title}を承認した職員がいません。反映しません。", next_step=ASK)
    if not await foureyes.valid(version.approval_id, version.subject, await digest(version, checksum)):
        await refuse_moved(version)
        raise Refused(
            "承認の後に、LINEの姿か内容が変わりました。承認したものと違うので、反映しません。",
            next_step="いまの計画を見て、もう一度承認してください。",
        )


async def refuse_unusable(version: Version) -> None:
    """出した後に開けなくなった、またはやめたリンクがあれば `Refused`。アカウントの状態の切り替え(`switch`)では見ない。"""
    found = await links.unusable(version.declaration)
    if found:
        raise Refused(
            f"{version.title}の行き先「{found[0].label}」は、いま開けないか、使うのをやめたものです。{found[0].reason}",
            next_step="リンクの部屋で行き先を直すか、「これをもとに新しい版を作る」で、ほかの行き先に替えてください。",
        )


async def refuse_moved(version: Version) -> None:
    """承認の後にリンクの行き先が変わっていたら、どのリンクかを言って `Refused`。"""
    moved = await links.moved(version.declaration, version.approved_at) if version.approved_at else []
    if moved:
        raise Refused(
            f"承認の後に、{links.words(moved[-1])}承認したものと違うので、反映しません。",
            next_step="いまの行き先と計画を見て、もう一度承認してください。",
        )


async def digest(version: Version, seen_with: str) -> bytes:
    """承認が結び付くもの: 宣言の文、絵のバイト、リンクの行き先、変更計画の印(催しでは時間)。一つでも変われば承認は消える。"""
    pictures = [picture.sha256 for picture in await versions.images(version.id)]
    targets = [word.encode() for target in await links.targets(version.declaration) for word in target]
    seen = hashlib.sha256()
    for part in (version.role.value.encode(), version.text.encode(), *pictures, *targets, seen_with.encode()):
        seen.update(len(part).to_bytes(8, "big") + part)
    return seen.digest()


async def _rehearsing() -> bool:
    """お試しか試験のデータベースか。設定ではなく、応用の役割には書けない事実で決める。

    時計をずらす行は、本番と訓練では移行が消し、応用の役割には作れない。据え付けの記録は追記だけ。
    """
    rows = await work.sql(
        "select exists (select from clock_offset) and not exists (select from installation where mode <> 'demo') as yes"
    )
    return rows[0]["yes"]


async def _move(version_id: int, expected: State, change: str, *values: Any) -> None:
    rows = await work.sql(
        f"update menu_version set {change}, updated_at = ward_now() where id = $1 and state = '{expected.value}' returning id",  # noqa: S608  文はこの部屋が書いた二つだけ
        version_id,
        *values,
    )
    if not rows:
        raise Refused("この版の状態が変わっています。", next_step="画面を開き直してください。")
