"""頼まれた故障: どの呼び出しに、何を、何回に一度、あと何回(DESIGN 5)。"""

from fnmatch import fnmatchcase
from typing import Any

from backend.errors import Refused
from backend.simulator.platform import Platform

KINDS = {
    "500_before",
    "500_after",
    "reset_before",
    "reset_after",
    "stall_before",
    "stall_after",
    "429_rate",
    "429_quota",
    "400_to",
    "401",
    "403",
    "body_mismatch",  # 知られた再試行の鍵で本文が違えば400
    "batch_fails",  # まとめての置き換えが半分で失敗する
}
BEFORE = KINDS - {"500_after", "reset_after", "stall_after", "body_mismatch", "batch_fails"}
Fault = dict[str, Any]


class Faults:
    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.reload()

    def reload(self) -> None:
        self._faults: list[Fault] = self._platform.recall("faults", [])

    def add(self, endpoint: str, fault: str, every: int = 1, times: int | None = None, index: int = 0) -> None:
        """`endpoint` は道の終わり(`multicast`、`bulk/link` など)、`*` を含む道、または `GET ` などで始まるもの。

        空なら全部。`every` 回に一度、`times` 回まで(Noneは限りなく)。`index` は `400_to` が名指す番号。
        """
        if fault not in KINDS:
            raise Refused(f"知らない故障です: {fault}", next_step="、".join(sorted(KINDS)))
        wanted = {"endpoint": endpoint, "fault": fault, "every": max(1, every), "times": times, "index": index}
        self._faults.append({**wanted, "seen": 0})
        self._save()

    def clear(self) -> None:
        self._faults = []
        self._save()

    def all(self) -> list[Fault]:
        return self._faults

    def next_for(self, method: str, path: str) -> Fault | None:
        """この呼び出しに当たる故障。"""
        for fault in self._faults:
            if fault["times"] == 0 or not matches(fault["endpoint"], method, path):
                continue
            fault["seen"] += 1
            hit = fault["seen"] % fault["every"] == 0
            if hit and fault["times"] is not None:
                fault["times"] -= 1
            self._save()
            if hit:
                return fault
        return None

    def _save(self) -> None:
        self._platform.remember("faults", self._faults)


def matches(endpoint: str, method: str, path: str) -> bool:
    """`multicast` は送信だけを指し、`validate/multicast` や `delivery/multicast` は指さない。"""
    wanted, _, rest = endpoint.rpartition(" ")
    if wanted and wanted != method:
        return False
    if "*" in rest:
        return fnmatchcase(path, rest)
    if "/" not in rest and ("/validate/" in path or "/delivery/" in path):
        return rest == ""
    return rest == "" or path == rest or path.endswith(f"/{rest.lstrip('/')}")
