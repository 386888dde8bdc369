"""続けるかのお知らせの文。広報課が読み、直してから出せる。だれのことかも、何を選んだかも書かない。"""

from datetime import date, timedelta

from backend.messages.manuscript import Audience, Manuscript, Timing
from backend.messages.reminder_plan import Planned
from backend.ward import account
from backend.ward.kinds import Kind

LATE = timedelta(hours=3)
_WEEKDAYS = "月火水木金土日"
_MONTHS = "January February March April May June July August September October November December".split()


def manuscript(planned: Planned, page: str) -> Manuscript:
    """一通の原稿。`page` は「続ける」のある受信設定のアドレス。"""
    by_notice = planned.field == "not_renewed"
    body, body_en = (_notice if by_notice else _month)(planned.ends_on)
    return Manuscript(
        kind=Kind.A,
        title=f"受信設定を続けるかのお尋ね({planned.days}日前)",
        body=f"{body}\n{_ASK}\n{page}\n{_ELSE}",
        body_en=f"{body_en}\n{_ASK_EN}\n{page}\n{_ELSE_EN}",
        contact=f"{account.OPERATOR} {account.TELEPHONE}".strip(),
        audience=Audience.CRITERIA,
        criteria=planned.criteria,
        timing=Timing.AT,
        send_at=planned.send_at,
        expires_at=planned.send_at + LATE,
        source_note=f"告知文 第{planned.value}版" if by_notice else f"告知文にある保存の期限({planned.value})",
    )


_ASK = "続ける方は、次のページで「続ける」を一度押してください。"
_ELSE = "押さなければ、お預かりしたものは消えます。全員あての緊急のお知らせは、そのまま届きます。"
_ASK_EN = 'To continue, open this page and press "Continue" once.'
_ELSE_EN = "If you do nothing, your settings will be erased. Emergency messages to everyone will still reach you."


def _notice(ends_on: date) -> tuple[str, str]:
    last = ends_on - timedelta(days=1)
    day = f"{last.year}年{last.month}月{last.day}日({_WEEKDAYS[last.weekday()]})"
    return (
        f"受信設定の説明の文(告知文)が変わりました。前の文への同意は、{day}までです。",
        "The notice about your message settings has changed. "
        f"Your consent to the earlier text is valid until {_MONTHS[last.month - 1]} {last.day}, {last.year}.",
    )


def _month(ends_on: date) -> tuple[str, str]:
    return (
        f"受信設定への同意は、{ends_on.year}年{ends_on.month}月に期限が来ます。",
        f"Your consent to the message settings expires in {_MONTHS[ends_on.month - 1]} {ends_on.year}.",
    )
