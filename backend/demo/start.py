"""`ward demo`: 空の機械から、触って試せるところまでを一つの命令で。"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from backend.database import embedded, stamp
from backend.demo import processes, secrets
from backend.demo.processes import Child
from backend.errors import Refused
from backend.settings import Mode, Settings

Say = Callable[..., Any]
FULL_BYTES = 20_000_000  # WALの一切れ(16MB)が書けない
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def run(settings: Settings, *, port: int, simulator_port: int, say: Say, friends: int) -> int:
    """すべてを起こし、Ctrl-Cまで見守る。倒れたものは起こし直す。終わりの値を返す。"""
    if settings.mode is not Mode.DEMO:
        raise Refused("`ward demo` は、お試し(WARD_MODE=demo)でだけ動きます。")
    data = settings.data_dir.absolute()
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (data / "demo.lock").open("w") as lock:
        _only_one(lock, data)
        (data / "demo.json").unlink(missing_ok=True)
        processes.refuse_used_port(port, "PORT")
        processes.refuse_used_port(simulator_port, "SIMULATOR_PORT")
        _raise_on_sigterm()
        began = time.monotonic()
        children: list[Child] = []
        _log_to(data / "logs")
        try:
            with _blaming_a_full_disk(data):
                ready = _with_urls(_settings(settings, data, port, simulator_port), embedded.start(data))
                _start(children, ready, data, (port, simulator_port), say, friends)
            _announce(ready, data, time.monotonic() - began, say)
            _watch(children, data, say)
        except (KeyboardInterrupt, _Terminated):
            say("\n終了しています…")
        finally:
            _ignore_signals()
            (data / "demo.json").unlink(missing_ok=True)
            processes.stop_all(children)
            embedded.stop(data)
        say("終了しました。データは残っています。もう一度 `make demo` で続きから始められます。")
    return 0


def _start(children: list[Child], ready: Settings, data: Path, ports: tuple[int, int], say: Say, friends: int) -> None:
    """起こしたものから `children` に入れる。途中で止められても、呼び手が片付けられる。"""
    environment, logs = _environment(ready), data / "logs"
    port, simulator_port = ports
    people_url = f"{ready.simulator_url}/_sim/people?limit=1"
    simulator = Child(
        "模擬LINE", ["simulator", "--port", str(simulator_port)], environment, logs / "simulator.log", people_url
    )
    web = Child("画面", ["serve", "--port", str(port)], environment, logs / "web.log", f"{ready.public_url}/readyz")
    worker = Child("配信", ["worker"], environment, logs / "worker.log")
    say("データベースと模擬LINEを用意しています…")
    _begin(simulator, children)
    if not stamp.is_current(data):
        _migrate(ready, data)
    _begin(web, children)
    from backend.demo import people  # 重い部屋は、画面が起きてくる間に読み込む

    simulator.wait_ready()
    asyncio.run(people.prepare(ready, data, say, count=friends))
    web.wait_ready()
    _begin(worker, children)


def _migrate(ready: Settings, data: Path) -> None:
    from backend.database import setup

    asyncio.run(setup.migrate(ready))
    stamp.put(data)


def _begin(child: Child, children: list[Child]) -> None:
    children.append(child)
    child.start()


def _watch(children: list[Child], data: Path, say: Say) -> None:
    while True:
        time.sleep(0.3)
        if not embedded.is_alive(data):
            say("データベースが止まっていたので、起こし直します。")
            embedded.start(data)
        for child in children:
            if child.revive():
                say(f"{child.name}が止まっていたので、起こし直しました。記録: {child.log}")


def _announce(ready: Settings, data: Path, seconds: float, say: Say) -> None:
    accounts = secrets.accounts(data)
    described = {"web": ready.public_url, "phone": f"{ready.simulator_url}/phone", "accounts": accounts}
    secrets.write_private(data / "demo.json", json.dumps(described, ensure_ascii=False, indent=1))
    say(f"\n準備ができました({seconds:.1f}秒)。\n")
    say(f"  スマートフォン(模擬) {described['phone']}")
    say(f"  職員の画面           {ready.console_url}/console")
    say(f"  だれでも見る画面     {ready.public_url}/\n")
    for account in accounts:
        say(f"  {account['label']:\u3000<8} 名前 {account['login']:<10} 合言葉 {account['password']}")
    say(f"\n  人々はすべて架空です。止めるには Ctrl-C。記録は {data / 'logs'} にあります。")


def _settings(settings: Settings, data: Path, port: int, simulator_port: int) -> Settings:
    """合言葉と行き先を入れた設定。環境変数に書かれたものは変えない。"""
    os.environ.update({k: v for k, v in secrets.environment(data).items() if k not in os.environ})
    simulator = f"http://127.0.0.1:{simulator_port}"
    web = f"http://127.0.0.1:{port}"
    return Settings(
        mode=Mode.DEMO,
        data_dir=data,
        public_url=web,
        console_url=web,
        line_api_host=simulator,
        simulator_url=simulator,
    )


def _with_urls(settings: Settings, server: embedded.Server) -> Settings:
    return settings.model_copy(
        update={"database_url": SecretStr(server.app_url), "database_owner_url": SecretStr(server.owner_url)}
    )


def _environment(ready: Settings) -> dict[str, str]:
    assert ready.database_url
    assert ready.database_owner_url
    return {
        "WARD_MODE": "demo",
        "WARD_DEMO_DOOR": "true",
        "DATABASE_URL": ready.database_url.get_secret_value(),
        "WARD_DATABASE_OWNER_URL": ready.database_owner_url.get_secret_value(),
        "WARD_DATA_DIR": str(ready.data_dir),
        "WARD_PUBLIC_URL": ready.public_url,
        "WARD_CONSOLE_URL": ready.console_url,
        "WARD_LINE_API_HOST": ready.line_api_host,
        "WARD_SIMULATOR_URL": ready.simulator_url,
        "PYTHONUNBUFFERED": "1",
    }


@contextlib.contextmanager
def _blaming_a_full_disk(data: Path) -> Iterator[None]:
    """ディスクが一杯のときは、どこがどう失敗しても、そう言う。"""
    failed = True
    try:
        yield
        failed = False
    finally:
        if failed and shutil.disk_usage(data).free < FULL_BYTES:
            raise Refused("ディスクに空きがありません。", next_step="空きを作ってから、もう一度実行してください。")


def _log_to(folder: Path) -> None:
    """記録は画面ではなくファイルへ。"""
    folder.mkdir(exist_ok=True)
    logging.basicConfig(filename=folder / "demo.log", level=logging.WARNING, format=LOG_FORMAT, force=True)


class _Terminated(Exception):
    pass


def _raise_on_sigterm() -> None:
    def end(_number: int, _frame: object) -> None:
        raise _Terminated

    signal.signal(signal.SIGINT, signal.default_int_handler)  # 端末の後ろで起こされると、Ctrl-Cは無視されている
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)


def _ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _only_one(lock: Any, data: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise Refused(
            "お試しはもう動いています。", next_step=f"止めるには動いている側で Ctrl-C。場所: {data}"
        ) from error
