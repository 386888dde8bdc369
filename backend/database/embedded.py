"""組み込みのPostgreSQL: 本体だけを借り、起動・引き継ぎ・停止は自分で行う(DESIGN 4)。"""

import contextlib
import fcntl
import hashlib
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.database import postmaster, programs
from backend.errors import Refused

OWNER, APPLICATION, DATABASE = "ward_owner", "ward_app", "ward"
START_SECONDS, PG_CTL_SECONDS, RECOVERY_SECONDS = 10.0, 30, 900.0
_SOCKET_LIMIT = 103  # Linuxは107バイト、macOSは103バイト
_SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 1GB  # 使った分だけ触れる。大きな表の全件を数えるとき、毎回ディスクの控えから写し直さない
log_timezone = 'Asia/Tokyo'
"""


@dataclass(frozen=True)
class Server:
    """動いている組み込みのPostgreSQL。`…_url` は asyncpg に渡せる接続先。"""

    data_dir: Path
    socket_dir: Path

    @property
    def owner_url(self) -> str:
        return f"postgresql://{OWNER}@/{DATABASE}?host={self.socket_dir}"

    @property
    def app_url(self) -> str:
        return f"postgresql://{APPLICATION}@/{DATABASE}?host={self.socket_dir}"

    @property
    def pid(self) -> int:
        """親プロセスの番号。止まっていれば0。"""
        return postmaster.pid_of(_cluster(self.data_dir))

    def stop(self, mode: str = "fast") -> None:
        """`mode` は pg_ctl の smart・fast・immediate。止まっていれば何もしない。"""
        cluster = _cluster(self.data_dir)
        if postmaster.pid_of(cluster):
            programs.launch(["pg_ctl", "-D", str(cluster), "-m", mode, "-w", "-t", "20", "stop"])
        shutil.rmtree(self.socket_dir, ignore_errors=True)

    def restart_immediate(self) -> None:
        """電源断のように止め、起こし直す(試験用)。"""
        cluster = _cluster(self.data_dir)
        programs.launch(["pg_ctl", "-D", str(cluster), "-m", "immediate", "-w", "stop"])
        _launch(cluster, self.socket_dir)


def start(data_dir: Path) -> Server:
    """`data_dir/postgres` のサーバーを起こす。動いていれば引き継ぐ。できなければ理由を添えて `Refused`。"""
    data_dir = data_dir.absolute()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _lock(data_dir):
            cluster = _cluster(data_dir)
            _check_version(cluster)
            if not (cluster / "PG_VERSION").exists():
                cluster = _create(data_dir)
            socket_dir = _adopt(cluster)
            if not socket_dir:
                socket_dir = _socket_dir(data_dir)
                _launch(cluster, socket_dir)
            _prepare(socket_dir, cluster)
    except PermissionError as error:
        raise Refused(
            f"{error.filename} に書き込めません。", next_step="フォルダの持ち主と権限を確かめてください。"
        ) from error
    return Server(data_dir, socket_dir)


def stop(data_dir: Path) -> None:
    """動いていれば止める。"""
    cluster = _cluster(data_dir.absolute())
    if postmaster.pid_of(cluster):
        Server(data_dir.absolute(), postmaster.socket_dir(cluster)).stop()


def is_alive(data_dir: Path) -> bool:
    """サーバーの親プロセスが生きているか。答えられるかは問わない。速い。"""
    return postmaster.pid_of(_cluster(data_dir.absolute())) > 0


def is_running(data_dir: Path) -> bool:
    """サーバーが動き、接続を受けられるか。"""
    cluster = _cluster(data_dir.absolute())
    return postmaster.pid_of(cluster) > 0 and _answers(postmaster.socket_dir(cluster))


def _cluster(data_dir: Path) -> Path:
    """データの場所。公の場所に置いたときは、`data_dir/postgres` はそこを指すリンクである。"""
    return (data_dir / "postgres").resolve()


def _create(data_dir: Path) -> Path:
    cluster = data_dir / "postgres"
    cluster.unlink(missing_ok=True)  # 行き先の消えたリンク
    home = programs.public_place() if programs.as_somebody_else() else data_dir
    draft = home / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    how = ["-U", OWNER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--data-checksums"]
    made = programs.run(["initdb", "-D", str(draft), *how])
    if made.returncode != 0:
        _refuse_full_disk(made.stderr)
        raise Refused(f"データベースを作れませんでした。\n{made.stderr[-600:]}")
    with (draft / "postgresql.conf").open("a") as file:
        file.write(_SETTINGS)
    draft.replace(home / "postgres")
    if home != data_dir:
        cluster.symlink_to(home / "postgres")
    return _cluster(data_dir)


def _adopt(cluster: Path) -> Path | None:
    """動いているサーバーのソケットのフォルダ。前に落ちて立ち直る途中なら、それを待つ。動いていなければNone。"""
    deadline = time.monotonic() + START_SECONDS
    while postmaster.pid_of(cluster):
        socket_dir = postmaster.socket_dir(cluster)
        if _answers(socket_dir):
            return socket_dir
        if time.monotonic() > deadline:  # 答えないまま残っている
            programs.launch(["pg_ctl", "-D", str(cluster), "-m", "immediate", "-w", "-t", "5", "stop"])
            return None
        time.sleep(0.1)
    return None


def _launch(cluster: Path, socket_dir: Path) -> None:
    """起動する。kill -9 の後は、残ったプロセスの片付けが済むまで失敗することがあるので、10秒まで繰り返す。"""
    _own_folder(socket_dir)
    log = cluster.parent / "postgres.log"
    options = f"-k {shlex.quote(str(socket_dir))} -c listen_addresses=''"
    deadline = time.monotonic() + START_SECONDS
    while True:
        postmaster.clear_the_way(cluster)
        wait = ["-w", "-t", str(PG_CTL_SECONDS)]
        command = ["pg_ctl", "-D", str(cluster), "-l", str(log), "-o", options, *wait, "start"]
        if programs.launch(command) == 0 or _recovered(cluster):
            return
        if time.monotonic() > deadline:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []
            _refuse_full_disk("\n".join(lines))
            raise Refused("データベースを起動できませんでした。\n" + "\n".join(lines), next_step=f"記録の全体: {log}")
        time.sleep(0.2)


def _recovered(cluster: Path) -> bool:
    """pg_ctlが待ちきれなくても、生きているサーバーは立ち直る途中: 電源断の後は数分かかることがある。"""
    deadline = time.monotonic() + RECOVERY_SECONDS
    while postmaster.pid_of(cluster) and time.monotonic() < deadline:
        if _answers(postmaster.socket_dir(cluster)):
            return True
        time.sleep(0.2)
    return False


def _prepare(socket_dir: Path, cluster: Path) -> None:
    """データベースと二つの役割。印があれば済んでいる。"""
    marker = cluster / "ward-ready"
    if marker.exists():
        return
    for kind, name, catalogue in (("role", APPLICATION, "pg_roles"), ("database", DATABASE, "pg_database")):
        column, more = ("rolname", " login") if kind == "role" else ("datname", "")
        missing = f"where not exists (select from {catalogue} where {column} = '{name}')"
        statement = f"select 'create {kind} {name}{more}' {missing}"
        psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(socket_dir), "-U", OWNER, "-d", "postgres"]
        done = programs.run(psql, text=f"{statement} \\gexec\n")
        if done.returncode != 0:
            _refuse_full_disk(done.stderr)
            raise Refused(f"データベースの用意ができませんでした。\n{done.stderr[-600:]}")
    marker.touch()


def _check_version(cluster: Path) -> None:
    path = cluster / "PG_VERSION"
    if not path.exists():
        return
    stored, ours = path.read_text().strip(), programs.run(["postgres", "--version"]).stdout.split()[2].split(".")[0]
    if stored != ours:
        raise Refused(
            f"{cluster} はPostgreSQL {stored}で作られています。いまの本体は{ours}です。",
            next_step=f"PostgreSQL {stored}で控えを取り、新しい場所に戻してください。お試しなら、フォルダを消せば作り直します。",
        )


def _answers(socket_dir: Path) -> bool:
    return programs.run(["pg_isready", "-q", "-t", "3", "-h", str(socket_dir)]).returncode == 0


def _socket_dir(data_dir: Path) -> Path:
    """短い0700のフォルダ。データの置き場の中では、長さの上限を超えることがある。"""
    name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"ward-{os.getuid()}-{name}"
    if len(str(folder / ".s.PGSQL.5432")) > _SOCKET_LIMIT:
        folder = Path("/tmp") / folder.name  # noqa: S108  名は利用者と場所から決まり、持ち主を確かめる
    return folder


def _own_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs.hand_over(folder)
    if (
        folder.is_symlink()
        or folder.stat().st_mode & 0o077
        or folder.stat().st_uid not in (os.getuid(), programs.NOBODY)
    ):
        raise Refused(
            f"{folder} は、ほかの利用者が作ったフォルダです。",
            next_step="そのフォルダを除くか、TMPDIR を替えてください。",
        )


def _refuse_full_disk(words: str) -> None:
    if "No space left" in words:
        raise Refused("ディスクに空きがありません。", next_step="空きを作ってから、もう一度実行してください。")


@contextlib.contextmanager
def _lock(data_dir: Path) -> Iterator[None]:
    with (data_dir / "postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
