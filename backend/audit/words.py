"""操作の呼び名。知らない操作は綴りのまま見せる: 記録は隠さない。"""

from backend.permissions import Role

_ACTIONS = {
    "account.resume": "配信を再開した",
    "account.stop": "すべての配信を止めた",
    "approval.approve": "承認した",
    "delivery.schedule": "配信を予約した",
    "delivery.stop": "配信を止めた",
    "delivery.cancel": "配信の予約を取り消した",
    "menu.apply": "メニューを反映した",
    "message.approve": "依頼を承認した",
    "message.draft": "原稿を作った",
    "message.edit": "原稿を直した",
    "message.return": "依頼を差し戻した",
    "message.submit": "依頼を提出した",
    "message.withdraw": "依頼を取り下げた",
    "staff.add": "職員を登録した",
    "staff.deactivate": "職員を使えなくした",
    "staff.invite": "招待を出した",
    "staff.redeem": "招待を使い、パスワードを決めた",
    "staff.reactivate": "職員を使えるようにした",
    "staff.sign_in": "サインインした",
    "staff.sign_in_refused": "サインインを断った",
    "staff.sign_out": "サインアウトした",
    "staff.sign_out_everywhere": "すべての端末からサインアウトした",
}
_ROLES = {role.value: role.label for role in Role}


def action_label(action: str) -> str:
    return _ACTIONS.get(action, action)


def role_label(role: str) -> str:
    return _ROLES.get(role, role)
