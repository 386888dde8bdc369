"""最初の画面: いましなければならないことを、役割ごとに。"""

import re

import pytest

from backend.store import clock
from backend.ward.kinds import Kind
from tests.cast import Cast, Console
from tests.console_fixtures import Opening, app, console, people
from tests.messages import requests

__all__ = ["app", "console", "people"]


async def todos(browser: Console) -> dict[str, int]:
    page = (await browser.get("/console")).text
    listed = page[page.index('<ul class="todo">') : page.index("</ul>", page.index('<ul class="todo">'))]
    return {words: int(count) for words, count in re.findall(r"<span>([^<]+)</span><strong>(\d+)", listed)}


async def test_a_section_sees_its_own_work(console: Opening, people: Cast) -> None:
    await requests.drafted(people.tanaka)
    await requests.submitted(people.tanaka)
    await requests.submitted(people.watanabe)
    assert await todos(await console(people.tanaka)) == {
        "直して出し直す依頼": 0,
        "書きかけの依頼": 1,
        "確認を待っている依頼": 1,
    }


async def test_pr_counts_only_what_this_person_can_approve(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    await requests.submitted(people.sato)
    assert (await todos(await console(people.sato)))["承認できる依頼"] == 1
    assert (await todos(await console(people.nakamura)))["承認できる依頼"] == 2


async def test_what_only_the_chief_approves_is_not_counted_for_pr(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka, kind=Kind.KI)
    assert (await todos(await console(people.sato)))["承認できる依頼"] == 0
    assert (await todos(await console(people.ito)))["承認できる依頼"] == 1


async def test_a_waiting_emergency_is_named(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka, kind=Kind.I)
    assert "うち緊急 1件" in (await (await console(people.sato)).get("/console")).text


async def test_an_expired_request_is_work_for_both(console: Opening, people: Cast) -> None:
    await requests.submitted(people.tanaka)
    await clock.advance(6 * 3600)
    assert (await todos(await console(people.sato)))["時間切れの依頼"] == 1
    assert (await todos(await console(people.tanaka)))["直して出し直す依頼"] == 1


async def test_an_administrator_sees_who_has_not_used_an_invitation(console: Opening, people: Cast) -> None:
    assert (await todos(await console(people.takahashi)))["招待を使っていない職員"] == 0


@pytest.mark.parametrize("login", ["tanaka", "suzuki", "sato", "ito", "takahashi", "ogawa", "yoshida"])
async def test_every_role_has_a_home(console: Opening, people: Cast, login: str) -> None:
    answer = await (await console(getattr(people, login))).get("/console")
    assert answer.status_code == 200
    assert 'class="account-state' in answer.text


async def test_the_account_state_is_always_in_the_head(console: Opening, people: Cast) -> None:
    from backend.account import state
    from backend.store import work

    await work.run(state.stop, people.ito, everything=True)
    page = (await (await console(people.tanaka)).get("/console/messages")).text
    assert "state-stopped" in page
    assert "すべて停止" in page
