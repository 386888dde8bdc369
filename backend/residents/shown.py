"""預かっているものを、「登録の内容を見る」のページに渡す形にする。"""

from typing import Any

from backend.consent import notices
from backend.consent.notices import Purpose
from backend.residents import renewal, rights, stages
from backend.residents.preferences import Held
from backend.store import clock


async def page(held: Held) -> dict[str, Any]:
    """いま預かっているもの。`renew` は新しい告知文で、`ending` は期限が近いので、続けるかを尋ねる目的。`asks_birth` は予定月の過ぎた妊娠。"""
    today = (await clock.now()).astimezone(clock.JST).date()
    current = await notices.current()
    changed = await notices.changed_since([grant.notice_version for grant in held.grants.values()])
    answers = rights.plain(held)
    for child, due in zip(answers["children"], held.choices.due_months, strict=False):
        child["asks_birth"] = stages.asks_for_birth(due, today)
    return {
        "purposes": [
            {
                "code": grant.purpose.code,
                "label": grant.purpose.label,
                "granted_at": grant.granted_at.astimezone(clock.JST).isoformat(),
                "until": grant.until.astimezone(clock.JST).isoformat(),
                "notice_version": grant.notice_version,
                "renew": bool(changed.get(grant.notice_version, Purpose(0)) & grant.purpose),
                "ending": renewal.is_ending(grant.until, today),
            }
            for grant in held.grants.values()
        ],
        **answers,
        "notice_version": current.version,
        "words": held.words,
    }
