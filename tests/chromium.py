"""試験に使うChromiumを見つける。なければ、できるところから入れる。

探す順: 環境変数 `CHROMIUM`、機械に入っているもの、playwrightが入れたもの、前にここで入れたもの。
入れる順: rootならaptで。そうでなければ、npmの配布物に入っている本体(Linux x86_64だけ)を `.venv` の中に置く。
"""

import glob
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
OWN = BIN.parent / "chromium"
PACKAGE = "@sparticuz/chromium@153.0.0"  # 本体そのものが配布物に入っている。取り寄せの仕組みは使わない
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "~/.cache/ms-playwright/chromium-*/chrome-linux*/chrome",
    "~/Library/Caches/ms-playwright/chromium-*/chrome-mac*/*.app/Contents/MacOS/*",
)
INFLATE = """
import { createReadStream, createWriteStream, renameSync } from 'node:fs';
import { createBrotliDecompress } from 'node:zlib';
import { pipeline } from 'node:stream/promises';
const [from, to] = process.argv.slice(1);
await pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to + '.new', { mode: 0o755 }));
renameSync(to + '.new', to);
"""


def find() -> str | None:
    """使えるChromiumの場所。なければNone。"""
    named = os.environ.get("CHROMIUM")
    on_path = (shutil.which(name) for name in NAMES)
    elsewhere = (path for place in PLACES for path in sorted(glob.glob(str(Path(place).expanduser())), reverse=True))
    for path in (named, *on_path, *elsewhere, str(OWN / "chromium")):
        if path and Path(path).exists() and _runs(path):
            return path
    return None


def install() -> str | None:
    """入れて、その場所を返す。入れられなければNone。"""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _quietly(["apt-get", "update", "-q"])
        _quietly(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"], DEBIAN_FRONTEND="noninteractive"
        )
        if found := find():
            return found
    if sys.platform == "linux" and platform.machine() == "x86_64":
        OWN.mkdir(exist_ok=True)
        _quietly(
            [str(BIN / "npm"), "install", "--prefix", str(OWN), "--ignore-scripts", "--no-audit", "--no-fund", PACKAGE]
        )
        packed = OWN / "node_modules" / "@sparticuz" / "chromium" / "bin" / "chromium.br"
        _quietly([str(BIN / "node"), "--input-type=module", "-e", INFLATE, str(packed), str(OWN / "chromium")])
    return find()


def main() -> int:
    """場所を一行で印字する。"""
    path = find()
    if not path:
        print("試験に使うChromiumを入れています…", file=sys.stderr, flush=True)
        path = install()
    if not path:
        print(
            "Chromiumが見つからず、入れることもできませんでした。ChromiumかGoogle Chromeを入れるか、"
            "`CHROMIUM=/path/to/chromium make test` のように場所を教えてください。",
            file=sys.stderr,
        )
        return 1
    print(path)
    return 0


def _runs(path: str) -> bool:
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _quietly(command: list[str], **more: str) -> None:
    subprocess.run(
        command,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )


if __name__ == "__main__":
    sys.exit(main())
