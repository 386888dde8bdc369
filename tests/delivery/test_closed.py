"""漏えい対応で「個人設定を閉じる」と、条件での配信は始まりも続きもしない。全員あては出る(RULES 42)。"""

from backend.delivery.outbox import Everyone
from backend.permissions import Actor, Role
from backend.residents import incident
from backend.store import work
from tests.delivery.conftest import approved, package, sending, total, until

OGAWA = Actor(95, "ogawa", "小川", Role.PRIVACY_OFFICER, "somu", "総務課")


async def close() -> None:
    await work.run(incident.close, OGAWA, "試験の閉鎖")


async def test_nothing_by_criteria_starts_while_personal_settings_are_closed(crowd, noon, gateway, keys, simulator):
    await crowd(30)
    await close()
    async with sending(gateway, keys):
        held = await until(await approved(package(noon)), lambda s: s.state.value == "held")
        assert held.reason
        assert held.reason.label.startswith("個人設定を閉じているため")
        await until(await approved(package(noon, address=Everyone())))
    assert simulator.calls("multicast") == []
    assert len(simulator.calls("broadcast")) == 1


async def test_closing_in_the_middle_holds_the_rest_with_an_exact_account(crowd, noon, gateway, keys, simulator):
    await crowd(6_000)
    async with sending(gateway, keys, per_second=10):
        delivery = await approved(package(noon))
        await until(delivery, lambda s: s.accepted >= 1_000)
        await close()
        held = await until(delivery, lambda s: s.state.value == "held")
        calls = len(simulator.calls("multicast"))
    assert held.reason
    assert held.reason.value == "personal"
    assert len(simulator.calls("multicast")) - calls <= 1
    assert total(held) <= 6_000
    assert simulator.summary()["twice"] == 0
