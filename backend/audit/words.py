"""操作の呼び名。知らない操作は綴りのまま見せる: 記録は隠さない。"""

from backend.permissions import Role

_ACTIONS = {
    "account.disaster": "災害時にした",
    "account.normal": "通常に戻した",
    "account.propose_normal": "通常に戻すことを提案した",
    "account.propose_resume": "配信の再開を提案した",
    "account.resume": "配信を再開した",
    "account.resume_urgent": "緊急の配信だけを再開した",
    "account.stop": "配信を止めた(口座全体)",
    "account.unwarn": "なりすましの注意を下げた",
    "account.warn": "なりすましの注意を出した",
    "approval.approve": "承認した",
    "delivery.account": "配信の数を確定した",
    "delivery.cancel": "配信の予約を取り消した",
    "delivery.close_brake": "自動の配信のブレーキを閉じた",
    "delivery.expired": "期限切れになった",
    "delivery.give_up": "見合わせた配信をやめた",
    "delivery.hold": "配信を見合わせた",
    "delivery.postpone": "見合わせた配信の時刻を変えた",
    "delivery.release": "見合わせた配信を送ることにした",
    "delivery.resend": "断られた分を送り直した",
    "delivery.schedule": "配信を予約した",
    "delivery.settle_unknown": "不明の分を決めた",
    "delivery.start": "送り始めた",
    "delivery.stop": "配信を止めた",
    "delivery.stopped": "送らずに終えた",
    "menu.apply": "メニューを反映した",
    "menu.approve": "メニューの版を承認した",
    "menu.artwork": "メニューの絵を登録した",
    "menu.draft": "メニューの版を作った",
    "menu.edit": "メニューの版を直した",
    "menu.point": "見せるメニューを切り替えた",
    "menu.return": "メニューの版を差し戻した",
    "menu.schedule": "メニューの予定を作った",
    "menu.schedule_approve": "メニューの予定を承認した",
    "menu.schedule_cancel": "メニューの予定を取りやめた",
    "menu.submit": "メニューの版を出した",
    "menu.withdraw": "メニューの版を取り下げた",
    "message.approve": "依頼を承認した",
    "message.draft": "原稿を作った",
    "message.edit": "原稿を直した",
    "message.return": "依頼を差し戻した",
    "message.submit": "依頼を提出した",
    "message.withdraw": "依頼を取り下げた",
    "notice.drop": "告知文の案を取り下げた",
    "notice.propose": "告知文の案を作った",
    "notice.publish": "告知文を公開した",
    "rights.close": "個人設定を閉じた",
    "rights.correct": "本人の申し出で訂正した",
    "rights.disclose": "本人コードで開示した",
    "rights.reopen": "個人設定を開いた",
    "rights.stop": "本人の申し出で利用を止めた",
    "rights.try": "本人コードを入れた",
    "staff.add": "職員を登録した",
    "staff.deactivate": "職員を使えなくした",
    "staff.invite": "招待を出した",
    "staff.reactivate": "職員を使えるようにした",
    "staff.redeem": "招待を使い、パスワードを決めた",
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
