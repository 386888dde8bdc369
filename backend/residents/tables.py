"""住民の部屋の表: 受信設定の一行と、子の月。どちらも同意のある間だけ存在する。"""

from piccolo.columns import UUID, BigInt, Boolean, Bytea, Date, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class Resident(Table, tablename="resident", db=DB):
    """一人の受信設定。属性はどれも一つの目的に属し、その同意がなければNULL(表の制約が守る)。"""

    id = UUID(primary_key=True, default=None)
    number = BigInt()
    index_version = SmallInt()
    cipher = Bytea()
    subject_key = Bytea()
    purposes = SmallInt()
    live_until = Timestamptz()
    notice_version = Integer()
    area = SmallInt(null=True, default=None)
    age_band = SmallInt(null=True, default=None)
    topics = BigInt(default=0)
    language = Text(null=True, default=None)
    due_month = Date(null=True, default=None)
    birth_1 = Date(null=True, default=None)
    birth_2 = Date(null=True, default=None)
    birth_3 = Date(null=True, default=None)
    birth_4 = Date(null=True, default=None)
    birth_5 = Date(null=True, default=None)
    collection_area = SmallInt(null=True, default=None)
    streams = SmallInt(default=0)
    slot = SmallInt(null=True, default=None)
    absences = SmallInt(default=0)
    consented_at = Timestamptz()
    updated_at = Timestamptz()


class ResidentChild(Table, tablename="resident_child", db=DB):
    """一人の子(双子は一組)の誕生月。`due_month` は修正月齢のために残してよい予定月。"""

    resident_id = UUID(primary_key=True, default=None)
    position = SmallInt()
    birth_month = Date()
    due_month = Date(null=True, default=None)


class IdTokenSeen(Table, tablename="id_token_seen", db=DB):
    """一度使われたIDトークンのハッシュと期限。だれのものかは分からない。"""

    digest = Bytea(primary_key=True)
    expires_at = Timestamptz()


class LiffEnded(Table, tablename="liff_ended", db=DB):
    """「終わる」で終わったセッションの乱数のハッシュと期限。だれのものかは分からない。"""

    digest = Bytea(primary_key=True)
    expires_at = Timestamptz()


class WebhookSeen(Table, tablename="webhook_seen", db=DB):
    """処理したWebhookの番号。7日で消える。だれのものかは分からない。"""

    event_id = Text(primary_key=True)
    seen_at = Timestamptz()


class CounterCode(Table, tablename="counter_code", db=DB):
    """本人コード: 窓口で本人を確かめる8桁の数字のハッシュ。10分、一度だけ。"""

    digest = Bytea(primary_key=True)
    resident_id = UUID(default=None)
    expires_at = Timestamptz()


class CounterCase(Table, tablename="counter_case", db=DB):
    """本人コードで開いた窓口の一件。開いた職員だけが、30分の間だけ使える。"""

    id = UUID(primary_key=True, default=None)
    resident_id = UUID(default=None)
    staff_id = BigInt()
    expires_at = Timestamptz()


class PersonalSwitch(Table, tablename="personal_switch", db=DB):
    """個人設定を閉じる・開く(RULES 42)。行を足すだけで、最後の行がいまの状態。"""

    id = BigInt(primary_key=True)
    at = Timestamptz()
    closed = Boolean()
    by_staff = BigInt()
    reason = Text()


class LiffRate(Table, tablename="liff_rate", db=DB):
    """住民のページからの書き込みの数え。セッションの乱数のハッシュだけで、人とは結び付かない。"""

    bucket = Bytea(primary_key=True)
    since = Timestamptz()
    hits = BigInt(default=1)


class FollowerSweep(Table, tablename="follower_sweep", db=DB):
    """LINEの友だちの一覧との週ごとの照らし合わせ。数だけを残す。"""

    id = BigInt(primary_key=True)
    at = Timestamptz()
    friends = BigInt()
    residents = BigInt()
    absent = BigInt()
    erased = BigInt()


class IncidentReport(Table, tablename="incident_report", db=DB):
    """漏えいの記録(RULES 42)。行を足すだけで、番号ごとの最後の行がいまの記録。"""

    id = BigInt(primary_key=True)
    number = BigInt()
    at = Timestamptz()
    by_staff = BigInt()
    found_at = Timestamptz()
    people = Integer(null=True, default=None)
    malicious = Boolean(null=True, default=None)
    items = SmallInt()
    summary = Text()
    first_on = Date(null=True, default=None)
    full_on = Date(null=True, default=None)
    unneeded = Text()
    ended = Boolean()
