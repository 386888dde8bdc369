"""控え: データベースのすべてと、戻すときに要る控え書きを、一つのファイルに(`ward backup`)。

ファイルはtarで、`about.json`(控え書き)と `ward.dump`(pg_dumpの形)が入る。移行が済んだ印と、アプリケーションの役割の
権利は、わざとダンプに入れない: 手でそのまま戻しても、どのプロセスも動き出さない。動けるようにするのは `ward restore` だけ。
鍵は入らない。鍵がなければ、控えからだれのことかは分からない。
"""

import asyncio
import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg
import msgspec

from backend.database import programs
from backend.errors import Refused
from backend.residents import journal
from backend.residents.address import AddressKeys
from backend.settings import Mode, Settings

ABOUT, DUMP = "about.json", "ward.dump"
FORMAT = 1


class About(msgspec.Struct, frozen=True):
    """控え書き。`mark` は、取ったときの消去の記録の最後の行のSHA-256(16進)、`marked_at` はその時刻。なければ空とNone。"""

    format: int
    taken_at: datetime
    mode: Mode
    channel_id: str
    migrations: list[str]
    mark: str
    marked_at: datetime | None


async def take(settings: Settings, file: Path) -> About:
    """控えを `file`(0600)に取る。動かしたままでよい。もうあるファイルには書かない。"""
    if await asyncio.to_thread(file.exists):
        raise Refused(f"{file} は、もうあります。", next_step="別の名前にしてください。")
    url = owner_url(settings)
    marked = journal.last(AddressKeys.from_settings(settings))
    connection = await asyncpg.connect(url)
    try:
        # 控え書きとダンプは、同じ一瞬を写す。
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            about = await _about(connection, settings, marked)
            snapshot = await connection.fetchval("select pg_export_snapshot()")
            await asyncio.to_thread(_write, file, about, url, snapshot)
    except asyncpg.PostgresError as error:
        raise Refused(f"控えを取れませんでした({error})。") from error
    finally:
        await connection.close()
    return about


def read(file: Path) -> About:
    """控え書き。控えでないもの、途中で切れたものは `Refused`。"""
    try:
        with tarfile.open(file) as archive:
            inside = archive.extractfile(ABOUT)
            whole = {member.name: member for member in archive.getmembers()}
            if inside is None or DUMP not in whole or whole[DUMP].size == 0:
                raise KeyError(DUMP)
            about = msgspec.json.decode(inside.read(), type=About)
    except FileNotFoundError as error:
        raise Refused(f"{file} がありません。") from error
    except (tarfile.TarError, KeyError, msgspec.DecodeError, EOFError) as error:
        raise Refused(f"{file} は、`ward backup` の控えではないか、途中で切れています。") from error
    if about.format != FORMAT:
        raise Refused("この控えは、別の版のプログラムが取ったものです。")
    return about


@contextmanager
def dump(file: Path) -> Iterator[IO[bytes]]:
    """ダンプのバイト列。"""
    with tarfile.open(file) as archive:
        inside = archive.extractfile(DUMP)
        assert inside
        yield inside


def owner_url(settings: Settings) -> str:
    """持ち主の役割の接続先。"""
    if not settings.database_owner_url:
        raise Refused("WARD_DATABASE_OWNER_URL が設定されていません。")
    return settings.database_owner_url.get_secret_value()


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """命令の引数に書ける接続先と、合言葉を渡す環境変数。引数は、同じ機械のほかの人にも見える。"""
    parts = urlsplit(url)
    if parts.password is None:
        return url, {}
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}@{place}")), {"PGPASSWORD": unquote(parts.password)}


async def _about(connection: Any, settings: Settings, marked: tuple[datetime, str] | None) -> About:
    names = await connection.fetch("select name from migration order by name")
    return About(
        FORMAT,
        await connection.fetchval("select ward_now()"),
        settings.mode,
        settings.line_channel_id,
        [row["name"] for row in names],
        hashlib.sha256(marked[1].encode()).hexdigest() if marked else "",
        marked[0] if marked else None,
    )


def _write(file: Path, about: About, url: str, snapshot: str) -> None:
    draft = file.with_name(f"{file.name}.new")
    try:
        with (
            tempfile.TemporaryFile(dir=file.absolute().parent) as body,
            os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out,
        ):
            _dump(url, snapshot, body)
            with tarfile.open(fileobj=out, mode="w") as archive:
                _add(archive, ABOUT, io.BytesIO(msgspec.json.format(msgspec.json.encode(about))))
                _add(archive, DUMP, body)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def _dump(url: str, snapshot: str, body: IO[bytes]) -> None:
    place, secret = without_password(url)
    words = [
        "pg_dump",
        "-Fc",
        "--no-owner",
        "--no-privileges",
        "--exclude-table-data=migration",
        "--no-unlogged-table-data",
    ]
    command = [*words, f"--snapshot={snapshot}", f"--dbname={place}"]
    with programs.stream(command, secret, "控えを取れませんでした。") as process:
        assert process.stdout
        shutil.copyfileobj(process.stdout, body, 1 << 20)


def _add(archive: tarfile.TarFile, name: str, body: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = body.seek(0, io.SEEK_END), 0o600
    body.seek(0)
    archive.addfile(entry, body)
