"""業務の時計はデータベースの `ward_now()` だけ(DESIGN 4)。試験とお試しでは進められる。"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from backend.store import work

JST = ZoneInfo("Asia/Tokyo")


async def now() -> datetime:
    """いまの時刻(UTC、時間帯つき)。"""
    rows = await work.sql("select ward_now() as now")
    return rows[0]["now"].astimezone(UTC)


async def advance(seconds: float) -> datetime:
    """時計を `seconds` 秒だけ進める。ずらす行がある(試験・お試し)ときだけ効く。進めた後の時刻を返す。"""
    await work.sql("update clock_offset set shift = shift + $1", timedelta(seconds=seconds))
    return await now()


async def set_to(moment: datetime) -> datetime:
    """時計を `moment` に合わせる。以後は実時間で進む。"""
    await work.sql("update clock_offset set shift = $1 - statement_timestamp()", moment)
    return await now()
