"""物語の土台: tests/browser の舞台(本物のChromium、手を加えないLIFFの束)に、送り手と職員を加える。"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from backend.database import embedded
from backend.line.gateway import Gateway
from backend.residents.address import AddressKeys
from backend.settings import Settings
from backend.store import clock
from tests import cast
from tests.browser.chrome import Chrome
from tests.browser.conftest import browser, line, pick_up, signed_in, ward_settings, web, web_port
from tests.browser.running_web import RunningWeb
from tests.conftest import CHANNEL_ID, CHANNEL_SECRET
from tests.simulator.running import RunningSimulator
from tests.stories.running_worker import RunningWorker
from tests.stories.staging import PATIENCE, Stage

__all__ = ["browser", "line", "pick_up", "signed_in", "ward_settings", "web", "web_port"]
expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[RunningWorker]:
    running = RunningWorker(tmp_path)
    yield running
    running.kill()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    worker: RunningWorker,
    pick_up: Any,
    browser: Chrome,
    web: RunningWeb,
    line: RunningSimulator,
    schema: embedded.Server,
    ward_settings: Settings,
) -> AsyncIterator[Stage]:
    """火曜日の朝10時。職員がそろい、送り手が座に着き、LINEの知らせは区に届く。"""
    people = await cast.staff()
    await cast.tuesday()
    line.clear_faults()
    line.clock(now=await clock.now() + timedelta(seconds=1))  # 出来事は、同意より必ず後
    line.webhook(f"{web.url}/line/webhook")
    worker.start(ward_settings)
    async with AsyncExitStack() as leaving:
        keys = AddressKeys.from_settings(ward_settings)
        yield Stage(line, web, worker, schema, ward_settings, keys, people, browser, pick_up, leaving)


@pytest_asyncio.fixture(loop_scope="session")
async def gateway(line: RunningSimulator) -> AsyncIterator[Gateway]:
    gateway = Gateway(line.url, CHANNEL_ID, CHANNEL_SECRET)
    yield gateway
    await gateway.close()
