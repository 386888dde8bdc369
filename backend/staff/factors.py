"""二つ目の確かめ: 認証アプリの登録、サインインでの確かめ、控えのコード(RULES 9)。"""

import hashlib
import re
import secrets
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from backend.audit import trail
from backend.errors import NotFound, Refused
from backend.permissions import Actor, Permission, Role
from backend.settings import keyring
from backend.staff import signin, totp
from backend.store import clock, work

EMERGENCY_ROLES = (Role.SECTION_CHIEF, Role.PR, Role.PR_CHIEF)
RECOVERY_CODES = 10
_CODE = re.compile(r"\d{6}")


@dataclass(frozen=True)
class Factor:
    """登録のようす。`left` は残っている控えのコードの数。"""

    confirmed: bool
    left: int


async def of(staff_id: int) -> Factor:
    rows = await work.sql(
        "select f.confirmed_at, (select count(*) from staff_recovery_code c where c.staff_id = f.staff_id and c.used_at is null)"
        " as left from staff_factor f where f.staff_id = $1",
        staff_id,
    )
    return Factor(bool(rows and rows[0]["confirmed_at"]), rows[0]["left"] if rows else 0)


async def propose(actor: Actor, keys: SecretStr) -> bytes:
    """登録を始め、認証アプリに入れる鍵を返す。合うコードを一度入れるまで、サインインでは尋ねない。"""
    await _lock(actor.staff_id)
    if (await of(actor.staff_id)).confirmed:
        raise Refused("認証アプリはもう登録されています。", next_step="替えるときは、先に登録を外してください。")
    rows = await work.sql("select sealed from staff_factor where staff_id = $1", actor.staff_id)
    if rows:
        return _open(keys, actor.staff_id, rows[0]["sealed"])
    secret = totp.new_secret()
    await work.sql(
        "insert into staff_factor (staff_id, sealed) values ($1, $2)",
        actor.staff_id,
        _seal(keys, actor.staff_id, secret),
    )
    return secret


async def confirm(actor: Actor, sent: str, keys: SecretStr) -> list[str]:
    """合うコードで登録を終え、控えのコードを返す。ここでしか見られない。"""
    await _lock(actor.staff_id)
    await _spend(keys, actor.staff_id, sent)
    rows = await work.sql(
        "update staff_factor set confirmed_at = ward_now() where staff_id = $1 and confirmed_at is null returning staff_id",
        actor.staff_id,
    )
    if not rows:
        raise Refused("認証アプリはもう登録されています。")
    codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(RECOVERY_CODES)]
    await work.sql("delete from staff_recovery_code where staff_id = $1", actor.staff_id)
    await work.sql(
        "insert into staff_recovery_code (staff_id, code_sha256) select $1, unnest($2::bytea[])",
        actor.staff_id,
        [_digest(actor.staff_id, one) for one in codes],
    )
    await trail.record(actor, "staff.factor_add", f"staff:{actor.staff_id}")
    return codes


async def verify(token: str, sent: str, source: str, keys: SecretStr) -> str:
    """パスワードの済んだ札 `token` と確かめのコードで、サインインを終える。新しい札を返す。

    続けて外すと `signin.TooMany`。数えるのが先で、同時に何百送っても上限は越えない。
    """
    staff_id = await waiting(token)
    if staff_id is None:
        raise Refused(
            "サインインの途中の時間が切れました。", next_step="利用者名とパスワードから、もう一度お試しください。"
        )
    attempt = await work.run(signin.begin, _who(staff_id), source)
    return await work.run(_finish, token, staff_id, sent, attempt, keys)


async def waiting(token: str) -> int | None:
    """二つ目を待っている札の持ち主。十分で切れる。"""
    rows = await work.sql(
        "select t.staff_id from staff_session t join staff_member m on m.id = t.staff_id and m.active "
        "where t.token_sha256 = $1 and t.waits and t.created_at > ward_now() - interval '10 minutes'",
        signin.digest(token),
    )
    return rows[0]["staff_id"] if rows else None


async def remove_own(actor: Actor, sent: str, source: str, keys: SecretStr) -> None:
    """自分の登録を、いまのコードを確かめて外す。開いたままの画面を触っただけの人には外せない。"""
    attempt = await work.run(signin.begin, _who(actor.staff_id), source)
    await work.run(_remove_own, actor, sent, attempt, keys)


