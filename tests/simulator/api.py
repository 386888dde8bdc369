"""LINEの呼び出しを、SDKなしでそのまま打つ道具。"""

import io
import uuid
from typing import Any

import httpx
from PIL import Image

from tests.simulator.running import RunningSimulator

HELLO = [{"type": "text", "text": "こんにちは"}]
SAKURA, KEN, LIN = (f"U{number:032x}" for number in (1, 2, 3))
STRANGER = "U" + "f" * 32


class Api:
    def __init__(self, simulator: RunningSimulator) -> None:
        self.simulator = simulator
        self._http = simulator.http
        self.renew()

    def renew(self) -> None:
        """トークンを取り直す。"""
        self._headers = {"authorization": f"Bearer {self.simulator.channel_token()}"}

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        headers = {**self._headers, **({"x-line-retry-key": key} if key else {})}
        return self._http.post(path, json={} if body is None else body, headers=headers)

    def put(self, path: str, body: Any) -> httpx.Response:
        return self._http.put(path, json=body, headers=self._headers)

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self._http.get(path, params=query, headers=self._headers)

    def delete(self, path: str) -> httpx.Response:
        return self._http.delete(path, headers=self._headers)

    def multicast(self, to: list[Any], *, key: str | None = None, messages: Any = None, **more: Any) -> httpx.Response:
        body = {"to": to, "messages": HELLO if messages is None else messages, **more}
        return self.post("/v2/bot/message/multicast", body, key=key)

    def broadcast(self, *, key: str | None = None) -> httpx.Response:
        return self.post("/v2/bot/message/broadcast", {"messages": HELLO}, key=key)

    # ── メニュー ──

    def create(self, **changed: Any) -> str:
        answer = self.post("/v2/bot/richmenu", menu(**changed))
        assert answer.status_code == 200, answer.text
        return answer.json()["richMenuId"]

    def upload(self, menu_id: str, image: bytes | None = None, kind: str = "image/png") -> httpx.Response:
        headers = {**self._headers, "content-type": kind}
        return self._http.post(f"/v2/bot/richmenu/{menu_id}/content", content=image or picture(), headers=headers)

    def ready_menu(self, **changed: Any) -> str:
        """絵の載ったメニュー。"""
        menu_id = self.create(**changed)
        assert self.upload(menu_id).status_code == 200
        return menu_id

    def alias(self, alias: str, menu_id: str) -> httpx.Response:
        return self.post("/v2/bot/richmenu/alias", {"richMenuAliasId": alias, "richMenuId": menu_id})

    def linked(self, user: str) -> str | None:
        answer = self.get(f"/v2/bot/user/{user}/richmenu")
        return answer.json()["richMenuId"] if answer.status_code == 200 else None


def new_key() -> str:
    return str(uuid.uuid4())


def picture(width: int = 1200, height: int = 810, kind: str = "PNG") -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (width, height), "#1b5e9d").save(body, kind)
    return body.getvalue()


def area(**action: Any) -> dict[str, Any]:
    wanted = action or {"type": "uri", "label": "設定", "uri": "https://www.city.bunkyo.lg.jp/"}
    return {"bounds": {"x": 0, "y": 0, "width": 600, "height": 405}, "action": wanted}


def menu(**changed: Any) -> dict[str, Any]:
    whole = {
        "size": {"width": 1200, "height": 810},
        "selected": True,
        "name": "くらし",
        "chatBarText": "メニュー",
        "areas": [area()],
    }
    return {**whole, **changed}
