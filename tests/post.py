"""試験の郵便局: 届いた手紙を覚える、手元のSMTP。"""

import socket
import threading
from email import message_from_string, policy
from email.message import EmailMessage
from typing import Any

from pydantic import SecretStr

from backend.settings import Settings

NOWHERE = "smtp://127.0.0.1:9"
"""だれもいない郵便局。"""


def posting(settings: Settings, url: str) -> Settings:
    """`url` の郵便局へ手紙を出す設定。"""
    return settings.model_copy(update={"smtp_url": SecretStr(url), "alert_email": "koho@example.jp"})


class Post:
    """届いた手紙を覚えるだけの郵便局。`busy` なら、だれも受け付けない。`calls` は訪ねた数。"""

    def __init__(self, *, busy: bool = False) -> None:
        self.busy, self.calls = busy, 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self.letters: list[str] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def told(self, settings: Settings) -> Settings:
        """この郵便局へ手紙を出す設定。"""
        return posting(settings, f"smtp://127.0.0.1:{self.port}")

    def read(self, number: int = -1) -> EmailMessage:
        """届いた手紙の一通。"""
        return message_from_string(self.letters[number], policy=policy.default)

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)  # 閉じるだけでは、待っている糸が起きない
        self._door.close()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._door.accept()
            except OSError:
                return
            with line, line.makefile("rwb") as talk:
                self._talk(talk)

    def _talk(self, talk: Any) -> None:
        def say(words: bytes) -> None:
            talk.write(words + b"\r\n")
            talk.flush()

        self.calls += 1
        if self.busy:
            say(b"421 busy")
            return
        say(b"220 post")
        while command := talk.readline():
            verb = command[:4].upper()
            if verb == b"DATA":
                say(b"354 go on")
                lines = []
                while (line := talk.readline()) != b".\r\n":
                    lines.append(line)
                self.letters.append(b"".join(lines).decode())
            say(b"221 bye" if verb == b"QUIT" else b"250 ok")
            if verb == b"QUIT":
                return
