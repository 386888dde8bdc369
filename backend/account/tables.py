"""アカウントの部屋の表。"""

from piccolo.columns import BigInt, BigSerial, Boolean, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class AccountChange(Table, tablename="account_change", db=DB):
    """状態の移り変わり。最後の一行がいまの状態。"""

    id = BigSerial(primary_key=True)
    at = Timestamptz()
    mode = Text()
    stopped = Text()
    staff_id = BigInt()
    staff_name = Text()
    reason = Text(default="")


class AccountProposal(Table, tablename="account_proposal", db=DB):
    """再開の一人目。"""

    id = BigSerial(primary_key=True)
    what = Text()
    staff_id = BigInt()
    staff_name = Text()
    by_chief = Boolean()
    at = Timestamptz()
    closed_at = Timestamptz(null=True, default=None)


class ImpersonationWarning(Table, tablename="impersonation_warning", db=DB):
    """なりすましの注意を出した・下げた記録。"""

    id = BigSerial(primary_key=True)
    at = Timestamptz()
    shown = Boolean()
    words = Text(default="")
    staff_id = BigInt()
    staff_name = Text()
