"""配信の状態、見合わせの理由、宛先、包み(DESIGN 8)。"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backend.ward.kinds import Kind

URGENT = 0
NORMAL = 1
HAND_WRITTEN = "message"
"""人が書いた配信の、出どころの頭(`message:42`)。ほかの頭は自動の配信。"""


class State(StrEnum):
    SCHEDULED = "scheduled"
    FROZEN = "frozen"
    SENDING = "sending"
    HELD = "held"
    SENT = "sent"
    PARTLY_FAILED = "partly_failed"
    UNKNOWN = "unknown"
    STOPPED = "stopped"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def finished(self) -> bool:
        """もう動かない。不明は人が決めるまで終わらない。"""
        return self in (State.SENT, State.PARTLY_FAILED, State.STOPPED, State.EXPIRED)


class Reason(StrEnum):
    """見合わせ・停止の理由。"""

    STOPPED = "account_stopped"
    DISASTER = "disaster"
    QUIET = "quiet"
    STALE = "stale"
    FLOOD = "flood"
    QUOTA = "quota"
    RESERVED = "reserved"
    MINIMUM = "minimum"
    UNREADABLE = "unreadable"
    NOBODY = "nobody"
    UNAPPROVED = "unapproved"
    PERSONAL = "personal"
    RESTORED = "restored"
    BROKEN = "broken"
    REFUSED = "refused"
    BY_HAND = "by_hand"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return _REASONS[self][0]

    @property
    def next_step(self) -> str:
        return _REASONS[self][1]


@dataclass(frozen=True)
class Everyone:
    """友だち全員。LINEの一斉配信一回で、人数は分からず、送った後は止められない(RULES 16)。"""


@dataclass(frozen=True)
class ByCriteria:
    """条件のJSON(`segments.criteria.dump`)。"""

    json: str


@dataclass(frozen=True)
class RecipientsOf:
    """前の配信でLINEが受け付けた人たち。訂正のためのもの。"""

    delivery_id: int


Address = Everyone | ByCriteria | RecipientsOf


@dataclass(frozen=True)
class Package:
    """配信に渡す完成した包み。`bodies` は言語 → LINEメッセージのJSONの並びで、このバイト列のままLINEに渡る。

    `source` は一つの配信の鍵(`message:42`)。`source_at` は内容のもとになった情報の時刻。`own_hour` は住民が自分で
    選んだ時刻に送るもので、夜でも出る(RULES 50)。
    """

    source: str
    title: str
    owner_section: str
    public_number: str
    kind: Kind
    bodies: dict[str, bytes]
    address: Address
    send_at: datetime
    expires_at: datetime
    source_at: datetime
    priority: int
    silent: bool
    own_hour: bool = False


_LABELS = {
    State.SCHEDULED: "予約",
    State.FROZEN: "確定",
    State.SENDING: "配信中",
    State.HELD: "見合わせ",
    State.SENT: "完了",
    State.PARTLY_FAILED: "一部失敗",
    State.UNKNOWN: "不明",
    State.STOPPED: "停止",
    State.EXPIRED: "期限切れ",
}
_REASONS = {
    Reason.STOPPED: ("配信が止められています。", "再開の後で、広報課が一つずつ決めます。"),
    Reason.DISASTER: ("災害時は、緊急(イ)だけを送ります。", "通常に戻った後で、広報課が一つずつ決めます。"),
    Reason.QUIET: ("夜9時から朝7時までは送りません。", "朝7時より後に日を変えるか、やめてください。"),
    Reason.STALE: ("もとの情報が古いままです。", "内容が今も正しいかを確かめてから決めてください。"),
    Reason.FLOOD: ("自動の配信が1時間に12回を超えました。", "出どころに誤りがないかを確かめてから決めてください。"),
    Reason.QUOTA: ("LINEで今月送れる数が足りません。", "広報課が数を増やした後で、「送る」を押してください。"),
    Reason.RESERVED: (
        "送ると、緊急(イ)のために残す数(友だちの2倍)に足りなくなります。",
        "広報課がLINEの今月の数を増やした後で、「送る」を押してください。急がなければ、翌月の日時で出し直します。",
    ),
    Reason.MINIMUM: ("対象が20人未満です。", "個人あての連絡になるので送れません。対象を広げた依頼を出してください。"),
    Reason.UNREADABLE: (
        "配信の条件を読み取れません。",
        "だれにも送っていません。対象を選び直した依頼を出してください。",
    ),
    Reason.NOBODY: ("条件に合う人がいませんでした。", "だれにも送っていません。"),
    Reason.UNAPPROVED: ("承認された内容と一致しません。", "だれにも送っていません。システム管理者に知らせてください。"),
    Reason.PERSONAL: (
        "個人設定を閉じているため、全員あてのほかは送りません。",
        "個人情報保護担当が開いた後で、「送る」を押してください。",
    ),
    Reason.RESTORED: ("控えから戻したので、送ったかどうか分かりません。", "LINEの記録と見比べてから決めてください。"),
    Reason.BROKEN: ("送る途中で誤りが起きました。", "システム管理者が直した後で、「いま送る」を押してください。"),
    Reason.REFUSED: ("LINEが受け付けませんでした。", "内容を確かめて、写しを作り直してください。"),
    Reason.BY_HAND: ("職員が止めました。", "続きを送るには、新しい依頼を出してください。"),
    Reason.WITHDRAWN: ("送る前に取り下げられました。", "だれにも送っていません。"),
}
