"""本番と訓練の壁(CHECKS G4)。"""

from dataclasses import dataclass

import asyncpg
import pytest

from backend.database import wall
from backend.errors import LineError, Outcome, Refused, Unavailable
from backend.settings import Mode, Settings


@dataclass
class Line:
    """ボットの名乗りだけをする相手。`failure` があれば名乗らない。"""

    user_id: str = "U" + "a" * 32
    failure: Outcome | None = None

    async def bot_info(self) -> "Line":
        if self.failure:
            raise LineError(self.failure, "届きません")
        return self


async def test_the_first_start_pins_the_account(settings: Settings, owner: asyncpg.Connection) -> None:
    await wall.check(settings, Line())
    assert tuple(await owner.fetchrow("select mode, channel_id, bot_user_id from installation")) == (
        "demo",
        settings.line_channel_id,
        Line().user_id,
    )


async def test_the_same_account_starts_again(settings: Settings, database: object) -> None:
    assert await wall.check(settings, Line()) == await wall.check(settings, Line())


async def test_another_account_is_refused(settings: Settings, database: object) -> None:
    await wall.check(settings, Line())
    with pytest.raises(Refused, match="別のLINEアカウント"):
        await wall.check(settings, Line("U" + "b" * 32))


async def test_another_mode_is_refused_before_line_is_asked(settings: Settings, database: object) -> None:
    await wall.check(settings, Line())
    with pytest.raises(Refused, match="「お試し」"):
        await wall.check(settings.model_copy(update={"mode": Mode.LIVE}), Line(failure=Outcome.UNKNOWN))


async def test_another_channel_is_refused(settings: Settings, database: object) -> None:
    await wall.check(settings, Line())
    with pytest.raises(Refused, match="別のチャネル"):
        await wall.check(settings.model_copy(update={"line_channel_id": "1"}), Line())


async def test_an_unreachable_line_does_not_keep_a_pinned_installation_from_starting(
    settings: Settings, database: object
) -> None:
    pinned = await wall.check(settings, Line())
    assert await wall.check(settings, Line(failure=Outcome.UNKNOWN)) == pinned


async def test_an_unreachable_line_keeps_the_very_first_start_waiting(settings: Settings, database: object) -> None:
    with pytest.raises(Unavailable):
        await wall.check(settings, Line(failure=Outcome.UNKNOWN))


async def test_wrong_credentials_are_refused(settings: Settings, database: object) -> None:
    with pytest.raises(Refused, match="認証情報"):
        await wall.check(settings, Line(failure=Outcome.REFUSED))


async def test_the_pin_cannot_be_rewritten_by_the_application(settings: Settings, owner: asyncpg.Connection) -> None:
    await wall.check(settings, Line())
    async with owner.transaction():
        await owner.execute("set local role ward_app")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with owner.transaction():
                await owner.execute("update installation set mode = 'live'")
