"""誰が何をしてよいか。役割と権限の表はここだけにある(DESIGN 1, POL 5(1))。"""

from dataclasses import dataclass
from enum import StrEnum

from backend.errors import Forbidden


class Role(StrEnum):
    SECTION_STAFF = "section_staff"
    SECTION_CHIEF = "section_chief"
    PR = "pr"
    PR_CHIEF = "pr_chief"
    ADMINISTRATOR = "administrator"
    PRIVACY_OFFICER = "privacy_officer"
    NIGHT_WATCH = "night_watch"

    @property
    def label(self) -> str:
        return _ROLE_LABELS[self]


class Permission(StrEnum):
    HOME = "home"  # 自分の最初の画面
    DRAFT = "draft"  # 原稿を書き、提出する
    READ_REQUESTS = "read_requests"  # 依頼を見る(所管課は自分の課のもの)
    REVIEW = "review"  # 確認待ちを見て、差し戻す・承認する
    READ_DELIVERIES = "read_deliveries"
    STOP_DELIVERY = "stop_delivery"  # 一つの配信、または緊急以外をすべて止める
    STOP_EVERYTHING = "stop_everything"  # 緊急を含めてすべて止める
    RESUME = "resume"
    COUNT_AUDIENCE = "count_audience"
    READ_MENUS = "read_menus"
    MANAGE_MENUS = "manage_menus"  # メニューの版を書き、出し、反映する
    APPROVE_MENUS = "approve_menus"  # 書いた人とは別の人が承認する
    SWITCH_DISASTER = "switch_disaster"  # 災害時の切り替えを開く(押せるのは広報課長と防災課長、RULES)
    MANAGE_STAFF = "manage_staff"
    READ_AUDIT = "read_audit"
    READ_NOTICES = "read_notices"  # 告知文の版と、続けた人の数を見る
    PROPOSE_NOTICE = "propose_notice"  # 告知文の新しい版の案を作る
    PUBLISH_NOTICE = "publish_notice"  # 案を、作った人とは別の人が公開する
    HANDLE_RIGHTS = "handle_rights"  # 本人コードで、開示・訂正・利用停止を行う(RULES 41)
    CLOSE_PERSONAL = "close_personal"  # 個人設定を閉じる・開く(RULES 42)
    READ_LINKS = "read_links"  # リンク台帳と、押された数を見る
    MANAGE_LINKS = "manage_links"  # リンクを登録し、直す(所管課は自分の課のもの)
    OWN_SESSION = "own_session"  # 自分のサインアウトなど


_EVERYONE = {Permission.HOME, Permission.OWN_SESSION}
_SECTION = _EVERYONE | {
    Permission.DRAFT,
    Permission.READ_REQUESTS,
    Permission.READ_DELIVERIES,
    Permission.COUNT_AUDIENCE,
    Permission.READ_LINKS,
    Permission.MANAGE_LINKS,
}
_PR = _SECTION | {
    Permission.REVIEW,
    Permission.STOP_DELIVERY,
    Permission.READ_MENUS,
    Permission.MANAGE_MENUS,
    Permission.APPROVE_MENUS,
    Permission.SWITCH_DISASTER,
    Permission.RESUME,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.SECTION_STAFF: frozenset(_SECTION),
    Role.SECTION_CHIEF: frozenset(_SECTION | {Permission.STOP_DELIVERY, Permission.SWITCH_DISASTER}),
    Role.PR: frozenset(_PR | {Permission.READ_NOTICES, Permission.PROPOSE_NOTICE}),
    Role.PR_CHIEF: frozenset(
        _PR
        | {
            Permission.STOP_EVERYTHING,
            Permission.READ_AUDIT,
            Permission.READ_NOTICES,
            Permission.PROPOSE_NOTICE,
            Permission.PUBLISH_NOTICE,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        _EVERYONE
        | {
            Permission.MANAGE_STAFF,
            Permission.READ_AUDIT,
            Permission.READ_DELIVERIES,
            Permission.STOP_DELIVERY,
            Permission.STOP_EVERYTHING,
            Permission.CLOSE_PERSONAL,
        }
    ),
    Role.PRIVACY_OFFICER: frozenset(
        _EVERYONE
        | {
            Permission.READ_AUDIT,
            Permission.READ_NOTICES,
            Permission.PROPOSE_NOTICE,
            Permission.PUBLISH_NOTICE,
            Permission.HANDLE_RIGHTS,
            Permission.CLOSE_PERSONAL,
        }
    ),
    Role.NIGHT_WATCH: frozenset(_EVERYONE | {Permission.READ_DELIVERIES, Permission.STOP_DELIVERY}),
}

_ROLE_LABELS = {
    Role.SECTION_STAFF: "所管課担当",
    Role.SECTION_CHIEF: "所管課長",
    Role.PR: "広報課",
    Role.PR_CHIEF: "広報課長",
    Role.ADMINISTRATOR: "システム管理者",
    Role.PRIVACY_OFFICER: "個人情報保護担当",
    Role.NIGHT_WATCH: "宿日直",
}


@dataclass(frozen=True)
class Actor:
    """操作者: サインインした一人の職員。画面の扉から動詞へ値として渡す。"""

    staff_id: int
    login: str
    name: str
    role: Role
    section_code: str
    section_name: str

    def may(self, permission: Permission) -> bool:
        return permission in ROLE_PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """権限がなければ `Forbidden`。扉の番人とは別に、動詞も自分で確かめる。"""
        if not self.may(permission):
            raise Forbidden(
                f"この操作は{self.role.label}にはできません。", next_step="権限について、広報課にお尋ねください。"
            )
