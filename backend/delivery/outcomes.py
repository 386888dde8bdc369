"""LINEの返事から次の一手を決める(DESIGN 8, LINE.md 1.2)。結果の分からない試みの後は、200と409だけが決着になる。"""

from dataclasses import dataclass
from datetime import timedelta

from backend.errors import LineError, Outcome

KEY_LIFE = timedelta(hours=20)
"""LINEは24時間で鍵を忘れ、同じ鍵でももう一度送る。余裕を見て、これより古い鍵は二度と使わない。"""
MOST_DROPPED = 50
"""一つの送信単位で、宛先を一人ずつ外してやり直す回数の上限。"""


@dataclass(frozen=True)
class Refuse:
    """確実に受け付けられていない。"""


@dataclass(frozen=True)
class Drop:
    """宛先の `position` 番目だけが断られた。外して、新しい鍵で送り直す。"""

    position: int


@dataclass(frozen=True)
class Again:
    """同じ鍵で、間を置いてもう一度。結果は分からない。"""


@dataclass(frozen=True)
class SlowDown:
    """速度の上限。受け付けられていないので、待って同じ鍵で。"""


@dataclass(frozen=True)
class OutOfQuota:
    """月の上限。この配信を見合わせにする。"""


@dataclass(frozen=True)
class Park:
    """不明のまま人に渡す。"""


Step = Refuse | Drop | Again | SlowDown | OutOfQuota | Park


def next_step(error: LineError, *, ambiguous: bool, people: int, dropped: int) -> Step:
    """失敗の返事の後の一手。

    `ambiguous` は、前に結果の分からない試みがあったこと。`people` はこの試みの宛先の数、`dropped` はもう外した数。
    """
    match error.outcome:
        case Outcome.UNKNOWN:
            return Again()
        case Outcome.THROTTLED:
            return SlowDown()
        case _ if ambiguous:
            return Park()
        case Outcome.QUOTA:
            return OutOfQuota()
        case _:
            position = error.position
            if position is not None and 0 <= position < people and people > 1 and dropped < MOST_DROPPED:
                return Drop(position)
            return Refuse()


def pause(tries: int, chance: float) -> float:
    """`tries` 回目の結果が分からなかった後に待つ秒。0.5秒から倍々に60秒まで、`chance`(0〜1)でばらつかせる。"""
    longest = min(60.0, 0.5 * 2 ** min(tries - 1, 10))
    return longest * (0.5 + chance / 2)
