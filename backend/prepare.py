"""用意: 空の機械から、`make` の各命令が要るものをそろえる。Pythonの標準の部品だけで動く。

`python3 -I backend/prepare.py [--again] [pages] [browser] [bench]`。済んだことは印で分かるので、二度目はすぐ終わる。
"""

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
PAGES = ROOT / "liff_static"
BENCH = ROOT / "tests" / "bench"
MARKS = VENV / "prepared.json"

_CAUSES = (
    (r"No space left|ENOSPC|Disk quota", "ディスクに空きがありません。空きを作ってから、もう一度実行してください。"),
    (
        r"Permission denied|EACCES|EPERM|Read-only file system|EROFS",
        "書き込めない場所がありました。フォルダの持ち主と権限を確かめてください。",
    ),
    (
        r"ensurepip|venv",
        "このPythonには仮想環境の部品(venv)がありません。DebianやUbuntuでは `apt install python3-venv` で入ります。",
    ),
    (
        r"dns|ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|onnection|timed out|etwork|No matching distribution|error sending request",
        "ライブラリの配布元に届きません。ネットワークやプロキシの設定を確かめて、もう一度実行してください。",
    ),
)


class Trouble(Exception):
    """用意ができない理由。文はそのまま画面に出る。"""


def main(words: list[str]) -> int:
    """終わりの値: 0 そろった、1 そろわない理由を表示した。"""
    try:
        with _alone():
            if "--again" in words:
                _forget("pages")
            environment()
            packages()
            if "pages" in words:
                pages()
            if "browser" in words:
                browser()
            if "bench" in words:
                bench()
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return 1
    except OSError as error:
        print(_sentence(f"{error.strerror or error}\n", str(error.filename or ROOT)), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def environment() -> None:
    """`.venv`。フォルダごと動かした後や、もとのPythonが消えた後は作り直す。"""
    if _works() and _mark("place") in (None, str(VENV)):
        return
    print("Pythonの仮想環境を作っています…", flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "仮想環境を作れませんでした。")
    _set_mark("place", str(VENV))


def packages() -> None:
    """`requirements.lock` のとおりのライブラリと、このプロジェクト自身。どれもハッシュを確かめて入れる。"""
    lock = ROOT / "requirements.lock"
    wanted = _fingerprint([lock, ROOT / "pyproject.toml"])
    if _mark("packages") == wanted and (BIN / "ward").exists():
        return
    print("ライブラリを入れています…", flush=True)
    _install_uv(lock.read_text(encoding="utf-8"))
    install = [str(BIN / "uv"), "pip", "install", "--quiet", "--python", str(BIN / "python")]
    _run([*install, "--require-hashes", "-r", str(lock)], "ライブラリを入れられませんでした。")
    _run([*install, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], "プロジェクトを入れられませんでした。")
    _compile()
    _set_mark("packages", wanted)
    _set_mark("place", str(VENV))


def pages() -> None:
    """住民ページの束。Node.jsもライブラリの一つとして入っている。"""
    wanted = _fingerprint(_page_sources())
    if _mark("pages") == wanted and (PAGES / "dist" / "liff.js").exists():
        return
    print("住民ページの束を作っています…", flush=True)
    _install(PAGES, "住民ページの部品を入れられませんでした。")
    _run([str(BIN / "node"), "build.mjs"], "住民ページの束を作れませんでした。", folder=PAGES)
    _set_mark("pages", _fingerprint(_page_sources()))


def browser() -> None:
    """試験が使うChromium。探す順と入れ方は tests/chromium.py にある。"""
    if _mark("browser") and Path(_mark("browser") or "").exists():
        return
    found = subprocess.run(
        [str(BIN / "python"), "-m", "tests.chromium"],
        cwd=ROOT,
        env=_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if found.returncode != 0:
        raise Trouble("試験に使うChromiumを用意できませんでした。")
    _set_mark("browser", found.stdout.strip())


def bench() -> None:
    """測るときだけ要る道具(Lighthouse)。製品の束とは別の場所に入れる。"""
    wanted = _fingerprint([BENCH / "package.json", BENCH / "package-lock.json"])
    if _mark("bench") == wanted and (BENCH / "node_modules" / "lighthouse").exists():
        return
    print("測る道具を入れています…", flush=True)
    _install(BENCH, "測る道具を入れられませんでした。")
    _set_mark("bench", wanted)


def _install(folder: Path, failed: str) -> None:
    """`package-lock.json` のとおりに入れる。部品が持つ台本は動かさない。"""
    npm = [str(BIN / "npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run(npm, failed, folder=folder)


def _works() -> bool:
    check = "import sys, importlib.util as i; sys.exit(not (i.find_spec('pip') and (3, 11) <= sys.version_info[:2] <= (3, 13)))"
    try:
        return (
            subprocess.run([str(BIN / "python"), "-I", "-c", check], capture_output=True, check=False).returncode == 0
        )
    except OSError:
        return False


def _install_uv(lock: str) -> None:
    """uvだけはpipで入れる。固定した版とハッシュは、同じ `requirements.lock` から取る。"""
    block = re.search(r"^uv==.*?(?=^[a-z])", lock + "\nz", re.MULTILINE | re.DOTALL)
    if not block:
        raise Trouble("requirements.lock に uv がありません。`make lock` で作り直してください。")
    with tempfile.NamedTemporaryFile("w", suffix=".txt", dir=VENV) as file:
        file.write(re.sub(r"^\s+#.*$", "", block.group(), flags=re.MULTILINE))
        file.flush()
        pip = [str(BIN / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        _run([*pip, "--require-hashes", "-r", file.name], "uvを入れられませんでした。")


def _compile() -> None:
    """先に一度だけ翻訳しておく。どのプロセスも読み込みが半分で済む。翻訳できない見本などがあっても構わない。"""
    print("ライブラリを翻訳しています…", flush=True)
    words = [str(BIN / "python"), "-m", "compileall", "-q", "-j", "0", str(VENV / "lib"), str(ROOT / "backend")]
    subprocess.run(words, env=_environment(), capture_output=True, check=False)


def _page_sources() -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(PAGES):
        folders[:] = sorted(f for f in folders if f not in ("node_modules", "dist"))
        found += [Path(folder) / name for name in sorted(names)]
    return found


def _run(command: list[str], failed: str, *, folder: Path = ROOT) -> None:
    done = subprocess.run(
        command, cwd=folder, env=_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Trouble(f"{failed}\n{_sentence(done.stdout, str(folder))}")


def _sentence(output: str, place: str) -> str:
    """道具の出力から、人に言える理由を選ぶ。分からなければ、出力の最後を見せる。"""
    for pattern, words in _CAUSES:
        if re.search(pattern, output):
            return f"{words}\n場所: {place}"
    return "\n".join(output.splitlines()[-15:])


def _environment() -> dict[str, str]:
    """道具に渡す環境。家のないユーザーのために、控えの置き場も決める。pipに教えた配布元はuvにも教える。"""
    values = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}", "PYTHONUTF8": "1"}
    values.pop("PYTHONPATH", None)
    values.pop("VIRTUAL_ENV", None)
    if not os.access(Path.home(), os.W_OK):
        values.setdefault("XDG_CACHE_HOME", str(VENV / "cache"))
        values.setdefault("npm_config_cache", str(VENV / "cache" / "npm"))
        values.setdefault("PIP_CACHE_DIR", str(VENV / "cache" / "pip"))
    for theirs, ours in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if values.get(theirs):
            values.setdefault(ours, values[theirs])
    return values


def _fingerprint(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _marks() -> dict[str, str]:
    try:
        return json.loads(MARKS.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _mark(name: str) -> str | None:
    return _marks().get(name)


def _set_mark(name: str, value: str) -> None:
    draft = MARKS.with_suffix(".new")
    draft.write_text(json.dumps({**_marks(), name: value}, indent=1), encoding="utf-8")
    draft.replace(MARKS)


def _forget(name: str) -> None:
    if MARKS.exists():
        _set_mark(name, "")


@contextmanager
def _alone() -> Iterator[None]:
    """二つの `make` が同時に用意を始めても、順に行う。"""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
