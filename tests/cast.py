"""配役。さくら(同意済、本郷三丁目、子一人)、健(同意していない)、リン(英語)、田中(所管課)、鈴木(所管課長)、
佐藤(広報課)、伊藤(広報課長)、高橋(システム管理者)。ほかに、渡辺(防災課の課長)、中村(もう一人の広報課)。"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
from argon2 import PasswordHasher

from backend.permissions import Actor, Role
from backend.store import clock, work
from backend.store.clock import JST
from backend.web.sessions import CONSOLE, csrf_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from backend.consent.notices import Purpose
    from backend.messages.manuscript import Manuscript
    from backend.residents.address import AddressKeys
    from backend.residents.preferences import Choices
    from backend.settings import Settings

SAKURA = "U" + "0" * 31 + "1"
KEN = "U" + "0" * 31 + "2"
LIN = "U" + "0" * 31 + "3"
HONGO_3 = 41  # 本郷三丁目(ward/areas.csv)
PASSWORD = "三毛猫と坂道の夕焼け空"
# 計算の軽いハッシュ。確かめる側はハッシュに書かれた重さで計算するので、道は本番と同じ。
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
SECTIONS = {
    "kosodate": "子育て支援課",
    "koho": "広報課",
    "bosai": "防災課",
    "joho": "情報政策課",
    "somu": "総務課",
}
STAFF = (
    ("tanaka", "田中", Role.SECTION_STAFF, "kosodate"),
    ("suzuki", "鈴木", Role.SECTION_CHIEF, "kosodate"),
    ("sato", "佐藤", Role.PR, "koho"),
    ("nakamura", "中村", Role.PR, "koho"),
    ("ito", "伊藤", Role.PR_CHIEF, "koho"),
    ("watanabe", "渡辺", Role.SECTION_CHIEF, "bosai"),
    ("takahashi", "高橋", Role.ADMINISTRATOR, "joho"),
    ("ogawa", "小川", Role.PRIVACY_OFFICER, "somu"),
    ("yoshida", "吉田", Role.NIGHT_WATCH, "somu"),
)


@dataclass(frozen=True)
class Cast:
    """職員の配役。`actors` は役割の違う全員を、表の順に。"""

    tanaka: Actor
    suzuki: Actor
    sato: Actor
    nakamura: Actor
    ito: Actor
    watanabe: Actor
    takahashi: Actor
    ogawa: Actor
    yoshida: Actor

    @property
    def actors(self) -> list[Actor]:
        return [getattr(self, login) for login, *_ in STAFF]


async def staff() -> Cast:
    """課と職員を入れる。パスワードは全員 `PASSWORD`。"""
    for code, name in SECTIONS.items():
        await work.sql("insert into section (code, name) values ($1, $2) on conflict do nothing", code, name)
    found: dict[str, Actor] = {}
    for login, name, role, section in STAFF:
        rows = await work.sql(
            "insert into staff_member (login, name, role, section_code, password_hash) values ($1, $2, $3, $4, $5) "
            "returning id",
            login,
            name,
            role.value,
            section,
            _CHEAP,
        )
        found[login] = Actor(rows[0]["id"], login, name, role, section, SECTIONS[section])
    return Cast(**found)


async def enrol(*actors: Actor) -> None:
    """番号の決まった職員を、名簿に入れる。もういれば何もしない。"""
    for actor in actors:
        await work.sql(
            "insert into section (code, name) values ($1, $2) on conflict do nothing",
            actor.section_code,
            actor.section_name,
        )
        await work.sql(
            "insert into staff_member (id, login, name, role, section_code, password_hash) overriding system value "
            "values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            actor.staff_id,
            f"{actor.login}{actor.staff_id}",
            actor.name,
            actor.role.value,
            actor.section_code,
            _CHEAP,
        )


async def session(actor: Actor) -> str:
    """サインインを済ませた札。パスワードの道を通らない近道。"""
    token = secrets.token_urlsafe(32)
    await work.sql(
        "insert into staff_session (token_sha256, staff_id) values ($1, $2)",
        hashlib.sha256(token.encode()).digest(),
        actor.staff_id,
    )
    return token


def user(number: int) -> str:
    """名もない友だちのLINEの識別子。"""
    return "U" + hashlib.sha256(f"cast:{number}".encode()).hexdigest()[:32]


async def consented(keys: AddressKeys, people: dict[str, Choices]) -> None:
    """同意した人を、ふだんと同じ動詞で入れる。"""
    from backend.residents import preferences

    await work.run(preferences.save_many, keys, list(people.items()))


async def continued(keys: AddressKeys, users: list[str], *purposes: Purpose) -> None:
    """`purposes` の一つずつに「続ける」を押した人。"""
    from backend.residents import preferences

    for one in users:
        for purpose in purposes:
            await work.run(preferences.renew, keys, one, purpose)


async def crowd(keys: AddressKeys, count: int, make: Callable[[int], Choices], first: int = 0) -> list[str]:
    """`count` 人の同意した人。`make(n)` がn人目の答え。"""
    people = {user(first + n): make(n) for n in range(count)}
    await consented(keys, people)
    return list(people)


async def tuesday(hour: int = 10, minute: int = 0) -> datetime:
    """業務の時計を2026年11月24日(火)の、勤務時間の朝に合わせる。"""
    moment = datetime(2026, 11, 24, hour, minute, tzinfo=JST)
    await clock.set_to(moment)
    return moment.astimezone(UTC)


@dataclass
class Console:
    """一人の職員の、一つのブラウザ。GETした画面は毎回、決まりごとを確かめる。"""

    http: httpx.AsyncClient
    token: str
    pages: list[str] = field(default_factory=list)

    @property
    def csrf(self) -> str:
        return csrf_token(self.token)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        answer = await self.http.get(path, **more)
        if answer.headers.get("content-type", "").startswith("text/html"):
            looks_whole(answer)
        return answer

    async def post(self, path: str, data: Any = None, *, csrf: str | None = None, **more: Any) -> httpx.Response:
        """出どころと札の正しい、ふつうの送信。"""
        headers = {"origin": str(self.http.base_url).rstrip("/"), **more.pop("headers", {})}
        fields = {**(data or {}), "csrf": self.csrf if csrf is None else csrf}
        answer = await self.http.post(path, data=fields, headers=headers, **more)
        if answer.headers.get("content-type", "").startswith("text/html"):
            looks_whole(answer)
        return answer

    async def close(self) -> None:
        await self.http.aclose()


def looks_whole(answer: httpx.Response) -> None:
    """画面なら必ず守ること: 題、見出しは一つ、書き残しの記号なし、その場の印も書式もなし。"""
    text = answer.text
    if "<!doctype html>" not in text.lower():
        return
    assert re.search(r"<title>[^<]+\| ", text), "題がない"
    assert text.count("<h1>") == 1, "見出しが一つでない"
    assert '<html lang="ja">' in text
    assert "{{" not in text, "テンプレートの印が残っている"
    assert "{%" not in text, "テンプレートの印が残っている"
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "その場のスクリプト"
    for tag in re.findall(r"<[a-zA-Z](?:[^>\"']|\"[^\"]*\"|'[^']*')*>", text):
        names = re.sub(r"=(\"[^\"]*\"|'[^']*')", "=", tag)
        assert not re.search(r"\s(style|on[a-z]+|hx-on[:a-z-]*)=|^<style", names), f"その場の書式か仕掛け: {tag}"
        assert "javascript:" not in re.sub(r"(value|content)=\"[^\"]*\"", "", tag)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def make_app(settings: Settings) -> Any:
    """本番と同じ組み立て。LINEには触れない試験のための、どこにもつながらない `Gateway`。"""
    from backend.app import create_app
    from backend.line.gateway import Gateway

    return create_app(settings, Gateway("http://127.0.0.1:9", "1650000000", "0" * 32))


def browser(app: Any, settings: Settings, cookies: dict[str, str] | None = None) -> httpx.AsyncClient:
    """リダイレクトを追わない、素のブラウザ。"""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url=settings.console_url,
        trust_env=False,
        cookies=cookies,
    )


async def signed_in(app: Any, settings: Settings, actor: Actor) -> Console:
    """サインインした職員のコンソール。使い終えたら `close`。"""
    token = await session(actor)
    return Console(browser(app, settings, {CONSOLE: token}), token)


def manuscript(now: datetime, **changes: Any) -> Manuscript:
    """点検を何も言われずに通る、全員あての原稿。`changes` で一部を変える。"""
    from backend.messages.manuscript import Audience, Manuscript, Timing
    from backend.ward.kinds import Kind

    send_at = now + timedelta(hours=3)
    made: dict[str, Any] = {
        "kind": Kind.A,
        "title": "区民まつりのお知らせ",
        "body": "12月5日(土) 10時から15時まで、教育の森公園で区民まつりを開きます。\n雨のときは翌日に延ばします。",
        "contact": "区民課 03-5803-1111",
        "audience": Audience.EVERYONE,
        "timing": Timing.AT,
        "send_at": send_at,
        "expires_at": send_at + timedelta(hours=2),
        "source_note": "11月20日 部長決裁",
    }
    made.update(changes)
    return Manuscript(**made)
