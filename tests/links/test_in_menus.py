"""メニューの中のリンク: 台帳から選び、開けないものは新しい版に使えない。"""

import pytest
import pytest_asyncio

from backend.links import editing
from backend.menus import declaration, links, rules
from backend.menus.declaration import Finding
from backend.settings import Settings
from backend.store import work
from tests import cast
from tests.cast import Cast
from tests.menus import making


@pytest_asyncio.fixture(loop_scope="session")
async def people(database: object) -> Cast:
    return await cast.staff()


async def _faults(settings: Settings) -> list[Finding]:
    parsed = declaration.parse(making.text(making.tab("kurashi", making.cell("避難所を見る", "{link: bosai_evac}"))))
    return rules.blocking(rules.check(parsed, await links.places(settings)))


async def test_a_living_link_may_be_chosen(people: Cast, settings: Settings) -> None:
    assert await _faults(settings) == []


@pytest.mark.parametrize("how", ["dead", "retired"])
async def test_a_link_that_does_not_open_stops_a_new_menu(people: Cast, settings: Settings, how: str) -> None:
    if how == "dead":
        await work.sql("update link_check set dead_since = ward_now() where code = 'bosai_evac'")
    else:
        await work.run(editing.retire, people.sato, "bosai_evac", 1, None, "終わった")
    (fault,) = await _faults(settings)
    assert "bosai_evac" in fault.message


async def test_a_menu_asks_for_an_outer_browser_where_the_register_says_so(people: Cast, settings: Settings) -> None:
    await work.sql("update link set external_browser = true where code = 'bosai_evac'")
    places = await links.places(settings)
    assert places.links["bosai_evac"][1] == f"{settings.public_url}/go/bosai_evac?openExternalBrowser=1"
