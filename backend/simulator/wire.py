"""LINEの呼び出しの形: 模擬LINEのすべて、届いた呼び出し、返事、呼び出しの表の一行。"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from backend.settings import Settings
from backend.simulator.faults import Faults
from backend.simulator.jobs import Jobs
from backend.simulator.ledger import Ledger
from backend.simulator.limits import USUAL, Limits, Rate
from backend.simulator.platform import Platform
from backend.simulator.richmenus import RichMenus
from backend.simulator.sign_in import SignIn
from backend.simulator.webhooks import Webhooks

BODY_LIMIT = 2_000_000
MESSAGING, LOGIN = "messaging", "login"  # トークンの出どころのチャネル


@dataclass
class World:
    """模擬LINEのすべて。"""

    settings: Settings
    platform: Platform
    ledger: Ledger
    menus: RichMenus
    webhooks: Webhooks
    jobs: Jobs
    limits: Limits
    faults: Faults
    sign_in: SignIn

    def account(self, name: str, default: Any = None) -> Any:
        """公式アカウントの状態(`/_sim/account` で決める)。"""
        return self.platform.recall("account", {}).get(name, default)

    def reset(self) -> None:
        """人も記録も設定も空にする。"""
        self.platform.reset()
        self.ledger.reload()
        self.faults.reload()
        self.limits.reload()
        self.sign_in.faults = type(self.sign_in.faults)()


@dataclass
class Call:
    """届いた一つの呼び出し。"""

    world: World
    path: dict[str, str]
    query: dict[str, str]
    body: bytes
    content_type: str
    request_id: str
    token: str
    fault: str

    def json(self) -> dict[str, Any]:
        """本文のJSONオブジェクト。違えば400。"""
        try:
            value = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            value = None
        if not isinstance(value, dict):
            raise Answered(400, {"message": "The request body could not be parsed as JSON"})
        return value

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


@dataclass
class Answer:
    """返事。`requested`・`delivered`・`messages` は台帳に残る。`after` は取引の済んだあと。

    `finish` は取引の外で待つもの(Webhookの試し打ち)。その返事に替わる。
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    requested: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    messages: str | None = None
    silent: bool = False
    after: Callable[[], None] | None = None
    finish: Callable[[], Awaitable["Answer"]] | None = None


class Answered(Exception):
    """途中で決まった返事。"""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = Answer(status, body, headers or {})


@dataclass(frozen=True)
class Endpoint:
    """`path` は `/v2/bot/user/{user:str}/richmenu` のような道。

    `addressed` は、断ったときにも台帳に残す宛先を本文から読む。`channel` はトークンを出したチャネル(空なら要らない)。
    """

    method: str
    path: str
    handle: Callable[[Call], Answer]
    rate: Rate = USUAL
    retry_key: bool = False
    channel: str = MESSAGING
    body_limit: int = BODY_LIMIT
    addressed: Callable[[Call], list[str]] | None = None


def invalid(details: list[dict[str, str]]) -> Answered:
    return Answered(400, {"message": f"The request body has {len(details)} error(s)", "details": details})


def not_found(message: str = "Not found") -> Answered:
    return Answered(404, {"message": message})
