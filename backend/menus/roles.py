"""メニューの役目: ふだん、災害時、停止、催し。"""

from enum import StrEnum


class Role(StrEnum):
    RESIDENT = "resident"
    EMERGENCY = "emergency"
    CLOSING = "closing"
    EVENT = "event"

    @property
    def label(self) -> str:
        return {"resident": "ふだん", "emergency": "災害時", "closing": "停止", "event": "催し"}[self.value]

    @property
    def when(self) -> str:
        """いつ出すか。画面で選ぶときの言葉。"""
        return {
            "resident": "ふだん",
            "emergency": "災害時に切り替えたとき",
            "closing": "すべてを停止したとき",
            "event": "催しのあいだだけ(日時を決めます)",
        }[self.value]

    @property
    def kept(self) -> bool:
        """いつもLINEに置いておく役目。催しは、予定のあるときだけ。"""
        return self is not Role.EVENT


SHAPE_ROLES = {"normal": Role.RESIDENT, "disaster": Role.EMERGENCY, "stopped": Role.CLOSING}
"""アカウントの状態の形(account.state)から、見せる役目。"""
