"""メニューの中のリンク: 台帳から選び、開けないものは新しい版に使えない。アドレスで書いても、台帳の知ることは変わらない。"""

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

CHOSEN = "{link: bosai_evac}"
EVAC = "https://www.city.bunkyo.lg.jp/b009/p000034.html"
TYPED = f"{{uri: '{EVAC}'}}"


@pytest_asyncio.fixture(loop_scope="session")
async def people(database: object) -> Cast:
    made = await cast.staff()
    await work.sql("update link_check set verdict = 'ok'")
    return made


async def _findings(settings: Settings, action: str = CHOSEN) -> list[Finding]:
    parsed = declaration.parse(making.text(making.tab("kurashi", making.cell("避難所を見る", action))))
    return rules.check(parsed, await links.places(settings))


async def _faults(settings: Settings, action: str = CHOSEN) -> list[Finding]:
    return rules.blocking(await _findings(settings, action))


async def _stop(people: Cast, how: str) -> None:
    if how == "dead":
        await work.sql("update link_check set dead_since = ward_now() where code = 'bosai_evac'")
    else:
        await work.run(editing.retire, people.sato, "bosai_evac", 1, None, "終わった")


async def test_a_living_link_may_be_chosen(people: Cast, settings: Settings) -> None:
    assert await _findings(settings) == []


@pytest.mark.parametrize("how", ["dead", "retired"])
async def test_a_link_that_does_not_open_stops_a_new_menu(people: Cast, settings: Settings, how: str) -> None:
    await _stop(people, how)
    (fault,) = await _faults(settings)
    assert "bosai_evac" in fault.message


@pytest.mark.parametrize("how", ["dead", "retired"])
@pytest.mark.parametrize(
    "typed",
    [
        EVAC,
        f"{EVAC}#map",
        f"{EVAC}?openExternalBrowser=1",
        f"{EVAC}?openExternalBrowser=1#map",
        EVAC.replace("www.city", "WWW.City"),
        EVAC.replace(".jp/", ".jp:443/"),
    ],
)
async def test_a_registered_page_that_does_not_open_is_known_when_typed_as_an_address(
    people: Cast, settings: Settings, how: str, typed: str
) -> None:
    await _stop(people, how)
    (fault,) = await _faults(settings, f"{{uri: '{typed}'}}")
    assert "災害時の避難" in fault.message
    assert fault.path == ("tabs", 0, "cells", 0, "action")


async def test_a_retired_name_does_not_stop_a_page_that_another_living_link_has(
    people: Cast, settings: Settings
) -> None:
    await work.sql(
        "insert into link (code, label, owner_section, url, allowed_hosts) values ('zz', '避難所', 'koho', $1, '{}')",
        EVAC,
    )
    await _stop(people, "retired")
    assert await _faults(settings, TYPED) == []


async def test_a_registered_page_typed_as_an_address_is_told_to_be_chosen_instead(
    people: Cast, settings: Settings
) -> None:
    (told,) = await _findings(settings, TYPED)
    assert (told.severity.value, "災害時の避難" in told.message, "台帳から選ぶと" in told.remedy) == (
        "warn",
        True,
        True,
    )


async def test_a_page_outside_the_register_typed_as_an_address_is_told_to_be_registered(
    people: Cast, settings: Settings
) -> None:
    (told,) = await _findings(settings, "{uri: 'https://www.city.bunkyo.lg.jp/b000/p999999.html'}")
    assert (told.severity.value, "台帳にない" in told.message, "登録" in told.remedy) == ("warn", True, True)


@pytest.mark.parametrize("typed", ["https://[::1", "https://example.com/", "http://www.city.bunkyo.lg.jp/", "x"])
async def test_an_address_that_cannot_be_used_is_told_once(people: Cast, settings: Settings, typed: str) -> None:
    (fault,) = await _findings(settings, f"{{uri: '{typed}'}}")
    assert fault.severity.value == "block"


async def test_our_own_pages_need_no_register(people: Cast, settings: Settings) -> None:
    published = settings.model_copy(update={"public_url": "https://line.city.bunkyo.lg.jp"})
    assert await _findings(published, "{uri: 'https://line.city.bunkyo.lg.jp/verify'}") == []


@pytest.mark.parametrize("verdict", ["unseen", "unsure", "unreachable"])
async def test_a_link_that_nobody_could_confirm_is_told_but_may_be_chosen(
    people: Cast, settings: Settings, verdict: str
) -> None:
    await work.sql("update link_check set verdict = $1 where code = 'bosai_evac'", verdict)
    (told,) = await _findings(settings)
    assert (told.severity.value, "確かめられていない" in told.message) == ("warn", True)


async def test_a_menu_asks_for_an_outer_browser_where_the_register_says_so(people: Cast, settings: Settings) -> None:
    await work.sql("update link set external_browser = true where code = 'bosai_evac'")
    places = await links.places(settings)
    assert places.links["bosai_evac"][1] == f"{settings.public_url}/go/bosai_evac?openExternalBrowser=1"
