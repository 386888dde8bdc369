"""続ける: 期限が近づくとページで尋ね、一度押せば二年延びる(CHECKS P14, RULES 38)。"""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from backend.consent.notices import Purpose
from backend.messages import reminder_plan
from backend.residents import erasure, renewal
from backend.store import clock, work
from backend.store.clock import JST
from tests.consent.desk import publish
from tests.residents.conftest import Page, app, page, pages
from tests.residents.people import SAKURA

__all__ = ["app", "page", "pages"]


@pytest.fixture
async def saved(page: Page, simulator: Any) -> Page:
    simulator.add_friends(SAKURA)
    await page.sign_in(SAKURA)
    assert (await page.save()).status_code == 200
    return page


async def area(page: Page) -> dict[str, Any]:
    return (await page.call("GET", "/liff/api/me")).json()["held"]["purposes"][0]


async def ends_in(owner: asyncpg.Connection, days: int) -> None:
    """期限がちょうど `days` 日後になるまで、同意した時を過去へ動かす。"""
    wanted = (await clock.now()).astimezone(JST) + timedelta(days=days)
    await owner.execute("update consent_event set at = ($1::timestamptz - interval '24 months')", wanted)


async def test_the_page_asks_when_the_end_is_near_and_one_press_moves_it_on(saved: Page, owner: asyncpg.Connection):
    assert (await area(saved))["ending"] is False
    await ends_in(owner, renewal.ASK_DAYS + 1)
    assert (await area(saved))["ending"] is False
    await ends_in(owner, renewal.ASK_DAYS)
    near = await area(saved)
    assert (near["renew"], near["ending"]) == (False, True)
    assert (await saved.renew("area")).status_code == 200
    after = await area(saved)
    assert after["ending"] is False
    assert datetime.fromisoformat(after["until"]) > datetime.fromisoformat(near["until"]) + timedelta(days=600)


async def test_a_changed_text_is_asked_about_until_it_is_accepted(saved: Page):
    await publish(effective_in=10)
    assert (await area(saved))["renew"] is False
    number = await publish(Purpose.AREA, effective_in=10)
    assert (await area(saved))["renew"] is True
    assert (await saved.save(notice_version=number)).status_code == 200
    assert (await area(saved))["renew"] is True
    assert (await saved.renew("area", notice_version=number)).status_code == 200
    assert (await area(saved))["renew"] is False


def test_the_page_already_asks_when_the_earliest_reminder_arrives() -> None:
    """月の終わりに期限の来る人には、月ごとのお知らせがいちばん早く着く。そのとき、もう「続ける」がある。"""
    earliest = timedelta(0)
    for month in range(120):
        now = datetime(2026 + month // 12, month % 12 + 1, 1, tzinfo=JST)
        for one in reminder_plan.plan([], now):
            last = (one.ends_on + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            earliest = max(earliest, timedelta(days=(last - one.send_at.date()).days))
    print(f"P14: いちばん早いお知らせは期限の{earliest.days}日前、ページが尋ね始めるのは{renewal.ASK_DAYS}日前")
    assert earliest.days <= renewal.ASK_DAYS


async def test_who_lapses_was_never_silently_kept(saved: Page, owner: asyncpg.Connection, keys: Any):
    """続けなければ、期限で消える。"""
    await ends_in(owner, 0)
    await work.sql("update resident set live_until = ward_now()")
    assert await erasure.sweep(keys) == 1
    assert await owner.fetchval("select count(*) from resident") == 0
