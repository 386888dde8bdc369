"""操作記録: 誰が、いつ、何に、何をしたか。消えない、書き換わらない。"""

from piccolo.columns import JSONB, BigInt, BigSerial, Text, Timestamptz
from piccolo.table import Table

from backend.store.pool import DB


class AuditEntry(Table, tablename="audit_entry", db=DB):
    id = BigSerial(primary_key=True)
    at = Timestamptz()
    staff_id = BigInt(null=True, default=None)
    staff_name = Text()
    role = Text()
    section_code = Text()
    action = Text()
    subject = Text()
    detail = JSONB()
