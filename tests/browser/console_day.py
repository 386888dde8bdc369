"""職員の一日: コンソールのどの画面にも、見るものがある朝。書きかけから配信まで、告知文の案、窓口の一件、メニューの案、期限の近いもの。"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from backend.consent.notices import Purpose
from backend.menus.roles import Role
from backend.messages import desk, review
from backend.messages.states import ReturnReason
from backend.residents import incident, preferences, rights
from backend.residents.address import AddressKeys
from backend.residents.choices import Choices
from backend.staff import factors, invitations, totp
from backend.store import clock, work
from backend.ward.kinds import Kind
from tests import cast
from tests.cast import SAKURA, Cast
from tests.consent import desk as notices_desk
from tests.menus import making
from tests.messages import requests

if TYPE_CHECKING:
    from backend.permissions import Actor
    from backend.settings import Settings

Names = Mapping[str, str]
"""道の型の差し込み: 窓口の一件の番号、招待の札。"""

# 人 → [(道の型, 開くアドレス)]。アドレスの{…}には、その朝の番号が入る。
PAGES: dict[str, list[tuple[str, str]]] = {
    "tanaka": [
        ("/console", "/console"),
        ("/console/messages", "/console/messages"),
        ("/console/messages/new", "/console/messages/new"),
        ("/console/messages/{request_id:int}", "/console/messages/1"),
        ("/console/messages/{request_id:int}/submit", "/console/messages/1/submit"),
        ("/console/messages/{request_id:int}", "/console/messages/2"),
        ("/console/messages/{request_id:int}", "/console/messages/3"),
        ("/console/messages/{request_id:int}", "/console/messages/4"),
        ("/console/segments", "/console/segments"),
        ("/console/deliveries", "/console/deliveries"),
        ("/console/deliveries/{delivery_id:int}", "/console/deliveries/1"),
        ("/console/stop", "/console/stop"),
        ("/console/links", "/console/links"),
        ("/console/links/new", "/console/links/new"),
        ("/console/links/{code:str}", "/console/links/koe"),
        ("/console/links/{code:str}/edit", "/console/links/koe/edit"),
        ("/console/factor", "/console/factor"),
    ],
    "sato": [
        ("/console", "/console"),
        ("/console/review", "/console/review"),
        ("/console/review/{request_id:int}", "/console/review/2"),
        ("/console/review/{request_id:int}", "/console/review/5"),
        ("/console/messages/{request_id:int}", "/console/messages/2?edit=1"),
        ("/console/messages/reminders", "/console/messages/reminders"),
        ("/console/deliveries/{delivery_id:int}", "/console/deliveries/1"),
        ("/console/menus", "/console/menus"),
        ("/console/menus/new", "/console/menus/new"),
        ("/console/menus/{version_id:int}", "/console/menus/1"),
        ("/console/menus/{version_id:int}/edit", "/console/menus/1/edit"),
        ("/console/menus/artwork", "/console/menus/artwork"),
        ("/console/consent", "/console/consent"),
        ("/console/links/{code:str}/edit", "/console/links/koe/edit"),
        ("/console/stop", "/console/stop"),
    ],
    "ito": [
        ("/console/review/{request_id:int}", "/console/review/6"),
        ("/console/audit", "/console/audit"),
        ("/console/stop", "/console/stop"),
        ("/console/consent/new", "/console/consent/new"),
        ("/console/consent/{number:int}", "/console/consent/2"),
        ("/console/menus/{version_id:int}", "/console/menus/1"),
        ("/console/menus/statistics", "/console/menus/statistics"),
    ],
    "takahashi": [
        ("/console", "/console"),
        ("/console/staff", "/console/staff"),
        ("/console/staff/new", "/console/staff/new"),
        ("/console/staff/{staff_id:int}/change", "/console/staff/1/change"),
        ("/console/audit", "/console/audit"),
        ("/console/rights/incident", "/console/rights/incident"),
    ],
    "ogawa": [
        ("/console", "/console"),
        ("/console/rights", "/console/rights"),
        ("/console/rights/{case:uuid}", "/console/rights/{case}"),
        ("/console/rights/incident", "/console/rights/incident"),
        ("/console/consent", "/console/consent"),
        ("/console/consent/{number:int}", "/console/consent/2"),
    ],
    "yoshida": [
        ("/console", "/console"),
        ("/console/deliveries", "/console/deliveries"),
        ("/console/stop", "/console/stop"),
    ],
}
REFUSED: list[tuple[str, str, int]] = [
    ("tanaka", "/console/review", 403),
    ("tanaka", "/console/messages/999", 404),
    ("sato", "/console/deliveries/999", 404),
    ("sato", "/console/links/nothing", 404),
    ("yoshida", "/console/nothing", 404),
]
"""断りの画面。"""
EMPTY: dict[str, list[str]] = {
    "tanaka": ["/console", "/console/messages", "/console/deliveries"],
    "sato": [
        "/console/review",
        "/console/menus",
        "/console/messages/reminders",
        "/console/menus/statistics",
    ],
}
"""まだ何もない朝の画面。"""
FORMS = [
    ("tanaka", "/console/links/new"),
    ("ogawa", "/console/rights"),
    ("sato", "/console/consent/new"),
    ("ogawa", "/console/rights/incident"),
]
"""空のまま送ると断られるフォームのある画面。"""
BEFORE_SIGN_IN = [
    ("/console/sign-in", "/console/sign-in"),
    ("/console/invitation/{token:str}", "/console/invitation/{invitation}"),
    ("/console/invitation/{token:str}", "/console/invitation/old"),
    ("/console/sign-in/code", "/console/sign-in/code"),
]
FRAGMENTS = {
    "/console/deliveries/{delivery_id:int}/live": "配信の画面の中の、動く所",
    "/console/menus/runs/{run_id:int}": "メニューの画面の中の、動く所",
    "/console/menus/following": "「止める・再開する」の画面の中の、動く所",
}
"""一枚の画面ではないもの。それを抱える画面で調べる。"""


async def begin(settings: Settings) -> tuple[Cast, Names]:
    """書きかけ、確認待ち、差戻し、承認済み、佐藤の書いたもの、キが一つずつ。ほかの部屋にも一つずつ。"""
    made = await cast.staff()
    await cast.tuesday()
    await requests.drafted(made.tanaka, title="書きかけ", body="○○公園で、本日10時からこどもまつりを開催。①")
    await requests.submitted(made.tanaka, title="確認を待つまつり")
    back = await requests.submitted(made.tanaka, title="戻されたまつり")
    version = (await desk.find(made.sato, back)).version
    await work.run(review.return_, made.sato, back, version, ReturnReason.CONTACT, "会場の電話を書いてください。")
    approved = await requests.submitted(made.tanaka, title="承認されたまつり", body_en="The festival is on December 5.")
    await requests.approve(made.sato, approved)
    await requests.submitted(made.sato, title="佐藤の書いたお知らせ")
    await requests.submitted(made.tanaka, title="広報課長だけのお知らせ", kind=Kind.KI)
    await making.version(Role.RESIDENT, making.two_tabs(), made.sato)
    await notices_desk.proposal(Purpose.AREA, actor=made.sato)
    names = {"case": await _at_the_counter(made.ogawa, settings), "invitation": await _invited(made.tanaka)}
    return made, names


async def _at_the_counter(officer: Actor, settings: Settings) -> str:
    """窓口で開いた、さくらの一件。"""
    keys = AddressKeys.from_settings(settings)
    answers = Choices(
        purposes=Purpose.AREA | Purpose.PARENTING,
        area=cast.HONGO_3,
        birth_months=((await clock.now()).date().replace(day=1),),
    )
    await work.run(preferences.save_many, keys, [(SAKURA, answers)])
    code, _ = await work.run(rights.issue_code, keys, SAKURA)
    return str(await work.run(rights.open_case, officer, keys, code))


async def _invited(actor: Actor) -> str:
    return await work.run(invitations.add, "shinjin", "新人", actor.role, "kosodate", "子育て支援課")


async def closed(actor: Actor) -> None:
    """個人設定を閉じた(漏えい対応の途中)。"""
    await incident.close(actor, "端末をなくした")


async def enrolled(actor: Actor, settings: Settings) -> None:
    """その人は、6桁も要る。"""
    secret = await work.run(factors.propose, actor, settings.session_keys)
    await clock.advance(totp.STEP_SECONDS)
    code = totp.code(secret, totp.step_of(await clock.now()))
    await work.run(factors.confirm, actor, code, settings.session_keys)
