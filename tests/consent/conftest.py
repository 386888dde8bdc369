"""告知文を公開する人たちは、名簿にいる: データベースは、いない人の承認を受け付けない。"""

from typing import Any

import pytest_asyncio

from tests import cast
from tests.consent.desk import CHIEF, OFFICER, PR, SECOND, SECTION


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def _desk(database: Any) -> None:
    await cast.enrol(OFFICER, SECOND, PR, CHIEF, SECTION)
