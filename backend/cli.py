"""`ward` コマンド: 引数を読み、動詞を呼び、印字する。"""

import argparse
import asyncio
import functools
import json
import logging
import re
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from backend.database import command as database
from backend.errors import LineError, Refused, Unavailable
from backend.permissions import Role
from backend.settings import Mode, Settings

DONE, REFUSED, USAGE = 0, 1, 2


def main(arguments: list[str] | None = None) -> None:
    """終わりの値: 0 済んだ、1 断られた・誤りが見つかった、2 使い方が違う。"""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser(arguments).parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = Settings()
        code = options.verb(settings, options) or DONE
    except ValidationError as error:
        _complain("設定に誤りがあります。", *(_setting_error(e) for e in error.errors()))
        code = USAGE
    except Refused as refused:
        _complain(refused.message, refused.next_step)
        code = REFUSED
    except LineError as error:
        _complain(f"LINEへの呼び出しができませんでした({error.status} {error.message})。")
        code = REFUSED
    except PermissionError as error:
        _complain(f"{error.filename or '必要な場所'} に書き込めません。", "フォルダの持ち主と権限を確かめてください。")
        code = REFUSED
    except OSError as error:
        if error.errno != 28:  # ENOSPC
            raise
        _complain("ディスクに空きがありません。", "空きを作ってから、もう一度実行してください。")
        code = REFUSED
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _demo(settings: Settings, options: argparse.Namespace) -> int:
    from backend.demo import start

    say = functools.partial(print, flush=True)
    ports = {"port": options.port, "simulator_port": options.simulator_port}
    return start.run(settings, **ports, say=say, friends=options.friends)


def _serve(settings: Settings, options: argparse.Namespace) -> None:
    import uvicorn

    from backend.app import create_app
    from backend.demo import door
    from backend.line.gateway import Gateway

    ready = _with_database(settings)
    _refuse_other_account(ready)
    app = create_app(ready, Gateway.from_settings(ready), more_routes=door.routes(ready))
    uvicorn.run(
        app,
        host=options.host,
        port=options.port,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        proxy_headers=bool(ready.trusted_proxies),
        forwarded_allow_ips=ready.trusted_proxies or None,
        log_level="warning",
    )


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


def _staff_add(settings: Settings, options: argparse.Namespace) -> None:
    from backend.staff import invitations
    from backend.store import work

    async def add() -> str:
        return await work.run(
            invitations.add_first,
            options.login,
            options.name,
            Role(options.role),
            options.section,
            options.section_name,
        )

    token = _in_database(settings, add)
    print("招待を作りました。次のアドレスを本人に渡してください(72時間、一度だけ使えます)。")
    print(f"{settings.console_url}/console/invitation/{token}")


