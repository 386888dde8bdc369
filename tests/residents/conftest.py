"""住民の部屋の試験の土台: 本物の扉と、模擬LINEで確かめた本人。"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from backend.app import create_app
from backend.line.gateway import Gateway
from backend.settings import Settings

PUBLIC = "http://127.0.0.1:8000"


class Page:
    """一人のブラウザ。本物の頁と同じ見出しを付けて話す。"""

    def __init__(self, app: Any, simulator: Any) -> None:
        self.simulator = simulator
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        headers = {"origin": PUBLIC, "x-ward": "1", "sec-fetch-site": "same-origin"}
        self.http = httpx.AsyncClient(transport=transport, base_url=PUBLIC, headers=headers, trust_env=False)

    async def sign_in(self, user: str, fault: str = "") -> httpx.Response:
        return await self.offer(self.simulator.id_token(user, fault))

    async def offer(self, token: str, **more: Any) -> httpx.Response:
        return await self.http.post("/liff/session", json={"id_token": token}, **more)

    async def save(self, **changed: Any) -> httpx.Response:
        return await self.http.put("/liff/api/me", json=form(**changed))

    async def renew(self, purpose: str, **changed: Any) -> httpx.Response:
        """「続ける」を押す。"""
        body = {"notice_version": 1, "notice_language": "ja", **changed}
        return await self.http.post(f"/liff/api/me/{purpose}/renewal", json=body)

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.http.request(method, path, **more)


def form(**changed: Any) -> dict[str, Any]:
    """「地域だけ」の本文。"""
    return {"purposes": ["area"], "area": 12, "notice_version": 1, "notice_language": "ja", **changed}


@pytest_asyncio.fixture(loop_scope="session")
async def app(database: Any, line_settings: Settings) -> AsyncIterator[Any]:
    line = Gateway.from_settings(line_settings)
    yield create_app(line_settings, line)
    await line.close()


@pytest_asyncio.fixture(loop_scope="session")
async def pages(app: Any, simulator: Any) -> AsyncIterator[Any]:
    """新しいブラウザを開く。"""
    opened: list[Page] = []

    def open_page() -> Page:
        opened.append(Page(app, simulator))
        return opened[-1]

    yield open_page
    for page in opened:
        await page.http.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def page(pages: Any) -> Page:
    return pages()


def written(folder: Path) -> bytes:
    """フォルダの中のすべてのバイト(PostgreSQL自身のファイルのほか)。"""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
