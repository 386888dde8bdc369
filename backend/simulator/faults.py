"""頼まれた故障: どの呼び出しに、何を、何回に一度、あと何回(DESIGN 5)。"""

from typing import Any

from backend.errors import Refused
from backend.simulator.platform import Platform

KINDS = {
    "500_before",
    "500_after",
    "reset_after",
    "stall_after",
    "429_rate",
    "429_quota",
    "400_to",
    "body_mismatch",
}
BEFORE = {"500_before", "429_rate", "429_quota", "400_to"}


class Faults:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._faults: list[dict[str, Any]] = platform.recall("faults", [])

    def reload(self) -> None:
        self._faults = self._platform.recall("faults", [])

    def add(self, endpoint: str, fault: str, every: int = 1, times: int | None = None) -> None:
        """`endpoint` は道の終わり(`multicast` など)か全体。`every` 回に一度、`times` 回まで(Noneは限りなく)。"""
        if fault not in KINDS:
            raise Refused(f"知らない故障です: {fault}", next_step="、".join(sorted(KINDS)))
        self._faults.append({"endpoint": endpoint, "fault": fault, "every": max(1, every), "times": times, "seen": 0})
        self._save()

    def clear(self) -> None:
        self._faults = []
        self._save()

    def all(self) -> list[dict[str, Any]]:
        return self._faults

    def next_for(self, path: str) -> str:
        """この呼び出しに当たる故障の名。なければ空。"""
        for fault in self._faults:
            if not path.endswith(fault["endpoint"]) or fault["times"] == 0:
                continue
            fault["seen"] += 1
            hit = fault["seen"] % fault["every"] == 0
            if hit and fault["times"] is not None:
                fault["times"] -= 1
            self._save()
            if hit:
                return fault["fault"]
        return ""

    def _save(self) -> None:
        self._platform.remember("faults", self._faults)
