"""本文の途中で相手がいなくなっても、誤りにしない: 一行の知らせだけで、何も行わない。"""

from __future__ import annotations

import logging
from typing import Any

import pytest

from backend.settings import Settings
from tests import cast

FORM = (b"content-type", b"application/x-www-form-urlencoded")
JSON = (b"content-type", b"application/json")


async def leave_midway(app: Any, settings: Settings, path: str, headers: list[tuple[bytes, bytes]]) -> list[int]:
    """本文の半分だけを送って切る。始まった返事の番号。"""
    halves = iter([{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}])
    answers: list[int] = []

    async def receive() -> Any:
        return next(halves, {"type": "http.disconnect"})

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            answers.append(event["status"])

    host = settings.public_url.removeprefix("http://").encode()
    await app(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [
                (b"host", host),
                (b"origin", settings.public_url.encode()),
                (b"content-length", b"100"),
                *headers,
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 8000),
            "state": {},
            "extensions": {},
        },
        receive,
        send,
    )
    return answers


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/line/webhook", [JSON]),
        ("/liff/session", [JSON, (b"x-ward", b"1"), (b"sec-fetch-site", b"same-origin")]),
        ("/console/sign-in", [FORM]),
    ],
)
async def test_someone_who_leaves_in_the_middle_of_the_body_is_one_quiet_line(
    database, settings: Settings, caplog: pytest.LogCaptureFixture, path: str, headers: list[tuple[bytes, bytes]]
):
    caplog.set_level(logging.INFO, "backend")
    app = cast.make_app(settings)
    assert await leave_midway(app, settings, path, headers) == [400]
    told = [record for record in caplog.records if record.name == "backend.web.errors"]
    assert [(record.levelname, record.exc_info, path in record.getMessage()) for record in told] == [
        ("INFO", None, True)
    ]
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
