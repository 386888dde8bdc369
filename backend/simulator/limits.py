"""速度の上限: チャネルと呼び出しごとのトークンバケツ(LINE.md 1)。"""

from dataclasses import dataclass

from backend.simulator.platform import Platform

HOUR, MINUTE, SECOND = 3600.0, 60.0, 1.0


@dataclass(frozen=True)
class Rate:
    """`per` 秒に `count` 回。"""

    count: int
    per: float


USUAL = Rate(2000, SECOND)
MULTICAST = Rate(200, SECOND)
SIXTY_AN_HOUR = Rate(60, HOUR)
HUNDRED_AN_HOUR = Rate(100, HOUR)
THREE_AN_HOUR = Rate(3, HOUR)
LIST_MENUS = Rate(10, SECOND)
ENDPOINT_SETTING = Rate(1000, MINUTE)
UNLIMITED = Rate(10**9, SECOND)


@dataclass
class _Bucket:
    tokens: float
    at: float


class Limits:
    """`enabled` が偽なら何も止めない。`latency_seconds` はすべての返事の前に待つ時間。"""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._buckets: dict[str, _Bucket] = {}
        self.reload()

    def reload(self) -> None:
        self.enabled: bool = self._platform.recall("limits_enabled", True)
        self.latency_seconds: float = self._platform.recall("latency_seconds", 0.0)
        self._start_empty = False
        self._buckets.clear()

    def set(self, *, enabled: bool | None = None, latency_seconds: float | None = None, empty: bool = False) -> None:
        """バケツを満たし直す。`empty` なら、どのバケツも空から始める。"""
        if enabled is not None:
            self._platform.remember("limits_enabled", enabled)
        if latency_seconds is not None:
            self._platform.remember("latency_seconds", latency_seconds)
        self.reload()
        self._start_empty = empty

    def take(self, endpoint: str, rate: Rate) -> bool:
        """一回分あれば使って真。"""
        if not self.enabled:
            return True
        now = self._platform.now().timestamp()
        bucket = self._buckets.get(endpoint)
        if bucket is None:
            bucket = self._buckets[endpoint] = _Bucket(0.0 if self._start_empty else float(rate.count), now)
        bucket.tokens = min(float(rate.count), bucket.tokens + max(0.0, now - bucket.at) * rate.count / rate.per)
        bucket.at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True
