"""コンソールの試験が共に使う仕込み。使う側が名を挙げて取り込む。"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from backend.permissions import Actor
from backend.settings import Settings
from tests import cast
from tests.cast import Cast, Console

Opening = Callable[[Actor], Awaitable[Console]]


@pytest_asyncio.fixture(loop_scope="session")
async def people(database: object) -> Cast:
    """職員がいて、時計が火曜日の10時を指している。"""
    made = await cast.staff()
    await cast.tuesday()
    return made


_APPS: dict[str, Any] = {}


@pytest.fixture
def app(settings: Settings) -> Any:
    """本番と同じ組み立て。状態を持たないので、データベースが同じなら使い回す。"""
    assert settings.database_url
    where = settings.database_url.get_secret_value()
    if where not in _APPS:
        _APPS[where] = cast.make_app(settings)
    return _APPS[where]


@pytest_asyncio.fixture(loop_scope="session")
async def console(app: Any, settings: Settings) -> AsyncIterator[Opening]:
    """職員を渡すと、その人のサインインしたコンソールを返す。"""
    opened: list[Console] = []

    async def open_for(actor: Actor) -> Console:
        opened.append(await cast.signed_in(app, settings, actor))
        return opened[-1]

    yield open_for
    for one in opened:
        await one.close()
