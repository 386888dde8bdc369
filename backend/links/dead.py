"""開けないリンクの知らせ: 持ち主の課のホームと、一度だけのメール(issue 4-6)。"""

from backend.delivery import alarms
from backend.delivery.alarms import Alarm
from backend.links import register
from backend.links.register import Link


async def ringing(section: str | None = None) -> list[Alarm]:
    """開けないリンクの知らせを、先に開けなくなったものから。`section` があれば、その課が持ち主のものだけ。"""
    return await alarms.told(_alarm(link) for link in await register.dead_of(section))


def _alarm(link: Link) -> Alarm:
    """題と課の名だけを書く。職員の名も、行き先の中の値も入れない。"""
    assert link.dead_since
    words = f"「{link.label}」のリンクが開けません。{link.reason}持ち主は{link.owner_name}です。"
    return Alarm(link.source, words, link.dead_since, f"/console/links/{link.code}")
