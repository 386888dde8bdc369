"""配信依頼の状態と、その間の道。"""

from enum import StrEnum

from backend.errors import Refused


class State(StrEnum):
    """依頼の状態(DESIGN 10)。EXPIRED は保存せず、確認待ちのまま期限を過ぎたものを読むときに付く。"""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def editable(self) -> bool:
        """所管課が書き直せる。"""
        return self in (State.DRAFT, State.RETURNED, State.EXPIRED)


class Action(StrEnum):
    EDIT = "edit"
    CONFIRM = "confirm"
    SUBMIT = "submit"
    RETURN = "return"
    APPROVE = "approve"
    WITHDRAW = "withdraw"

    @property
    def label(self) -> str:
        return _ACTION_LABELS[self]


class ReturnReason(StrEnum):
    """差戻しの理由(RULES 24)。"""

    NOT_A_SERVICE = "5-2"
    UNCLEAR = "5-3-a"
    UNFOUNDED = "5-3-i"
    RIGHTS = "8"
    TIME = "time"
    AUDIENCE = "audience"
    CONTACT = "contact"
    LINK = "link"
    READING = "reading"

    @property
    def label(self) -> str:
        return _REASON_LABELS[self]


def next_state(state: State, action: Action) -> State:
    """`state` で `action` をした後の状態。できないことは、理由と次の一手を添えて `Refused`。"""
    following = _WAYS.get((state, action))
    if following is None:
        raise Refused(f"この依頼は「{state.label}」なので、{action.label}はできません。", next_step=_NEXT_STEPS[state])
    return following


_WAYS = {
    (State.DRAFT, Action.EDIT): State.DRAFT,
    (State.RETURNED, Action.EDIT): State.RETURNED,
    (State.EXPIRED, Action.EDIT): State.DRAFT,
    (State.SUBMITTED, Action.EDIT): State.SUBMITTED,  # 広報課が直す。直した人は承認できなくなる(RULES 23)
    (State.DRAFT, Action.CONFIRM): State.DRAFT,
    (State.RETURNED, Action.CONFIRM): State.RETURNED,
    (State.DRAFT, Action.SUBMIT): State.SUBMITTED,
    (State.RETURNED, Action.SUBMIT): State.SUBMITTED,
    (State.EXPIRED, Action.RETURN): State.RETURNED,
    (State.SUBMITTED, Action.RETURN): State.RETURNED,
    (State.SUBMITTED, Action.APPROVE): State.APPROVED,
    (State.DRAFT, Action.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Action.WITHDRAW): State.WITHDRAWN,
    (State.RETURNED, Action.WITHDRAW): State.WITHDRAWN,
    (State.EXPIRED, Action.WITHDRAW): State.WITHDRAWN,
    (State.APPROVED, Action.WITHDRAW): State.WITHDRAWN,
}
_LABELS = {
    State.DRAFT: "下書き",
    State.SUBMITTED: "確認待ち",
    State.RETURNED: "差戻し",
    State.APPROVED: "承認済",
    State.WITHDRAWN: "取下げ",
    State.EXPIRED: "時間切れ",
}
_ACTION_LABELS = {
    Action.EDIT: "書き直し",
    Action.CONFIRM: "課長確認",
    Action.SUBMIT: "提出",
    Action.RETURN: "差戻し",
    Action.APPROVE: "承認",
    Action.WITHDRAW: "取下げ",
}
_REASON_LABELS = {
    ReturnReason.NOT_A_SERVICE: "提供する内容に当たらない(運用ポリシー5(2))",
    ReturnReason.UNCLEAR: "分かりにくい・誤解のおそれ(5(3)ア)",
    ReturnReason.UNFOUNDED: "未確定・根拠がない(5(3)イ)",
    ReturnReason.RIGHTS: "写真などの権利が確かめられない(8)",
    ReturnReason.TIME: "日時",
    ReturnReason.AUDIENCE: "対象",
    ReturnReason.CONTACT: "問合せ先",
    ReturnReason.LINK: "リンク",
    ReturnReason.READING: "読み上げ・表記",
}
_NEXT_STEPS = {
    State.DRAFT: "先に提出してください。",
    State.SUBMITTED: "広報課の確認を待つか、取り下げて写しを作ってください。",
    State.RETURNED: "直してから、もう一度提出してください。",
    State.APPROVED: "直すには、取り下げて写しを作ってください。送り始めた後は、配信の画面で止めてください。",
    State.WITHDRAWN: "同じ内容から始めるには、写しを作ってください。",
    State.EXPIRED: "希望の日時を過ぎました。所管課が新しい日時を決めて、もう一度提出してください。",
}
