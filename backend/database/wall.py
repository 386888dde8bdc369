"""本番と訓練の壁: 初めての起動がアカウントと環境をデータベースに刻み、違うものとは起動しない(DESIGN 4)。"""

from dataclasses import dataclass
from typing import Protocol

from backend.errors import LineError, Outcome, Refused, Unavailable
from backend.settings import Mode, Settings
from backend.store import work


class Line(Protocol):
    """`line.gateway.Gateway` のうち、ここで使うところ。"""

    async def bot_info(self) -> "Bot": ...


class Bot(Protocol):
    @property
    def user_id(self) -> str: ...


@dataclass(frozen=True)
class Pin:
    mode: Mode
    channel_id: str
    bot_user_id: str


async def check(settings: Settings, line: Line) -> Pin:
    """刻まれたものと同じなら、それを返す。初めてなら刻む。違えば `Refused`、確かめられなければ `Unavailable`。

    LINEに届かないときは、チャネルIDが刻まれたものと同じなら起動する(チャネルとボットは一対一)。
    固定のトークンは別のチャネルのものかもしれないので、届くまで起動しない。
    """
    pinned = await read()
    _refuse_other_place(pinned, settings)
    try:
        bot_user_id = (await line.bot_info()).user_id
    except LineError as error:
        if error.outcome is Outcome.REFUSED:
            raise Refused(
                "LINEがチャネルの認証情報を受け付けませんでした。",
                next_step="WARD_LINE_CHANNEL_ID と WARD_LINE_CHANNEL_SECRET を確かめてください。",
            ) from error
        if pinned and not settings.line_channel_access_token.get_secret_value():
            return pinned
        raise Unavailable(
            "LINEに届かず、どのアカウントか確かめられません。", next_step="少し待って、起動し直してください。"
        ) from error
    seen = Pin(settings.mode, settings.line_channel_id, bot_user_id)
    pinned = pinned or await work.run(_pin, seen)
    if pinned.bot_user_id != seen.bot_user_id:
        raise _other("別のLINEアカウント")
    _refuse_other_place(pinned, settings)
    return pinned


async def read() -> Pin | None:
    """刻まれたもの。まだなければNone。"""
    rows = await work.sql("select mode, channel_id, bot_user_id from installation")
    return Pin(Mode(rows[0]["mode"]), rows[0]["channel_id"], rows[0]["bot_user_id"]) if rows else None


async def _pin(seen: Pin) -> Pin:
    await work.sql(
        "insert into installation (mode, channel_id, bot_user_id) values ($1, $2, $3) on conflict do nothing",
        seen.mode.value,
        seen.channel_id,
        seen.bot_user_id,
    )
    return await read() or seen


def _refuse_other_place(pinned: Pin | None, settings: Settings) -> None:
    if pinned and pinned.mode is not settings.mode:
        raise _other(f"「{pinned.mode.label}」")
    if pinned and pinned.channel_id != settings.line_channel_id:
        raise _other("別のチャネル")


def _other(whose: str) -> Refused:
    return Refused(
        f"このデータベースは{whose}のものです。起動しません。",
        next_step="DATABASE_URL、WARD_MODE、WARD_LINE_CHANNEL_ID の組み合わせを確かめてください。",
    )
