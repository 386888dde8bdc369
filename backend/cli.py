"""`ward` コマンド: 引数を読み、動詞を呼び、印字する。"""

import argparse
import asyncio
import errno
import functools
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import ValidationError

from backend.arguments import DONE, REFUSED, USAGE, Parser, below, complain, port, setting_errors, verb
from backend.audit import command as audit
from backend.consent import command as receipts
from backend.database import command as database
from backend.errors import LineError, Refused, Unavailable
from backend.settings import Mode, Settings
from backend.staff import command as staff

_DISK = {
    errno.ENOSPC: ("ディスクに空きがありません。", "空きを作ってから、もう一度実行してください。"),
    errno.EROFS: ("書き込めない場所です。", "WARD_DATA_DIR を、書き込めるフォルダにしてください。"),
    errno.ENOENT: ("フォルダを作れません。", "WARD_DATA_DIR を、書き込めるフォルダにしてください。"),
    errno.ENOTDIR: ("途中がフォルダではありません。", "WARD_DATA_DIR を、フォルダにしてください。"),
    errno.EEXIST: ("フォルダではありません。", "WARD_DATA_DIR を、フォルダにしてください。"),
}


def main(arguments: list[str] | None = None) -> None:
    """終わりの値: 0 済んだ、1 断られた・誤りが見つかった、2 使い方が違う。"""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(arguments).parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = Settings()
        code = options.verb(settings, options) or DONE
    except ValidationError as error:
        complain("設定に誤りがあります。", *setting_errors(error))
        code = USAGE
    except Refused as refused:
        complain(refused.message, refused.next_step)
        code = REFUSED
    except LineError as error:
        complain(f"LINEへの呼び出しができませんでした({error.status} {error.message})。")
        code = REFUSED
    except PermissionError as error:
        complain(f"{error.filename or '必要な場所'} に書き込めません。", "フォルダの持ち主と権限を確かめてください。")
        code = REFUSED
    except OSError as error:
        if error.errno not in _DISK:
            raise
        words, next_step = _DISK[error.errno]
        complain(f"{error.filename or 'データの場所'}: {words}", next_step)
        code = REFUSED
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _demo(settings: Settings, options: argparse.Namespace) -> int:
    from backend.demo import start

    if options.port == options.simulator_port:
        raise Refused("PORT と SIMULATOR_PORT が同じです。", next_step="別の番号を指定してください。")
    say = functools.partial(print, flush=True)
    ports = {"port": options.port, "simulator_port": options.simulator_port}
    return start.run(settings, **ports, say=say, friends=options.friends)


def _serve(settings: Settings, options: argparse.Namespace) -> None:
    from backend import app
    from backend.demo import door
    from backend.line.gateway import Gateway

    ready = _with_database(settings)
    _refuse_other_account(ready)
    made = app.create_app(ready, Gateway.from_settings(ready), more_routes=door.routes(ready))
    app.run(made, options.host, options.port, ready.trusted_proxies)


def _worker(settings: Settings, _options: argparse.Namespace) -> None:
    from backend import worker
    from backend.line.gateway import Gateway

    ready = _with_database(settings)
    _refuse_other_account(ready)
    asyncio.run(worker.run(ready, Gateway.from_settings(ready)))


def _simulator(settings: Settings, options: argparse.Namespace) -> None:
    from backend.simulator import serve

    serve.main(_simulator_arguments(settings, options))


def _migrate(settings: Settings, _options: argparse.Namespace) -> None:
    from backend.database import setup

    done = asyncio.run(setup.migrate(_with_database(settings)))
    print(f"{len(done)}件の移行を行いました。" if done else "行う移行はありません。")


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    from backend.database import doctor

    found = _with_line(settings, lambda ready, line: doctor.examine(ready, line))
    if options.json:
        print(json.dumps([finding.as_json() for finding in found], ensure_ascii=False, indent=1))
    else:
        for finding in found:
            print(f"{finding.level.mark} {finding.subject}: {finding.words}")
    return REFUSED if any(finding.level is doctor.Level.WRONG for finding in found) else DONE


