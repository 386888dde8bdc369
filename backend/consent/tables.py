"""同意台帳の表。どれも追記だけで、アプリケーションの役割には書き換えと削除の権利がない(CHECKS P11)。"""

from piccolo.columns import UUID, BigInt, BigSerial, Boolean, Bytea, Date, Integer, SmallInt, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class Notice(Table, tablename="notice", db=DB):
    """告知文の一つの版。`material` は内容が変わった目的のビット。0なら字句だけの直し。"""

    version = Integer(primary_key=True)
    published_on = Date()
    effective_on = Date()
    material = SmallInt()
    retention_months = SmallInt()
    reason = Text()
    proposed_by = BigInt(null=True, default=None)
    proposed_at = Timestamptz()


class NoticeText(Table, tablename="notice_text", db=DB):
    """一つの版の、一つの言語の、一つの部分の文。`part` は `common` か目的の綴り。"""

    version = Integer(primary_key=True)
    language = Text()
    part = Text()
    text = Text()
    sha256 = Bytea()


class NoticeTranslation(Table, tablename="notice_translation", db=DB):
    """一つの版の、一つの言語を、だれが訳し、だれが確かめたか。"""

    version = Integer(primary_key=True)
    language = Text()
    translator = Text()
    checker = Text()
    checked_on = Date(null=True, default=None)
    recorded_at = Timestamptz()


class NoticeDecision(Table, tablename="notice_decision", db=DB):
    """版をどうしたか: 公開した、または取り下げた。行がなければ、まだ案。"""

    version = Integer(primary_key=True)
    published = Boolean()
    approval_id = BigInt(null=True, default=None)
    decided_by = BigInt(null=True, default=None)
    decided_at = Timestamptz()


class ConsentEvent(Table, tablename="consent_event", db=DB):
    """同意記録: だれかが、どの文に、いつ、何をしたか。`subject` は本人の行が消えると、だれのものか分からなくなる。"""

    id = BigSerial(primary_key=True)
    event_id = UUID(default=None)
    schema_version = SmallInt()
    subject = Bytea()
    purpose = SmallInt()
    action = Text()
    notice_version = Integer()
    language = Text()
    text_sha256 = Bytea()
    guardian = Boolean()
    channel = Text()
    at = Timestamptz()
