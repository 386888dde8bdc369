"""終わり: 最後の一つをやめると、すべて消したときと同じ画面になり、写し取られたクッキーも使えない。"""

from __future__ import annotations

from typing import Any

import asyncpg
import httpx
import pytest

from tests.browser.phone import WARD, Phone
from tests.browser.running_web import RunningWeb


async def reads(web: RunningWeb, cookies: list[dict[str, str]]) -> int:
    """写し取ったクッキーで、登録を読んでみた返事。"""
    sent = "; ".join(f"{one['name']}={one['value']}" for one in cookies)
    async with httpx.AsyncClient(base_url=web.url, trust_env=False) as thief:
        return (await thief.get("/liff/api/me", headers={"cookie": sent})).status_code


async def copied(phone: Phone) -> list[dict[str, str]]:
    found = [dict(one) for one in await phone.context.cookies(WARD) if "ward-liff" in one["name"]]
    assert found, "クッキーがない"
    return found


@pytest.mark.parametrize("button", ["#held-list .held button:has-text('やめる')", "#moved"])
async def test_stopping_the_last_purpose_shows_the_proof_and_ends_the_session(
    sakura: Phone, web: RunningWeb, owner: asyncpg.Connection, button: str
) -> None:
    await sakura.consent_to_area()
    await sakura.page.click("#go-held")
    await sakura.arrive("held")
    stolen = await copied(sakura)
    assert await reads(web, stolen) == 200
    await sakura.page.click(button)
    await sakura.arrive("erased")
    assert "地域のお知らせ" in await sakura.page.inner_text("#proof") or "すべて" in await sakura.page.inner_text(
        "#proof"
    )
    assert await owner.fetchval("select count(*) from resident") == 0
    assert [line for line in sakura.said if "401" not in line] == []
    assert await reads(web, stolen) == 401


async def test_finishing_on_a_shared_computer_ends_a_copied_cookie_too(pick_up: Any, web: RunningWeb) -> None:
    desk = await pick_up(agent=None, width=1280)
    await desk.to_form()
    stolen = await copied(desk)
    assert await reads(web, stolen) == 200
    await desk.page.click("#leave")
    await desk.arrive("trouble")
    assert await reads(web, stolen) == 401
