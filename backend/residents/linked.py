"""LINEとのつながり: 友だちかを確かめる、アプリへの許可を取り消す。LINEが答えないときに、どちらへ倒すかをここで決める。"""

import asyncio
from typing import Any

from backend.errors import LineError, Refused, Unavailable

SECONDS = 3.0
"""消した後に、LINEの返事を待つ長さ。"""


class NotFriend(Refused):
    """友だちでない人のものは保存しない(RULES 36)。"""


async def is_friend(line: Any, user_id: str) -> bool:
    """友だちか。LINEに聞けないときは止めない: 保存の前に、もう一度必ず確かめる。"""
    try:
        return await line.is_friend(user_id)
    except LineError:
        return True


async def require_friend(line: Any, user_id: str) -> None:
    """同意を書く前に、必ず確かめる。友だちでなければ `NotFriend`、LINEに聞けなければ `Unavailable`。"""
    try:
        friend = await line.is_friend(user_id)
    except LineError as error:
        raise Unavailable(
            "ただいまLINEに確かめられません。まだ何も保存していません。",
            next_step="少し待ってから、もう一度押してください。",
        ) from error
    if not friend:
        raise NotFriend(
            "文京区を友だちに追加すると受け取れます。まだ何も保存していません。",
            next_step="友だちに追加してから、もう一度押してください。",
        )


async def unlink(line: Any, token: str) -> bool:
    """LINEの側の許可も取り消せたか(RULES 39)。札がなければできない。

    預かったものはもう消えている。返事の遅いLINEのために、消去の証を待たせない。
    """
    if not token:
        return False
    try:
        async with asyncio.timeout(SECONDS):
            await line.deauthorize(token)
    except (LineError, TimeoutError):
        return False
    return True
