"""書き留める取り次ぎ: 送り手とLINEの間に立ち、送り手の送ったものを、一字も落とさず残す。"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


class Recorder:
    """`url` へ来た呼び出しを `line` へ取り次ぐ。`seen` は(道と問い合わせ、見出し、本文)の文字。"""

    def __init__(self, line: str) -> None:
        self.seen: list[str] = []
        self._line = httpx.Client(base_url=line, trust_env=False, timeout=60)
        recorder = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                recorder.seen.append(
                    f"{self.command} {self.path} {dict(self.headers)} {body.decode('utf-8', 'replace')}"
                )
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _OWN}
                answer = recorder._line.request(self.command, self.path, content=body, headers=headers)
                self.send_response(answer.status_code)
                for name, value in answer.headers.multi_items():
                    if name.lower() not in _OWN:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            do_POST = do_GET  # noqa: N815  標準の部品が、方法の名で探す

            def log_message(self, *_args: object) -> None:
                """標準の部品の記録は要らない。"""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._line.close()


_OWN = {"host", "content-length", "transfer-encoding", "connection", "content-encoding", "accept-encoding"}
