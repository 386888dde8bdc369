"""復元: 控えを空のデータベースに戻し、動かしてよい形にする(`ward restore`)。

戻す → 消えた人と、やめた目的・止めた子をもう一度消す → 配信を見合わせにする → 控えより後の封の控えを捨てる → 権利と移行の印を書く。最後の一つまでは、
どのプロセスも起動を断り、アプリケーションの役割は何も読めない。途中で殺されても、もう一度行えば続きから終わる。
"""

import asyncio
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from backend.audit import anchors, seal, trail
from backend.audit import verify as audit
from backend.database import backup, grants, migrating, programs, setup, stamp
from backend.database.backup import About
from backend.delivery import restoring
from backend.errors import Refused
from backend.residents import journal, replay
from backend.residents.address import AddressKeys
from backend.residents.replay import Replayed
from backend.settings import Mode, Settings
from backend.store import clock, work
from backend.store.pool import DB, close_pool, open_pool

FORGOTTEN = ("staff_session", "counter_code", "counter_case", "staff_invitation")
"""戻さない行: 控えの後に終わったはずのサインインや札が、生き返らないように。"""


@dataclass(frozen=True)
class Report:
    """復元の結果。`erased` と `narrowed` は、もう一度すべて・一部を消した人の数、`findings` は記録の検査の誤り、`pending` はこの後に要る移行。"""

    about: About
    erased: int
    narrowed: int
    held: int
    findings: list[str]
    pending: list[str]


async def run(settings: Settings, file: Path) -> Report:
    """控え `file` を、設定のデータベースに戻す。空でなければ `Refused`。web と worker は止めておく。"""
    about, keys, url = (
        await asyncio.to_thread(backup.read, file),
        AddressKeys.from_settings(settings),
        backup.owner_url(settings),
    )
    _refuse_other_place(about, settings)
    _refuse_short_journal(about, keys)
    await open_pool(url, size=4)
    try:
        if await _refuse_unless_empty(about):
            await asyncio.to_thread(_pour, file, url)
            await work.sql(f"comment on table migration is '{about.taken_at.isoformat()}'")
        again = await replay.run(keys)
        held = await work.run(_calm, settings, about, again)
        findings = [found.words for found in await audit.verify_all(settings.data_dir)]
        await work.run(_open_for_use, settings, about)
        return Report(about, again.erased, again.narrowed, held, findings, await migrating.pending())
    finally:
        await close_pool()
        stamp.drop(settings.data_dir)


def _refuse_other_place(about: About, settings: Settings) -> None:
    if about.mode is not settings.mode or about.channel_id != settings.line_channel_id:
        raise Refused(
            f"この控えは「{about.mode.label}」の、チャネル {about.channel_id} のものです。ここには戻しません。",
            next_step="WARD_MODE と WARD_LINE_CHANNEL_ID を確かめてください。",
        )


def _refuse_short_journal(about: About, keys: AddressKeys) -> None:
    """控えより後の消去を知らない記録では、戻さない: 消えたはずの人が生き返る。"""
    if not about.mark or journal.holds(keys, about.mark):
        return
    newest = journal.last(keys)
    if newest and about.marked_at and newest[0] - about.marked_at > timedelta(days=journal.DAYS):
        return  # 印は、もう片付けられた
    raise Refused(
        f"消去の記録 {keys.journal} が、控えを取ったときの続きではありません。戻すと、消した人が生き返ります。",
        next_step="動いていた機械の erasures.log を、この場所に写してから、もう一度実行してください。",
    )


async def _refuse_unless_empty(about: About) -> bool:
    """空なら真。この控えを戻している途中で止まっていたなら偽。ほかは `Refused`。"""
    others = await work.sql(
        "select count(*) as sessions from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
        "and backend_type = 'client backend' and usename <> current_user"
    )
    if others[0]["sessions"]:
        raise Refused("まだ動いているプロセスがあります。", next_step="web と worker を止めてから、実行してください。")
    tables = await work.sql("select count(*) as tables from pg_tables where schemaname = 'public'")
    if not tables[0]["tables"]:
        return True
    half = await work.sql("select obj_description(to_regclass('migration'), 'pg_class') as note")
    if half[0]["note"] == about.taken_at.isoformat() and not await work.sql("select 1 from migration"):
        return False
    raise Refused(
        "データベースが空ではありません。",
        next_step="新しいデータベースを作ってください。組み込みのものなら、止めてから WARD_DATA_DIR の postgres を別の名にします。",
    )


def _pour(file: Path, url: str) -> None:
    """ダンプを一つの取引で戻す。途中で止まれば、空のまま。"""
    place, secret = backup.without_password(url)
    command = [
        "pg_restore",
        "--no-owner",
        "--no-privileges",
        "--exit-on-error",
        "--single-transaction",
        f"--dbname={place}",
    ]
    with (
        backup.dump(file) as body,
        programs.stream(command, secret, "控えを戻せませんでした。データベースは空のままです。") as process,
    ):
        assert process.stdin
        shutil.copyfileobj(body, process.stdin, 1 << 20)


async def _calm(settings: Settings, about: About, again: Replayed) -> int:
    """ひとりでに動き出すものを、すべて止める。見合わせにした配信の数を返す。"""
    held = await restoring.quarantine(about.taken_at)
    for table in FORGOTTEN:
        await work.sql(f"delete from {table}")  # noqa: S608  名は上の一覧
    now = await clock.now()
    for tail in await seal.tails():
        await asyncio.to_thread(anchors.restored, anchors.path(settings.data_dir), now, tail.ledger, tail.sealed_number)
    await trail.record(
        None,
        "database.restore",
        "database",
        taken_at=about.taken_at.isoformat(),
        held=held,
        erased=again.erased,
        narrowed=again.narrowed,
    )
    return held


async def _open_for_use(settings: Settings, about: About) -> None:
    """権利を配り、移行の印を書く。この取引が確定すると、プロセスが起動できる。"""
    connection: Any = DB.current_transaction.get().connection  # type: ignore[union-attr]
    assert settings.database_url
    role = urlsplit(settings.database_url.get_secret_value()).username or setup.APPLICATION_ROLE
    try:
        for statement in grants.statements(await migrating.tables(connection), role, settings.mode is Mode.DEMO):
            await connection.execute(statement)
    except asyncpg.PostgresError as error:
        raise Refused(f"アプリケーションの役割 {role} に権利を配れませんでした({error})。") from error
    await connection.execute("comment on table migration is null")
    await connection.execute(
        "insert into migration (name, app_name, ran_on) select x, $2, now() from unnest($1::text[]) x",
        about.migrations,
        migrating.APP,
    )