async def remove_for(actor: Actor, staff_id: int) -> None:
    """電話を失くした職員の登録を、管理者が外す。その人の開いているセッションも終える。"""
    actor.require(Permission.MANAGE_STAFF)
    if staff_id == actor.staff_id:
        raise Refused("自分の登録は、「認証アプリ」の画面から外します。")
    await work.sql("delete from staff_session where staff_id = $1", staff_id)
    await _remove(actor, staff_id)


async def missing() -> list[str]:
    """緊急の役割なのに、二つ目を登録していない職員の名前。"""
    rows = await work.sql(
        "select m.name from staff_member m left join staff_factor f on f.staff_id = m.id and f.confirmed_at is not null "
        "where m.active and m.password_hash is not null and f.staff_id is null and m.role = any($1::text[]) order by m.name",
        [role.value for role in EMERGENCY_ROLES],
    )
    return [row["name"] for row in rows]


async def _finish(token: str, staff_id: int, sent: str, attempt: list[bytes], keys: SecretStr) -> str:
    await _lock(staff_id)
    await _spend(keys, staff_id, sent)
    rows = await work.sql(
        "delete from staff_session where token_sha256 = $1 and waits returning staff_id", signin.digest(token)
    )
    if not rows:
        raise Refused("サインインの途中の時間が切れました。", next_step="もう一度お試しください。")
    await signin.forgive(attempt)
    return await signin.open_session(staff_id, waits=False)


async def _remove_own(actor: Actor, sent: str, attempt: list[bytes], keys: SecretStr) -> None:
    await _lock(actor.staff_id)
    await _spend(keys, actor.staff_id, sent)
    await signin.forgive(attempt)
    await _remove(actor, actor.staff_id)


async def _remove(actor: Actor, staff_id: int) -> None:
    await work.sql("delete from staff_recovery_code where staff_id = $1", staff_id)
    rows = await work.sql("delete from staff_factor where staff_id = $1 returning staff_id", staff_id)
    if not rows:
        raise NotFound("登録されている認証アプリはありません。")
    await trail.record(actor, "staff.factor_remove", f"staff:{staff_id}")


async def _spend(keys: SecretStr, staff_id: int, sent: str) -> None:
    """合うコードを一度だけ使う。6桁か、控えのコード。"""
    typed = re.sub(r"[\s-]", "", sent).lower()
    rows = await work.sql("select sealed, last_step from staff_factor where staff_id = $1", staff_id)
    if rows and _CODE.fullmatch(typed):
        secret = _open(keys, staff_id, rows[0]["sealed"])
        step = totp.matching_step(secret, typed, await clock.now(), rows[0]["last_step"])
        if step is not None:
            await work.sql("update staff_factor set last_step = $2 where staff_id = $1", staff_id, step)
            return
    used = await work.sql(
        "update staff_recovery_code set used_at = ward_now() where staff_id = $1 and code_sha256 = $2 and used_at is null "
        "returning staff_id",
        staff_id,
        _digest(staff_id, f"{typed[:6]}-{typed[6:]}"),
    )
    if not used:
        raise Refused(
            "確認コードが違います。",
            next_step="認証アプリの新しい6桁か、まだ使っていない控えのコードを入れてください。",
        )
    await trail.record(None, "staff.recovery_code", f"staff:{staff_id}")


async def _lock(staff_id: int) -> None:
    # 同じコードが同時に二度来ても、使えるのは一度。
    await work.sql("select 1 from staff_member where id = $1 for update", staff_id)


def _who(staff_id: int) -> str:
    """コードの試みを数える名。どの利用者名とも重ならない。"""
    return f"\0factor:{staff_id}"


def _seal(keys: SecretStr, staff_id: int, secret: bytes) -> bytes:
    """データベースの控えだけでは、コードを作れないようにする。先頭の1バイトは鍵の版。"""
    ring = keyring(keys)
    version = max(ring)
    nonce = secrets.token_bytes(12)
    return bytes([version]) + nonce + AESGCM(_key(ring[version])).encrypt(nonce, secret, str(staff_id).encode())


def _open(keys: SecretStr, staff_id: int, sealed: bytes) -> bytes:
    key = _key(keyring(keys)[sealed[0]])
    return AESGCM(key).decrypt(sealed[1:13], sealed[13:], str(staff_id).encode())


def _key(base: bytes) -> bytes:
    return hashlib.sha256(b"staff factor" + base).digest()


def _digest(staff_id: int, code: str) -> bytes:
    return hashlib.sha256(f"{staff_id}:{code}".encode()).digest()
