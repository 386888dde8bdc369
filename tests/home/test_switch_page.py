"""止める画面の並び: 夜の職員が急ぐものが先に、見た目も言葉も違う箱で並ぶ(LOOK「Destructive or wide actions」)。"""

from __future__ import annotations

import re
from typing import Any

import pytest

from backend.account import state
from backend.permissions import Actor
from backend.store import work
from tests.cast import Cast
from tests.console_fixtures import Opening, app, console, people

__all__ = ["app", "console", "people"]


async def seen(console: Opening, actor: Actor) -> str:
    return (await (await console(actor)).get("/console/stop")).text


def buttons(page: str) -> dict[str, str]:
    """押したときのこと(`do`)→ 見た目。並んでいる順。"""
    found = re.findall(r'<button class="([^"]+)" name="do" value="(\w+)"', page)
    return {what: look for look, what in found}


async def test_the_chief_of_disaster_prevention_meets_the_disaster_switch_first(console: Opening, people: Cast) -> None:
    found = buttons(await seen(console, people.watanabe))
    assert list(found) == ["disaster", "stop_bulk"]
    assert len(set(found.values())) == 2, "同じ見た目のボタンを二つ並べない"


async def test_each_wide_switch_has_its_own_box_and_says_what_it_does(console: Opening, people: Cast) -> None:
    page = await seen(console, people.ito)
    found = buttons(page)
    assert list(found)[:3] == ["disaster", "stop_bulk", "stop_all"]
    assert len(set(list(found.values())[:3])) == 3
    for what, says in {
        "disaster": "メニューと公開ページが災害時のものに替わり、緊急(イ)だけを送ります。",
        "stop_bulk": "緊急(イ)は送り続けます。ほかは見合わせになります。",
        "stop_all": "緊急(イ)も、何も送らなくなります。",
    }.items():
        before = page[: page.index(f'value="{what}"')]
        box = before[max(before.rindex("<h2"), before.rfind("<h3")) :]
        assert says in box, what


@pytest.mark.parametrize("disaster", [False, True])
async def test_while_stopped_the_way_back_stands_before_a_wider_stop(
    console: Opening, people: Cast, disaster: Any
) -> None:
    if disaster:
        await work.run(state.enter_disaster, people.watanabe)
    await work.run(state.stop, people.sato, everything=False)
    found = [what for what in buttons(await seen(console, people.ito)) if what != "warn"]
    assert found == (
        ["propose_resume", "stop_all", "propose_normal"] if disaster else ["disaster", "propose_resume", "stop_all"]
    )
