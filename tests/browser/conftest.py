"""本物のChromium・本物のLIFF SDK(手を加えない製品の束)・模擬LINE・PostgreSQLをつなぐ(LINE.md 3.3 の2)。"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest
import pytest_asyncio

from backend.line import identity
from tests.browser.chrome import Chrome
from tests.browser.phone import IPHONE, PATIENCE, WARD, Phone, flags
from tests.browser.running_web import RunningWeb
from tests.cast import KEN, LIN, SAKURA
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LIFF_ID, make_settings
from tests.simulator.running import RunningSimulator, free_port

if TYPE_CHECKING:
    from backend.database import embedded
    from backend.settings import Settings

FRESH = identity.FRESH.total_seconds()
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="session")
def web_port() -> int:
    """画面のサーバーのポート。模擬LINEが取り次ぐ先を、先に知っておくため。"""
    return free_port()


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory, web_port: int) -> Iterator[RunningSimulator]:
    """TLSのある模擬LINE。製品のホスト名への頼みは、画面のサーバーへ取り次ぐ。"""
    simulator = RunningSimulator(
        tmp_path_factory.mktemp("line"),
        channel_id=CHANNEL_ID,
        channel_secret=CHANNEL_SECRET,
        liff_id=LIFF_ID,
        public_url=WARD,
        tls=True,
        ward_upstream=f"http://127.0.0.1:{web_port}",
    )
    simulator.start()
    yield simulator
    simulator.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def web(
    tmp_path_factory: pytest.TempPathFactory, schema: embedded.Server, line: RunningSimulator, web_port: int
) -> AsyncIterator[RunningWeb]:
    folder = tmp_path_factory.mktemp("web")
    owner = await asyncpg.connect(schema.owner_url)
    await owner.execute("truncate installation")  # ほかの試験が別のアカウントを書き留めていることがある
    await owner.close()
    server = RunningWeb(folder, port=web_port)
    server.start(
        make_settings(
            folder,
            database_url=schema.app_url,
            owner_url=schema.owner_url,
            simulator_url=line.url,
            public_url=WARD,
        )
    )
    yield server
    server.stop()


@pytest.fixture(scope="session")
def ward_settings(web: RunningWeb, schema: embedded.Server, line: RunningSimulator) -> Settings:
    """画面のサーバーと同じ設定。"""
    return make_settings(
        web.folder, database_url=schema.app_url, owner_url=schema.owner_url, simulator_url=line.url, public_url=WARD
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(line: RunningSimulator, web: RunningWeb) -> AsyncIterator[Chrome]:
    chrome = Chrome(flags(line))
    yield chrome
    await chrome.quit()


@pytest.fixture(scope="session")
def signed_in() -> dict[str, Any]:
    """人 → (端末の中身, 作った時刻)。使い回し(札の使用済みの印は試験ごとに消える)、札が古くなる前に作り直す。"""
    return {}


@pytest_asyncio.fixture(loop_scope="session")
async def pick_up(
    browser: Chrome, web: RunningWeb, line: RunningSimulator, database: embedded.Server, signed_in: dict[str, Any]
) -> AsyncIterator[Callable[..., Any]]:
    """電話を手に取る: `await pick_up(user=…, width=…, color_scheme=…)`。人と台帳は空から始まる。

    `known=True` は、この端末でもうLINEの確認を済ませた人。
    """
    line.reset()
    line.login_faults()
    line.put_people({"user": SAKURA, "name": "さくら"}, {"user": KEN, "name": "健"}, {"user": LIN, "name": "リン"})
    for user in (SAKURA, KEN, LIN):
        line.login_faults(forget=user)
    async with AsyncExitStack() as stack:

        async def make(
            user: str = SAKURA,
            *,
            width: int = PHONE["width"],
            height: int = PHONE["height"],
            agent: str | None = IPHONE,
            known: bool = False,
            **more: Any,
        ) -> Phone:
            if known and time.monotonic() - signed_in.get(user, (None, -FRESH))[1] > FRESH / 2:
                first = await make(user)
                await first.to_form()
                signed_in[user] = (await first.context.storage_state(), time.monotonic())
            context = await browser.context(
                viewport={"width": width, "height": height},
                user_agent=agent,
                locale=more.pop("locale", "ja-JP"),
                timezone_id="Asia/Tokyo",
                reduced_motion="reduce",
                storage_state=signed_in[user][0] if known else None,
                **more,
            )
            context.set_default_timeout(PATIENCE)
            stack.push_async_callback(browser.put_away, context)
            await context.add_cookies([{"name": "line_friend", "value": user, "domain": ".line.me", "path": "/"}])
            phone = Phone(context, await context.new_page(), line, user, known)
            phone.listen()
            return phone

        yield make


@pytest_asyncio.fixture(loop_scope="session")
async def phone(pick_up: Callable[..., Any]) -> Phone:
    """さくらの電話。LINEの確認は、これから。"""
    return await pick_up()


@pytest_asyncio.fixture(loop_scope="session")
async def sakura(pick_up: Callable[..., Any]) -> Phone:
    """さくらの電話。LINEの確認は済んでいる。"""
    return await pick_up(known=True)


@pytest_asyncio.fixture(loop_scope="session")
async def http(web: RunningWeb) -> AsyncIterator[httpx.AsyncClient]:
    """ブラウザの外から、同じサーバーに話す。"""
    async with httpx.AsyncClient(base_url=web.url, trust_env=False, timeout=60) as client:
        yield client
