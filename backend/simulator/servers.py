"""模擬LINEのサーバー: 一つのプロセスに二つ(ふつうのものとTLS)を並べ、シグナルで一緒に終える。"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backend.errors import Refused

GRACE_SECONDS = 1


class _Protocol(HttpToolsProtocol):
    """接続を切る故障のために、運び手を渡す。"""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]


class Server(uvicorn.Server):
    """二つ並べるので、シグナルは `run` がまとめて受ける。"""

    def __init__(self, settings: uvicorn.Config, listening: socket.socket) -> None:
        super().__init__(settings)
        self._listening = listening
        self.listens = asyncio.Event()

    @property
    def port(self) -> int:
        return self._listening.getsockname()[1]

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    async def run_here(self) -> None:
        await self.serve([self._listening])


def config(app: Any, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        log_level="warning",
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=60,
        **more,
    )


def bind(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Refused(
            f"ポート{port}は、ほかのプログラムが使っています。", next_step="`--port` で別の番号を指定してください。"
        ) from error
    listening.set_inheritable(True)
    return listening


def run(servers: list[Server], words: list[str]) -> None:
    """始まったら `words` を告げ、止められるまで動かす。"""

    async def together() -> None:
        def stop() -> None:
            for server in servers:
                server.should_exit = True

        async def announce() -> None:
            for server in servers:
                await server.listens.wait()
            sys.stdout.write("\n".join([*words, ""]))
            sys.stdout.flush()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, stop)
        await asyncio.gather(*(server.run_here() for server in servers), announce())

    logging.getLogger("httpx").setLevel(logging.WARNING)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(together())


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # uvloopのない機械でも動く
        return None
    return uvloop.new_event_loop