def _audit_verify(settings: Settings, options: argparse.Namespace) -> int:
    from backend.audit import verify

    findings = _in_database(settings, lambda: verify.verify_all(settings.data_dir))
    if options.json:
        print(json.dumps([finding.as_json() for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            print(finding.words)
        print(f"{len(findings)}か所の誤りがあります。" if findings else "記録と封と控えは、すべて合っています。")
    return REFUSED if findings else DONE


def _doctor(settings: Settings, options: argparse.Namespace) -> int:
    from backend.database import doctor

    found = _with_line(settings, lambda ready, line: doctor.examine(ready, line))
    if options.json:
        print(json.dumps([finding.as_json() for finding in found], ensure_ascii=False, indent=1))
    else:
        for finding in found:
            print(f"{finding.level.mark} {finding.subject}: {finding.words}")
    return REFUSED if any(finding.level is doctor.Level.WRONG for finding in found) else DONE


def _receipt_verify(settings: Settings, options: argparse.Namespace) -> None:
    from backend.consent import receipt

    public = options.key or receipt.public_key(settings.receipt_signing_key)
    if not public:
        raise Refused("公開鍵がありません。", next_step="`--key` に区の公開鍵(16進64桁)を書いてください。")
    try:
        body = receipt.verify(Path(options.file).read_bytes(), public)
    except FileNotFoundError as error:
        raise Refused(f"{options.file} がありません。") from error
    print("このレシートは、区が署名したとおりです。")
    if options.json:
        print(json.dumps(body, ensure_ascii=False, indent=1))


def _receipt_key(settings: Settings, _options: argparse.Namespace) -> None:
    from backend.consent import receipt

    public = receipt.public_key(settings.receipt_signing_key)
    if not public:
        raise Refused("WARD_RECEIPT_SIGNING_KEY が設定されていません。")
    print(public)


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


class _Parser(argparse.ArgumentParser):
    """argparseの英語を、日本語に言い換える。"""

    def __init__(self, **more: Any) -> None:
        more.update(add_help=False, allow_abbrev=False)
        super().__init__(**more)
        self._positionals.title, self._optionals.title = "引数", "オプション"
        self.add_argument("-h", "--help", action="help", help="この説明を表示する")

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        for english, japanese in _USAGE_WORDS:
            message = re.sub(english, japanese, message)
        _complain(f"使い方が違います: {message}", f"`{self.prog} --help` で使い方を表示します。")
        sys.exit(USAGE)


_USAGE_WORDS = (
    (r"the following arguments are required: (.*)", r"\1 が足りません。"),
    (r"unrecognized arguments: (.*)", r"\1 は使えません。"),
    (r"argument ([^:]*): invalid choice: ('[^']*').*choose from (.*)\)", r"\1 に \2 は選べません。選べるもの: \3"),
    (r"argument ([^:]*): invalid int value: (.*)", r"\1 の \2 は整数ではありません。"),
    (r"argument ([^:]*): expected .*", r"\1 の値がありません。"),
)
_SETTING_WORDS = {
    "greater_than_equal": "{ge}以上にしてください",
    "less_than_equal": "{le}以下にしてください",
    "enum": "{expected} のどれかにしてください",
    "int_parsing": "整数で書いてください",
    "bool_parsing": "true か false で書いてください",
}


def _parser(arguments: list[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="ward", description="文京区LINE公式アカウントの運用システム")
    verbs = parser.add_subparsers(required=True, metavar="コマンド", title="コマンド", parser_class=_Parser)

    demo = _verb(verbs, "demo", "手元で試すための一式を起動する", _demo)
    demo.add_argument("--port", type=int, default=8000, help="画面のポート(既定 8000)")
    demo.add_argument("--simulator-port", type=int, default=8001, help="模擬LINEのポート(既定 8001)")
    demo.add_argument("--friends", type=int, default=3000, help="架空の友だちの数(既定 3000)")

    serve = _verb(verbs, "serve", "画面とWebhookのサーバーを起動する", _serve)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)

    _verb(verbs, "worker", "配信と定時の仕事を行うプロセスを起動する", _worker)

    simulator = _verb(verbs, "simulator", "LINE模擬環境を起動する", _simulator)
    simulator.add_argument("--host", default="127.0.0.1")
    simulator.add_argument("--port", type=int, default=8001)
    simulator.add_argument("--tls-port", type=int, default=0, help="試験用のTLSのポート")
    simulator.add_argument("--ward-upstream", default="", help="試験用: 画面のホスト名への頼みを取り次ぐ先")

    _verb(verbs, "migrate", "データベースの表を最新にする", _migrate)

    doctor = _verb(verbs, "doctor", "設定、データベース、LINEのつながりを診る", _doctor)
    doctor.add_argument("--json", action="store_true", help="JSONで表示する")

    receipts = verbs.add_parser("receipt", help="同意レシート").add_subparsers(
        required=True, metavar="コマンド", parser_class=_Parser
    )
    receipt = _verb(receipts, "verify", "同意レシートの署名を確かめる(ネットワークは要らない)", _receipt_verify)
    receipt.add_argument("file", help="レシートのファイル(JSON)")
    receipt.add_argument("--key", default="", help="区の公開鍵(16進64桁)。既定は、この設定の鍵のもの")
    receipt.add_argument("--json", action="store_true", help="中身もJSONで表示する")
    _verb(receipts, "key", "レシートを確かめるための公開鍵を表示する", _receipt_key)

    staff = verbs.add_parser("staff", help="職員を管理する").add_subparsers(
        required=True, metavar="コマンド", parser_class=_Parser
    )
    add = _verb(staff, "add", "はじめの職員を招待する(管理者が二人そろうまで。その後は職員の画面で)", _staff_add)
    add.add_argument("login", help="サインインの名前(半角英数字)")
    add.add_argument("--name", required=True, help="氏名")
    add.add_argument("--role", required=True, choices=[role.value for role in Role], help="役割")
    add.add_argument("--section", required=True, help="所管課の符号(半角英数字)")
    add.add_argument("--section-name", default="", help="所管課の名前(初めての課のとき)")

    audit = verbs.add_parser("audit", help="記録を確かめる").add_subparsers(
        required=True, metavar="コマンド", parser_class=_Parser
    )
    verify = _verb(audit, "verify", "記録の封を確かめ、変えられた所を示す", _audit_verify)
    verify.add_argument("--json", action="store_true", help="結果をJSONで出す")

    database.add_to(verbs, _verb, _below, _in_database)
    _richmenu(verbs, wanted="richmenu" in arguments)
    return parser


def _below(parent: Any, name: str, words: str, description: str) -> Any:
    """`ward keys …` のように、下に命令を持つもの。"""
    parser = parent.add_parser(name, help=words, description=description)
    return parser.add_subparsers(required=True, metavar="コマンド", title="コマンド", parser_class=_Parser)


def _richmenu(verbs: Any, wanted: bool) -> None:
    """下の命令は、呼ばれたときだけ読み込む: LINEのSDKの読み込みは、ほかのすべての命令より長い。"""
    menus = verbs.add_parser("richmenu", help="リッチメニューを管理する")
    if wanted:
        from backend.menus import command

        below = menus.add_subparsers(required=True, metavar="コマンド", parser_class=_Parser)
        command.add_to(below, _verb, _in_database)


def _verb(parent: Any, name: str, words: str, verb: Callable[..., Any]) -> argparse.ArgumentParser:
    parser = parent.add_parser(name, help=words, description=words)
    parser.set_defaults(verb=verb)
    return parser


def _setting_error(error: Any) -> str:
    name = str(error["loc"][0]).upper() if error["loc"] else ""
    variable = name if not name or name.startswith(("WARD_", "DATABASE_URL")) else f"WARD_{name}"
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    words = (
        _SETTING_WORDS.get(error["type"], "{reason}")
        .format(**{"reason": error["msg"], **error.get("ctx", {})})
        .replace(" or ", "、")
    )
    return f"{variable} の値を読めません({words})。"


def _complain(*lines: str) -> None:
    print("\n".join(line for line in lines if line), file=sys.stderr)


if __name__ == "__main__":
    main()
