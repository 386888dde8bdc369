"""メニューの試験の土台: 配役と、その人のコンソール。"""

import pytest_asyncio

from backend.app import create_app
from tests import cast


@pytest_asyncio.fixture(loop_scope="session")
async def desk(database, line_settings, gateway):
    """配役と、その人のコンソールを開く関数。"""
    people = await cast.staff()
    await cast.tuesday()
    app = create_app(line_settings, gateway)
    opened = []

    async def open_for(actor):
        opened.append(await cast.signed_in(app, line_settings, actor))
        return opened[-1]

    yield people, open_for
    for one in opened:
        await one.close()
