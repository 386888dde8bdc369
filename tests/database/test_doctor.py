"""診断: 見立ては文になり、そのまま動かしてはいけないことは × になる。"""

from dataclasses import dataclass, field

import asyncpg

from backend.database import doctor, wall
from backend.database.doctor import Level
from backend.errors import LineError, Outcome
from backend.settings import Settings
from backend.store import clock, work


@dataclass
class Quota:
    limit: int | None = 200
    used: int = 30


@dataclass
class Line:
    """名乗るだけのLINE。"""

    user_id: str = "U" + "a" * 32
    display_name: str = "文京区"
    basic_id: str = "@bunkyo"
    chat_mode: str = "bot"
    failure: Outcome | None = None
    left: Quota = field(default_factory=Quota)

    async def bot_info(self) -> "Line":
        if self.failure:
            raise LineError(self.failure, "届きません")
        return self

    async def quota(self) -> Quota:
        return self.left


async def wrong(settings: Settings, line: Line) -> list[str]:
    return [finding.subject for finding in await doctor.examine(settings, line) if finding.level is Level.WRONG]


async def test_a_sound_installation_has_nothing_wrong(settings: Settings, database: object) -> None:
    assert await wrong(settings, Line()) == []


async def test_an_unreachable_line_is_wrong(settings: Settings, database: object) -> None:
    assert await wrong(settings, Line(failure=Outcome.UNKNOWN)) == ["LINE"]


async def test_another_account_than_the_pinned_one_is_wrong(settings: Settings, database: object) -> None:
    await wall.check(settings, Line())
    assert await wrong(settings, Line(user_id="U" + "b" * 32)) == ["LINE"]


async def test_a_chat_that_is_on_is_noticed(settings: Settings, database: object) -> None:
    found = await doctor.examine(settings, Line(chat_mode="chat"))
    assert any(f.level is Level.NOTICE and "チャット" in f.words for f in found)


async def test_a_ledger_that_can_be_rewritten_is_wrong(settings: Settings, owner: asyncpg.Connection) -> None:
    await owner.execute("grant update on audit_entry to ward_app")
    try:
        assert await wrong(settings, Line()) == ["権利"]
    finally:
        await owner.execute("revoke update on audit_entry from ward_app")


async def test_a_clock_that_was_moved_is_noticed_in_the_demo(settings: Settings, database: object) -> None:
    await clock.advance(3600)
    found = await doctor.examine(settings, Line())
    assert any(f.level is Level.NOTICE and f.subject == "時計" for f in found)


async def test_holidays_are_known_ninety_days_ahead(settings: Settings, database: object) -> None:
    found = await doctor.examine(settings, Line())
    assert any(f.level is Level.GOOD and f.subject == "祝日" for f in found)


async def test_a_menu_that_cannot_turn_to_a_disaster_is_noticed(settings: Settings, database: object) -> None:
    found = await doctor.examine(settings, Line())
    assert any(f.level is Level.NOTICE and "まだLINEに置いていません" in f.words for f in found)
    await work.sql("update menu_known set shown = 'resident:1'")
    found = await doctor.examine(settings, Line())
    assert any(f.level is Level.NOTICE and "災害時のメニューがありません" in f.words for f in found)
