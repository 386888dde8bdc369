"""組み込みのPostgreSQLの足跡: 親プロセスの番号、ソケットの場所、親だけが殺されて残ったプロセス。"""

import contextlib
import os
import signal
import time
from pathlib import Path


def socket_dir(cluster: Path) -> Path:
    """動いているサーバーが、自分で書き残したソケットのフォルダ(pidファイルの5行目)。"""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        lines = []
    return Path(lines[4]) if len(lines) > 4 and lines[4] else Path("/nowhere")


def pid_of(cluster: Path) -> int:
    """pidファイルにある、このデータのPostgreSQLの番号。番号が別のプログラムに使い回されていれば0。"""
    try:
        pid = int(_first_line(cluster / "postmaster.pid"))
        os.kill(pid, 0)
        command = Path(f"/proc/{pid}/cmdline")
        if command.exists():
            words = command.read_bytes()
            return pid if b"postgres" in words and str(cluster).encode() in words else 0
    except (OSError, ValueError):
        return 0
    return pid


def clear_the_way(cluster: Path) -> None:
    """親だけがkill -9されたあとの片付け(/procのあるところだけ)。

    残ったプロセスをまず終わらせ、そのあとで、番号が別のプログラムのものになったpidファイルを消す。
    逆の順では、古いプロセスと新しい親が同じデータに触れうる。
    """
    if pid_of(cluster):
        return
    for patience in range(20):
        left = _leftover(cluster)
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGQUIT if patience < 10 else signal.SIGKILL)
        if not left:
            break
        time.sleep(0.1)
    else:
        return
    number = _first_line(cluster / "postmaster.pid")
    if number and Path(f"/proc/{number}").exists():
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _leftover(cluster: Path) -> list[int]:
    found: list[int] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cwd").readlink() == cluster and (folder / "cmdline").read_bytes().startswith(b"postgres:"):
                found.append(int(folder.name))
    return found


def _first_line(path: Path) -> str:
    try:
        return path.read_text().split("\n", 1)[0].strip()
    except OSError:
        return ""
