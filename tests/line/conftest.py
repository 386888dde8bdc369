from collections.abc import AsyncIterator

import pytest_asyncio

from backend.line.gateway import Gateway
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET, LOGIN_CHANNEL_ID
from tests.line.stub import Stub, running


@pytest_asyncio.fixture(loop_scope="session")
async def stub() -> AsyncIterator[Stub]:
    async with running() as stub:
        yield stub


@pytest_asyncio.fixture(loop_scope="session")
async def line(stub: Stub) -> AsyncIterator[Gateway]:
    """小さなLINEを向いた道。返事は0.5秒で待つのをやめる。"""
    gateway = Gateway(
        stub.url,
        CHANNEL_ID,
        CHANNEL_SECRET,
        login_channel_ids=[LOGIN_CHANNEL_ID],
        login_channel_secret="f" * 32,
        send_timeout=0.5,
    )
    yield gateway
    await gateway.close()