def _refuse_other_account(ready: Settings) -> None:
    """刻まれたものと違うアカウント・環境なら、起動の前に断る。データベースが起き直すところなら待つ。"""
    from backend.database import migrating, wall
    from backend.store.pool import SERVER_GONE, SERVICE_SECONDS

    async def check(settings: Settings, line: Any) -> None:
        if await migrating.pending():
            raise Refused(
                "済んでいない移行があります。", next_step="`ward migrate` を実行してから、起動し直してください。"
            )
        for patience in range(20, -1, -1):
            try:
                await wall.check(settings, line)
            except Unavailable:
                if settings.mode is not Mode.DEMO or not patience:
                    raise
                await asyncio.sleep(0.5)  # お試しでは、模擬LINEも起きてくるところ
            else:
                return

    deadline = time.monotonic() + SERVICE_SECONDS
    while True:
        try:
            return _with_line(ready, check)
        except (Unavailable, *SERVER_GONE, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _with_line(settings: Settings, verb: Callable[[Settings, Any], Awaitable[Any]]) -> Any:
    from backend.line.gateway import Gateway

    ready = _with_database(settings)

    async def inside() -> Any:
        line = Gateway.from_settings(ready)
        try:
            return await verb(ready, line)
        finally:
            await line.close()

    return _in_database(ready, inside)


def _in_database(settings: Settings, verb: Callable[[], Awaitable[Any]]) -> Any:
    from backend.store.pool import close_pool, open_pool

    ready = _with_database(settings)

    async def inside() -> Any:
        assert ready.database_url
        await open_pool(ready.database_url.get_secret_value(), size=4)
        try:
            return await verb()
        finally:
            await close_pool()

    return asyncio.run(inside())


def _with_database(settings: Settings) -> Settings:
    from backend.database import setup

    return setup.with_database(settings)


def _simulator_arguments(settings: Settings, options: argparse.Namespace) -> list[str]:
    return [
        "--host", options.host, "--port", str(options.port), "--data-dir", str(settings.data_dir),
        *(["--tls-port", str(options.tls_port)] if options.tls_port else []),
        *(["--ward-upstream", options.ward_upstream] if options.ward_upstream else []),
    ]  # fmt: skip


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    parser = Parser(prog="ward", description="文京区LINE公式アカウントの運用システム")
    verbs = parser.add_subparsers(required=True, metavar="コマンド", title="コマンド", parser_class=Parser)

    demo = verb(verbs, "demo", "手元で試すための一式を起動する", _demo)
    demo.add_argument("--port", type=port, default=8000, help="画面のポート(既定 8000)")
    demo.add_argument("--simulator-port", type=port, default=8001, help="模擬LINEのポート(既定 8001)")
    demo.add_argument("--friends", type=int, default=3000, help="架空の友だちの数(既定 3000)")

    serve = verb(verbs, "serve", "画面とWebhookのサーバーを起動する", _serve)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=port, default=8000)

    verb(verbs, "worker", "配信と定時の仕事を行うプロセスを起動する", _worker)

    simulator = verb(verbs, "simulator", "LINE模擬環境を起動する", _simulator)
    simulator.add_argument("--host", default="127.0.0.1")
    simulator.add_argument("--port", type=port, default=8001)
    simulator.add_argument("--tls-port", type=int, default=0, help="試験用のTLSのポート")
    simulator.add_argument("--ward-upstream", default="", help="試験用: 画面のホスト名への頼みを取り次ぐ先")

    verb(verbs, "migrate", "データベースの表を最新にする", _migrate)

    doctor = verb(verbs, "doctor", "設定、データベース、LINEのつながりを診る", _doctor)
    doctor.add_argument("--json", action="store_true", help="JSONで表示する")

    receipts.add_to(verbs)
    staff.add_to(verbs, _in_database)
    audit.add_to(verbs, _in_database)
    database.add_to(verbs, _in_database)
    _richmenu(verbs, wanted="richmenu" in arguments)
    return parser


def _richmenu(verbs: Any, wanted: bool) -> None:
    """下の命令は、呼ばれたときだけ読み込む: LINEのSDKの読み込みは、ほかのすべての命令より長い。"""
    menus = below(verbs, "richmenu", "リッチメニューを管理する")
    if wanted:
        from backend.menus import command

        command.add_to(menus, _in_database)


if __name__ == "__main__":
    main()
