"""`ward backup`、`ward restore`、`ward keys …`: 控えを取る、戻す、鍵を替える。"""

import argparse
import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backend.arguments import InDatabase, below, verb
from backend.errors import Refused
from backend.settings import Settings, current_version, keyring

KEYS = {"address-index": "index", "address-cipher": "cipher", "session": ""}
_BYTES = 64
_ROLLING = (
    "鍵の替え方: 1) `ward keys new NAME` が出した新しい一覧(次の版は `-` 付き)をすべてのプロセスに配り、一つずつ起動し直す。"
    "2) `-` を除いて、もう一度。3) `ward keys rotate NAME`。4) 前の版の鍵を一覧から除き、捨てる。"
)


def add_to(verbs: Any, in_database: InDatabase) -> None:
    """命令を足す。重いものは、呼ばれたときに読み込む。"""
    taking = verb(verbs, "backup", "控えを一つのファイルに取る(動かしたままでよい。鍵は入らない)", _backup)
    taking.add_argument("file", type=Path, metavar="FILE", help="書くファイル(まだないもの)")
    restoring = verb(
        verbs, "restore", "控えを空のデータベースに戻し、消した人を消し直し、配信をすべて見合わせにする", _restore
    )
    restoring.add_argument("file", type=Path, metavar="FILE", help="`ward backup` のファイル")
    keys = below(verbs, "keys", "鍵を替える", _ROLLING)
    making = verb(keys, "new", f"次の版の鍵を足した一覧を作って表示する。{_ROLLING}", _new)
    rotating = verb(keys, "rotate", f"前の版の鍵で書かれたものを、いまの版に書き直す。{_ROLLING}", _bound(in_database))
    for parser in (making, rotating):
        parser.add_argument("name", choices=sorted(KEYS), metavar="NAME", help="、".join(sorted(KEYS)))
    for parser in (taking, restoring, making, rotating):
        parser.add_argument("--json", action="store_true", help="機械の読める形で出す")


def _backup(settings: Settings, options: argparse.Namespace) -> None:
    from backend.database import backup, setup

    about = asyncio.run(backup.take(setup.with_database(settings), options.file))
    size = options.file.stat().st_size
    if options.json:
        _print_json({"file": str(options.file), "bytes": size, "taken_at": about.taken_at.isoformat()})
        return
    _say(f"控えを取りました: {options.file}({size / 1e6:.1f}MB)。")
    _say(
        f"戻すときは、鍵と、{settings.data_dir} の erasures.log と anchors.log の最新のものも要ります。別に写しておいてください。"
    )


def _restore(settings: Settings, options: argparse.Namespace) -> int:
    from backend.database import restore, setup

    report = asyncio.run(restore.run(setup.with_database(settings), options.file))
    if options.json:
        words = {"taken_at": report.about.taken_at.isoformat(), "erased": report.erased, "held": report.held}
        _print_json({**words, "narrowed": report.narrowed, "findings": report.findings, "pending": report.pending})
        return 1 if report.findings else 0
    _say(f"{report.about.taken_at:%Y-%m-%d %H:%M:%S}(UTC)の控えを戻しました。それより後のことは、失われています。")
    _say(
        f"後で消えた{report.erased}人を、もう一度消しました。一部をやめた{report.narrowed}人の、やめた分を消しました。"
        f"終わっていない配信{report.held}件を、見合わせにしました。"
    )
    _say("職員の役割と停止も控えの時のものです。サインインは、全員やり直しです。")
    for words in report.findings:
        _say(f"記録の検査: {words}")
    if report.pending:
        _say(f"このあと `ward migrate` を実行してください(移行が{len(report.pending)}件あります)。")
    return 1 if report.findings else 0


def _new(settings: Settings, options: argparse.Namespace) -> None:
    value = getattr(settings, f"{options.name.replace('-', '_')}_keys")
    try:
        ring = keyring(value)
    except ValueError as error:
        raise Refused(str(error)) from error
    version = max(ring) + 1
    listed = f"{value.get_secret_value()},-{version}:{secrets.token_hex(_BYTES if KEYS[options.name] else 32)}"
    variable = f"WARD_{options.name.replace('-', '_').upper()}_KEYS"
    if options.json:
        _print_json({"variable": variable, "value": listed, "version": version})
    else:
        _say(f"{variable}={listed}")


def _bound(in_database: InDatabase) -> Callable[[Settings, argparse.Namespace], None]:
    return lambda settings, options: in_database(settings, lambda: _rotate(settings, options))


async def _rotate(settings: Settings, options: argparse.Namespace) -> None:
    from backend.audit import trail
    from backend.residents import rekeying, session
    from backend.residents.address import AddressKeys
    from backend.store import work

    what = KEYS[options.name]
    moved, version = 0, current_version(getattr(settings, f"{options.name.replace('-', '_')}_keys"))
    if what:
        keys = AddressKeys.from_settings(settings)
        with _progress(await rekeying.waiting(keys, what), quiet=options.json) as advance:
            moved = await rekeying.rekey(keys, what, advance)
    await work.run(trail.record, None, "keys.rotate", f"keys:{options.name}", version=version, people=moved)
    if options.json:
        _print_json({"name": options.name, "version": version, "moved": moved})
    elif what:
        _say(
            f"{moved}人分を、{version}版に書き直しました。前の版の鍵は、もう除けます。控えが残る35日の間は、別に保管してください。"
        )
    else:
        _say(f"新しいページは{version}版で始まっています。前の版の鍵は、{session.MINUTES}分たてば除けます。")


class _Progress:
    """長い仕事の進み。`--json` のときは何も出さない。"""

    def __init__(self, total: int) -> None:
        from rich.progress import Progress

        self._bar = Progress()
        self._task = self._bar.add_task("書き直しています", total=total)

    def __enter__(self) -> Callable[[int], None]:
        self._bar.start()
        return lambda done: self._bar.advance(self._task, done)

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()


def _progress(total: int, *, quiet: bool) -> Any:
    return contextlib.nullcontext(lambda _done: None) if quiet else _Progress(total)


def _say(words: str) -> None:
    import rich

    rich.get_console().print(words, markup=False, highlight=False, soft_wrap=True)


def _print_json(value: Any) -> None:
    _say(json.dumps(value, ensure_ascii=False, indent=1))
