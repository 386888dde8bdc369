"""軽さと固さ: はじめに読むものは60kB(gzip)まで。CSPと Trusted Types のもとで、コンソールは黙っている(CHECKS 2、7)。"""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from backend.account import state
from backend.store import work
from tests import cast
from tests.browser.phone import WARD, Phone

LIMIT = 60_000


@pytest.mark.parametrize("disaster", [False, True])
async def test_the_first_load_weighs_at_most_sixty_kilobytes(phone: Phone, disaster: bool) -> None:
    """人がいちばん集まるのは災害時。案内の分だけ重くなっても、上限は変わらない。"""
    if disaster:
        await work.run(state.enter_disaster, (await cast.staff()).watanabe)
    weights: dict[str, int] = {}

    async def weigh(response: Any) -> None:
        body = await response.body()
        packed = response.headers.get("content-encoding") == "gzip"
        weights[response.url.removeprefix(WARD)] = len(gzip.compress(body, 6)) if packed else len(body)

    responses: list[Any] = []
    phone.page.on("response", lambda response: responses.append(response))
    await phone.open()
    await phone.page.wait_for_load_state("networkidle")
    for response in responses:
        if response.url.startswith(WARD):
            await weigh(response)
    print(f"はじめに読むもの {sum(weights.values())} B: {weights}")
    assert sum(weights.values()) <= LIMIT


async def test_the_page_allows_no_inline_script_and_only_lines_api(phone: Phone) -> None:
    answer = await phone.page.goto(f"{WARD}/liff")
    assert answer
    policy = answer.headers["content-security-policy"]
    assert "connect-src 'self' https://api.line.me;" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    html = await answer.text()
    assert " onclick=" not in html
    assert " style=" not in html


async def test_the_html_holds_nothing_about_a_person(sakura: Phone) -> None:
    await sakura.consent_to_area()
    answer = await sakura.page.goto(f"{WARD}/liff/settings")
    assert answer
    html = await answer.text()
    assert sakura.user not in html
    assert "さくら" not in html
    assert answer.headers["cache-control"] == "no-store"


async def test_the_address_and_the_requests_carry_no_person_and_no_attribute(sakura: Phone) -> None:
    await sakura.consent_to_area()
    assert [
        request.url for request in sakura.sent if sakura.user in request.url or "41" in request.url.split("?")[-1]
    ] == []
