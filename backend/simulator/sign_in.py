"""サインインの材料をひとまとめにしたもの: 人、許可、故障、設定。"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backend.settings import Settings
from backend.simulator.id_tokens import Fault, issue
from backend.simulator.permits import Permits


class Person(Protocol):
    @property
    def user(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def friend(self) -> bool: ...
    @property
    def blocked(self) -> bool: ...
    @property
    def note(self) -> str: ...


class People(Protocol):
    """人を探せるもの(platform.py)。"""

    def person(self, user: str) -> Person | None: ...
    def search(self, text: str, offset: int, limit: int) -> tuple[Sequence[Person], int]: ...


@dataclass
class Faults:
    """頼まれた故障。`times` は残りの回数、None は頼まれなくなるまで。"""

    id_token: Fault = Fault.NONE
    refuse: bool = False
    times: int | None = None

    def token_fault(self) -> Fault:
        return self.id_token if self.id_token and self._spend() else Fault.NONE

    def refuses(self) -> bool:
        return self.refuse and self._spend()

    def _spend(self) -> bool:
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass
class SignIn:
    people: People
    permits: Permits
    settings: Settings
    faults: Faults = field(default_factory=Faults)

    @property
    def endpoint(self) -> str:
        """LIFFのエンドポイントURL。"""
        return f"{self.settings.public_url}/liff"

    @property
    def channel_id(self) -> str:
        """LINEログインのチャネルID = LIFF IDの `-` より前。"""
        return self.settings.liff_id.partition("-")[0]

    @property
    def liff_base(self) -> str:
        """スマートフォンの中でLIFFを開く先。お試しでは製品の同じ出どころの扉を通る(LINE.md 3.3の3)。"""
        return f"{self.settings.public_url}/line/liff" if self.settings.demo_door else "https://liff.line.me"

    def id_token(self, user: str, fault: Fault = Fault.NONE) -> str:
        if self.people.person(user) is None:
            raise KeyError(user)
        return issue(
            self.permits.signing_keys()[0],
            user=user,
            channel_id=self.channel_id,
            now=self.permits.now(),
            fault=fault,
            secret=self.settings.line_login_channel_secret.get_secret_value(),
        )
