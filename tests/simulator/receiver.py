"""Webhookを受ける小さなサーバー: 届いたままのバイトを取っておく。"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec


@dataclass(frozen=True)
class Post:
    raw: bytes
    signature: str

    @property
    def events(self) -> list[dict]:
        return msgspec.json.decode(self.raw)["events"]


@dataclass
class Receiver:
    """`statuses` は先頭から順に返し、なくなれば200。`pause` は返事の前に待つ秒数。"""

    url: str = ""
    posts: list[Post] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    pause: float = 0.0

    def wait(self, count: int, seconds: float = 5.0) -> list[Post]:
        deadline = time.monotonic() + seconds
        while len(self.posts) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.posts) >= count, f"{count}件を待ちましたが{len(self.posts)}件でした"
        return self.posts

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for post in self.posts for event in post.events]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            time.sleep(receiver.pause)
            receiver.posts.append(Post(raw, self.headers["x-line-signature"]))
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/line/webhook"
    yield receiver
    server.shutdown()
    server.server_close()
