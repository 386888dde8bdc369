"""業務の断りとLINEの失敗。これ以外の例外はバグであり、番号付きの500ページになる。"""

from collections.abc import Sequence
from enum import StrEnum


class Refused(Exception):
    """業務上の断り。`message` はそのまま画面に出る日本語、`next_step` は次にできること。"""

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


class Forbidden(Refused):
    """権限のない操作。画面では403になる。"""


class NotFound(Refused):
    """指されたものが無い。画面では404になる。"""


class Unavailable(Refused):
    """いまは使えない(データベースやLINEに届かない)。画面では503になる。何も失われていない。"""


class Outcome(StrEnum):
    """LINEへの呼び出しが失敗したとき、送信について言えること(LINE.md 1.2)。"""

    REFUSED = "refused"  # 確実に受け付けられていない(4xx)
    UNKNOWN = "unknown"  # 受け付けられたかもしれない(5xx、時間切れ、切断)
    THROTTLED = "throttled"  # 速度の上限。受け付けられていない(429 rate)
    QUOTA = "quota"  # 月の上限。受け付けられていない(429 monthly limit)


class LineError(Exception):
    """LINEへの呼び出しの失敗。`status` はHTTPの状態(返事がないときは0)。

    `position` は、400が宛先の一つ(`to[n]`)を名指したときの n。`details` はLINEが挙げた誤りの
    (`property`, `message`)。どちらにも、人を指す値は入らない。
    """

    def __init__(
        self,
        outcome: Outcome,
        message: str,
        *,
        status: int = 0,
        request_id: str = "",
        position: int | None = None,
        details: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(f"{outcome}: {status} {message}")
        self.outcome = outcome
        self.message = message
        self.status = status
        self.request_id = request_id
        self.position = position
        self.details = tuple(details)
