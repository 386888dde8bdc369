"""一通ずつ、承認されたとおりに、合う人だけに。"""

from tests.delivery.conftest import approved, package, sending, total, until


async def test_every_matching_person_gets_it_once_and_nobody_else(crowd, noon, gateway, keys, simulator):
    inside = await crowd(1203)
    outside = await crowd(40, lambda n: replace_area(n), first=5000)
    made = package(noon)
    async with sending(gateway, keys):
        done = await until(await approved(made))
    assert done.state.value == "sent"
    assert (done.frozen, done.accepted, total(done)) == (1203, 1203, 1203)
    got = [one["user"] for one in simulator.received()]
    assert sorted(got) == sorted(inside)
    assert not set(got) & set(outside)


def replace_area(_n):
    from backend.consent.notices import Purpose
    from backend.residents.choices import Choices

    return Choices(purposes=Purpose.AREA, area=12)
