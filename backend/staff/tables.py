"""職員の部屋の表。"""

from piccolo.columns import BigInt, BigSerial, Boolean, Bytea, Date, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class Section(Table, tablename="section", db=DB):
    """所管課。"""

    code = Text(primary_key=True)
    name = Text(unique=True)


class StaffMember(Table, tablename="staff_member", db=DB):
    """職員。`password_hash` は招待を使うまで空。"""

    id = BigSerial(primary_key=True)
    login = Text(unique=True)
    name = Text()
    role = Text()
    section_code = Text()
    password_hash = Text(null=True, default=None)
    active = Boolean(default=True)
    created_at = Timestamptz()


class StaffInvitation(Table, tablename="staff_invitation", db=DB):
    """一度だけ使える招待。札そのものは持たない。"""

    id = BigSerial(primary_key=True)
    staff_id = BigInt()
    token_sha256 = Bytea(unique=True)
    expires_at = Timestamptz()
    redeemed_at = Timestamptz(null=True, default=None)
    created_at = Timestamptz()


class StaffChange(Table, tablename="staff_change", db=DB):
    """二人で決める、職員の変更の一つ。"""

    id = BigSerial(primary_key=True)
    what = Text()
    staff_id = BigInt(null=True, default=None)
    login = Text()
    name = Text()
    role = Text()
    section_code = Text()
    section_name = Text()
    starts_on = Date()
    proposed_by = BigInt()
    proposed_name = Text()
    proposed_at = Timestamptz()
    approval_id = BigInt(null=True, default=None)
    confirmed_name = Text(default="")
    applied_at = Timestamptz(null=True, default=None)
    closed_at = Timestamptz(null=True, default=None)
    trouble = Text(default="")


class StaffSession(Table, tablename="staff_session", db=DB):
    """サインインしている一つのブラウザ。"""

    token_sha256 = Bytea(primary_key=True)
    staff_id = BigInt()
    created_at = Timestamptz()
    seen_at = Timestamptz()
    waits = Boolean(default=False)


class StaffFactor(Table, tablename="staff_factor", db=DB):
    """認証アプリの鍵(封をしたもの)と、最後に使った番号。"""

    staff_id = BigInt(primary_key=True)
    sealed = Bytea()
    last_step = BigInt(default=0)
    confirmed_at = Timestamptz(null=True, default=None)


class StaffRecoveryCode(Table, tablename="staff_recovery_code", db=DB):
    """控えのコードのハッシュ。一つずつ、一度だけ使える。"""

    staff_id = BigInt(primary_key=True)
    code_sha256 = Bytea()
    used_at = Timestamptz(null=True, default=None)


class SignInFailure(Table, tablename="sign_in_failure", db=DB):
    """失敗したサインイン。一日で消える。"""

    id = BigSerial(primary_key=True)
    who = Bytea()
    at = Timestamptz()


class SignInPlace(Table, tablename="sign_in_place", db=DB):
    """サインインできた人と接続元の組のハッシュ。30日で消える。"""

    who = Bytea(primary_key=True)
    at = Timestamptz()
